"""Every function and method of the registry refuses wrong arguments in PyTorch's words."""
from __future__ import annotations

import re
import warnings
from typing import Any

import pytest

import tapegrad
from tapegrad.documents.descriptions import Description, functions

torch = pytest.importorskip("torch")

SPACES = ("", "Tensor", "linalg", "special", "nn.functional")
# What these do with anything is said elsewhere, or changes the process.
OTHERS = re.compile(
    "backward|compile|load|save|seed|manual_seed|share_memory_|.*rng_state|register_.*hook|set_.*|use_.*|vmap|__.*")
_DIFFERENT = {
    "Python functions here, which nobody comes between": """
        as_tensor clear_autocast_cache from_dlpack from_numpy get_autocast_dtype get_default_device get_default_dtype
        get_num_interop_threads get_num_threads is_anomaly_check_nan_enabled is_anomaly_enabled
        is_autocast_cache_enabled is_autocast_enabled is_grad_enabled is_inference_mode_enabled promote_types
        sparse_coo_tensor tensor Tensor.apply_ Tensor.as_subclass Tensor.cpu Tensor.cuda Tensor.data_ptr Tensor.detach_
        Tensor.dim Tensor.element_size Tensor.is_complex Tensor.is_contiguous Tensor.is_floating_point Tensor.ndimension
        Tensor.nelement Tensor.new Tensor.new_empty_strided Tensor.numel Tensor.pin_memory Tensor.requires_grad_
        Tensor.retain_grad Tensor.size Tensor.storage_offset Tensor.stride Tensor.tolist Tensor.type Tensor.xpu""",
    "Python functions there, under other names, or whose own calls complain": """
        can_cast eig lu symeig unique unique_consecutive to_dlpack Tensor.lu
        Tensor.norm Tensor.split Tensor.unflatten Tensor.unique
        Tensor.unique_consecutive nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d
        nn.functional.adaptive_max_pool3d nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
        nn.functional.gumbel_softmax nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.max_pool3d
        nn.functional.rrelu_ nn.functional.threshold""",
    "other forms there: names of axes, packed sequences, kinds of norms": """
        atleast_1d atleast_2d atleast_3d ctc_loss gradient gru linalg.cond linalg.matrix_norm linalg.norm lstm rand
        rand_like randn randn_like randperm range rnn_relu rnn_tanh Tensor.copy_
        Tensor.nonzero""",
}
DIFFERENT = {path for paths in _DIFFERENT.values() for path in paths.split()}


def told(t: Any, d: Description, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, str]:
    owner = t
    for part in filter(None, d.path.split(".")):
        owner = getattr(owner, part)
    given = (t.ones(2, 2), *args) if d.path.startswith("Tensor.") else args
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            owner(*given, **kwargs)
    except Exception as error:
        return type(error).__name__, str(error).partition("\n")[0].replace("tapegrad", "torch")
    return "", ""


def differences(space: str) -> list[str]:
    owner = torch
    for part in filter(None, space.split(".")):
        owner = getattr(owner, part)
    found = []
    for d in functions(space):
        if not d.forms or not hasattr(owner, d.name) or OTHERS.fullmatch(d.name) or d.path in DIFFERENT:
            continue
        for args, kwargs in (((), {"nothing": "text"}), ((), {}), (("text",), {})):
            mine, theirs = told(tapegrad, d, args, kwargs), told(torch, d, args, kwargs)
            if theirs[0] == "TypeError" and mine != theirs:
                found.append(f"{d.path}(*{args}, **{kwargs}): {mine}, not {theirs}")
    return found


@pytest.mark.parametrize("space", SPACES)
def test_wrong_arguments(space: str) -> None:
    assert not differences(space)
