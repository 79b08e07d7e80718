"""Switches of libraries that PyTorch uses (`torch.backends`): they can be set and read, and change nothing here.

>>> import tapegrad as torch
>>> torch.backends.cudnn.deterministic = True
>>> torch.backends.cudnn.is_available(), torch.backends.mps.is_available()
(False, False)
"""
from __future__ import annotations

import sys
import types
from typing import Any

from tapegrad import absent
from tapegrad.namespaces import show_public

# By backend: what its functions answer, which of them open blocks, and its switches as they stand at first.
_BACKENDS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "cpu": ({"get_cpu_capability": "DEFAULT"}, "", {}),
    "cuda": ({"is_built": False, "flash_sdp_enabled": False, "math_sdp_enabled": True,
              "mem_efficient_sdp_enabled": False, "cudnn_sdp_enabled": False,
              "enable_flash_sdp(enabled)": None, "enable_math_sdp(enabled)": None,
              "enable_mem_efficient_sdp(enabled)": None, "enable_cudnn_sdp(enabled)": None,
              "preferred_linalg_library(backend=None)": None},
             "sdp_kernel(enable_flash=True,enable_math=True,enable_mem_efficient=True,enable_cudnn=True)",
             {"matmul": types.SimpleNamespace(
                 allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
                 allow_bf16_reduced_precision_reduction=True, fp32_precision="none")}),
    "cudnn": ({"is_available": False, "version": None, "is_acceptable(tensor)": False},
              "flags(enabled=False,benchmark=False,benchmark_limit=10,deterministic=False,allow_tf32=True,"
              "fp32_precision='none',depthwise_kernel='auto')",
              {"enabled": True, "benchmark": False, "benchmark_limit": None, "deterministic": False, "allow_tf32": True,
               "fp32_precision": "none"}),
    "mkl": ({"is_available": False}, "verbose(enable)", {}),
    "mkldnn": ({"is_available": False},
               "flags(enabled=False,deterministic=False,allow_tf32=True,fp32_precision='none') verbose(level)",
               {"enabled": False, "deterministic": False, "allow_tf32": True}),
    "mps": ({"is_available": False, "is_built": False, "is_macos13_or_newer(minor=0)": False}, "", {}),
    "openmp": ({"is_available": False}, "", {}),
    "opt_einsum": ({"is_available": False}, "", {"enabled": False, "strategy": None}),
}
__all__ = sorted(_BACKENDS)
show_public(__name__)


def _module(name: str, answers: dict[str, Any], blocks: str, switches: dict[str, Any]) -> types.ModuleType:
    module = types.ModuleType(f"{__name__}.{name}", f"Switches of a library, which change nothing ({name}).")
    vars(module).update(absent.namespace(module.__name__, answers, blocks=blocks) | switches)
    sys.modules[module.__name__] = module  # so that `import tapegrad.backends.cudnn` finds it
    return module


globals().update({name: _module(name, *held) for name, held in _BACKENDS.items()})
