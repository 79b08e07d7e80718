"""What is refused of windows, borders and sizes that do not fit, along one, two and three axes, in PyTorch's words."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from both import assert_alike

torch = pytest.importorskip("torch")


CALLS: dict[str, Callable[[Any, int], Any]] = {}


def of_axes(kind: str, *axes: int) -> Callable[[Callable[[Any, Any, int], Any]], None]:
    def add(call: Callable[[Any, Any, int], Any]) -> None:
        CALLS.update({f"{kind}, {n}": lambda t, n=n: call(t, t.nn.functional, n) for n in axes or (1, 2, 3)})
    return add


def image(t: Any, n: int, size: int = 5) -> Any:
    return t.ones(1, 1, *[size] * n)


for _name in ("conv{}d", "conv_transpose{}d"):
    for _kind, _weight, _given in (
            ("bias of two", (1, 1), {"bias": (2,)}), ("bias of two axes", (1, 1), {"bias": (1, 1)}),
            ("groups", (1, 1), {"groups": 2}), ("no groups", (1, 1), {"groups": 0}),
            ("groups that do not divide", (3, 1), {"groups": 2}), ("strides", (1, 1), {"stride": (1, 1, 1, 1)}),
            ("channels", (2, 2), {}), ("one axis fewer", (1,), {})):
        @of_axes(f"{_name}, {_kind}")
        def convolution(t, f, n, name=_name, weight=_weight, given=_given):
            given = {k: t.ones(v) if k == "bias" else v for k, v in given.items()}
            getattr(f, name.format(n))(image(t, n), t.ones(*weight, *[2] * n), **given)


@of_axes("more output padding than stride")
def output_padding(t, f, n):
    getattr(f, f"conv_transpose{n}d")(image(t, n), image(t, n, 2), output_padding=2)


@of_axes("negative output padding")
def negative_output_padding(t, f, n):
    getattr(f, f"conv_transpose{n}d")(image(t, n), image(t, n, 2), output_padding=-1)


for _name in ("max_pool{}d", "avg_pool{}d"):
    for _kind, _of in (("no window", (0,)), ("windows that stay", (2, 0)), ("padding", (3, 1, 2)),
                       ("negative padding", (3, 1, -1)), ("windows of more axes", ((2, 2, 2, 2),))):
        of_axes(f"{_name}, {_kind}")(lambda t, f, n, name=_name, of=_of: getattr(f, name.format(n))(image(t, n), *of))
of_axes("max_pool of one axis")(lambda t, f, n: getattr(f, f"max_pool{n}d")(t.ones(3), 2))
of_axes("avg_pool of one axis", 1, 3)(lambda t, f, n: getattr(f, f"avg_pool{n}d")(t.ones(3), 2))
of_axes("avg_pool, a large window", 1, 2)(lambda t, f, n: getattr(f, f"avg_pool{n}d")(image(t, n), 9))
for _name in ("adaptive_max_pool{}d", "adaptive_avg_pool{}d"):
    for _kind, _out in (("negative", -1), ("more axes", (2, 2, 2, 2)), ("text", "a")):
        of_axes(f"{_name}, {_kind}")(lambda t, f, n, name=_name, out=_out: getattr(f, name.format(n))(image(t, n), out))
    of_axes(f"{_name} of one axis")(lambda t, f, n, name=_name: getattr(f, name.format(n))(t.ones(3), 2))
    of_axes(f"{_name} of whole numbers")(lambda t, f, n, name=_name: getattr(f, name.format(n))(image(t, n).long(), 2))
of_axes("a border that reflects too much")(lambda t, f, n: f.pad(image(t, n), (9,) * 2 * n, mode="reflect"))
of_axes("one border that does")(lambda t, f, n: f.pad(image(t, n), (0, 0) * (n - 1) + (9, 0), mode="reflect"))
of_axes("a border around batches")(lambda t, f, n: f.pad(image(t, n), (1, 1) * (n + 1), mode="reflect"))
of_axes("a border of nothing")(lambda t, f, n: f.pad(image(t, n), (-9, 0) + (0, 0) * (n - 1), mode="circular"))
for _size in ((), (3,), (3, 4), (3, 4, 5), -1, 0):
    of_axes(f"size {_size}")(lambda t, f, n, size=_size: f.interpolate(image(t, n), size))
    of_axes(f"factor {_size}")(lambda t, f, n, size=_size: f.interpolate(image(t, n), scale_factor=size))
for _mode in ("linear", "bilinear", "trilinear", "bicubic", "cubic"):
    of_axes(_mode, -1, 1, 2, 3, 4)(lambda t, f, n, mode=_mode: f.interpolate(image(t, n), 3, mode=mode))
of_axes("a size and a factor anew")(lambda t, f, n: f.interpolate(image(t, n), 3, recompute_scale_factor=True))
for _kind, _options in (("window", {"kernel_size": 9}), ("no window", {"kernel_size": 0}), ("stride", {"stride": 0}),
                        ("dilation", {"dilation": 0}), ("padding", {"padding": -1})):
    _options = {"kernel_size": 2, **_options}
    of_axes(f"unfold, {_kind}", 2)(lambda t, f, n, of=_options: f.unfold(image(t, n), **of))
    of_axes(f"fold, {_kind}", 2)(lambda t, f, n, of=_options: f.fold(t.ones(1, 4, 4), 3, **of))


@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call):
    assert_alike(CALLS[call])
