"""Functions that programs call often, at 64 x 100 float32 or so: masks, places, draws, `numpy`, convolutions."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.harness import Function, Measured, fastest, figure, libraries

CALLS = 20  # in one repetition: a call of a microsecond is below what the clock says reliably


def _data(torch: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    x = torch.randn(64, 100)
    return x, x > 0


def _mask_put(torch: Any) -> Function:
    x, mask = _data(torch)

    def run() -> Any:
        x[mask] = 0.0
        return x[0, 0].item()  # the write has happened

    return run


def _element_put(torch: Any) -> Function:
    x, _ = _data(torch)

    def run() -> Any:
        x[3, 5] = 0.0
        return x[0, 0].item()

    return run


def _method(call: Callable[[Any, Any, Any], Any]) -> Callable[[Any], Function]:
    def make(torch: Any) -> Function:
        x, mask = _data(torch)
        return lambda: call(torch, x, mask)

    return make


def _one_hot(torch: Any) -> Function:
    labels = torch.arange(64)
    return lambda: torch.nn.functional.one_hot(labels, 100)


def _convolution(axes: int) -> Callable[[Any], Function]:
    def make(torch: Any) -> Function:
        torch.manual_seed(0)
        x, w = torch.randn(4, 3, *[64, 16, 8][axes - 1:axes] * axes), torch.randn(8, 3, *[3] * axes)
        convolve = getattr(torch.nn.functional, f"conv{axes}d")
        return lambda: convolve(x, w, padding=1)

    return make


def _own_function(torch: Any) -> Function:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 2 + x * 0

    x = torch.ones(64, 100, requires_grad=True)

    def run() -> None:
        x.grad = None
        Double.apply(x).sum().backward()

    return run


EVERYDAY: dict[str, tuple[str, Callable[[Any], Function]]] = {
    "mask_put": ("t[mask] = 0., 64 x 100", _mask_put),
    "element_put": ("t[i, j] = 0., 64 x 100", _element_put),
    "mask_get": ("t[mask], 64 x 100", _method(lambda torch, x, mask: x[mask])),
    "nonzero": ("nonzero, 64 x 100", _method(lambda torch, x, mask: mask.nonzero())),
    "numpy": (".numpy(), 64 x 100", _method(lambda torch, x, mask: x.numpy())),
    "one_hot": ("one_hot, 64 labels, 100 classes", _one_hot),
    "randperm": ("randperm, 6400", _method(lambda torch, x, mask: torch.randperm(6400))),
    "randn": ("randn, 64 x 100", _method(lambda torch, x, mask: torch.randn(64, 100))),
    "rand": ("rand, 64 x 100", _method(lambda torch, x, mask: torch.rand(64, 100))),
    "randint": ("randint, 64 x 100", _method(lambda torch, x, mask: torch.randint(0, 10, (64, 100)))),
    "ones_like": ("ones_like, 64 x 100", _method(lambda torch, x, mask: torch.ones_like(x))),
    "conv1d": ("conv1d, 4 x 3 x 64, 8 filters of 3", _convolution(1)),
    "conv2d": ("conv2d, 4 x 3 x 16 x 16, 8 filters of 3 x 3", _convolution(2)),
    "conv3d": ("conv3d, 4 x 3 x 8 x 8 x 8, 8 filters of 3 x 3 x 3", _convolution(3)),
    "own_function": ("a custom Function with its backward, 64 x 100", _own_function),
}


def _repeated(run: Function) -> Function:
    def runs() -> None:
        for _ in range(CALLS):
            run()

    return runs


def _register(name: str, title: str, make: Callable[[Any], Function]) -> None:
    def measure() -> Measured:
        times = fastest([_repeated(make(library)) for library in libraries()], seconds=1.0)
        return Measured(*(t / CALLS for t in times))

    measure.__name__ = "everyday_" + name
    figure(title, "s", must=1.5, aim=1.0)(measure)


for _name, (_title, _make) in EVERYDAY.items():
    _register(_name, _title, _make)
