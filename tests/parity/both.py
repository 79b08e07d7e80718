"""One program on both libraries: what is the same about its outcome."""
from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from typing import Any


def plain(value: Any) -> Any:
    """A result in terms that both libraries share."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return [list(value.shape), plain(value.tolist()), value.requires_grad]
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if hasattr(value, "next_functions"):
        return value.name()
    return value


def outcome(function: Callable[..., Any], t: Any) -> Any:
    x = t.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    w = t.tensor([0.5, -1.5], requires_grad=True)
    try:
        return plain(function(t, x, w))
    except Exception as error:
        return type(error).__name__, nameless(str(error))


def nameless(message: str) -> str:
    """PyTorch names the tensor's latest history, not the one that was saved; classes are in packages of two names."""
    return re.sub(", which is output . of [^,]*,", "", message).replace("tapegrad.nn.", "torch.nn.")


def refusal(function: Callable[[], Any]) -> Any:
    """What a call gives, or how it is refused."""
    try:
        return plain(function())
    except Exception as error:
        return type(error).__name__, nameless(str(error))


def assert_alike(call: Callable[[Any], Any]) -> None:
    """A call of a library gives the same in both, or is refused alike, whatever they warn of; NaN is itself."""
    import torch

    import tapegrad

    told = []
    for t in (torch, tapegrad):
        t.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told.append(refusal(functools.partial(call, t)))
    assert told[1] == told[0] or repr(told[1]) == repr(told[0])


def programs(module: dict[str, Any]) -> list[Callable[..., Any]]:
    """The functions of a test module that take a library, x and w."""
    return [f for f in module.values() if callable(f) and getattr(f, "__module__", "") == module["__name__"]
            and f.__code__.co_varnames[:3] == ("t", "x", "w")]
