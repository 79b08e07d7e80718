"""Switches of libraries that PyTorch uses (`torch.backends`): they can be set and read, and change nothing here.

>>> import tapegrad as torch
>>> torch.backends.cudnn.deterministic = True
>>> torch.backends.cudnn.is_available(), torch.backends.mps.is_available()
(False, False)
"""
from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

from tapegrad import absent


@contextlib.contextmanager
def flags(**switches: Any) -> Iterator[None]:
    """A block with switches set, which change nothing (`torch.backends.cudnn.flags`)."""
    yield


# By backend: what its functions answer; its switches, as they stand at first.
_BACKENDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cpu": ({"get_cpu_capability": "DEFAULT"}, {}),
    "cuda": ({"is_built": False, "flash_sdp_enabled": False, "math_sdp_enabled": True, "enable_flash_sdp": None,
              "mem_efficient_sdp_enabled": False, "enable_math_sdp": None, "enable_mem_efficient_sdp": None,
              "cudnn_sdp_enabled": False, "enable_cudnn_sdp": None, "preferred_linalg_library": None},
             {"sdp_kernel": flags, "matmul": types.SimpleNamespace(
                 allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
                 allow_bf16_reduced_precision_reduction=True, fp32_precision="none")}),
    "cudnn": ({"is_available": False, "version": None, "is_acceptable": False},
              {"enabled": True, "benchmark": False, "benchmark_limit": None, "deterministic": False, "allow_tf32": True,
               "fp32_precision": "none", "flags": flags}),
    "mkl": ({"is_available": False}, {"verbose": flags}),
    "mkldnn": ({"is_available": False}, {"enabled": False, "deterministic": False, "allow_tf32": True, "flags": flags,
                                         "verbose": flags}),
    "mps": ({"is_available": False, "is_built": False, "is_macos13_or_newer": False}, {}),
    "openmp": ({"is_available": False}, {}),
    "opt_einsum": ({"is_available": False}, {"enabled": False, "strategy": None}),
}


def _module(name: str, answers: dict[str, Any], switches: dict[str, Any]) -> types.ModuleType:
    module = types.ModuleType(f"{__name__}.{name}", f"Switches of a library, which change nothing ({name}).")
    vars(module).update({n: absent.answering(n, value) for n, value in answers.items()} | switches)
    sys.modules[module.__name__] = module  # so that `import tapegrad.backends.cudnn` finds it
    return module


globals().update({name: _module(name, *held) for name, held in _BACKENDS.items()})
