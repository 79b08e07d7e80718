"""Gamma numbers and points of the simplex, which have gradients: they move with what they are drawn with."""
from __future__ import annotations

from typing import Any

from tapegrad import dispatch, shapes
from tapegrad.autograd.function import Function
from tapegrad.drawing.drawn import parametric
from tapegrad.machine import streams
from tapegrad.ops.declaration import REGISTRY
from tapegrad.random import Generator
from tapegrad.tensor import Tensor


class _StandardGamma(Function):
    """Gamma numbers, which move with their shapes."""

    @staticmethod
    def forward(ctx: Any, shapes: Tensor, generator: Generator | None) -> Tensor:
        drawn = parametric("_standard_gamma", streams.gamma, shapes, generator=generator)
        ctx.save_for_backward(shapes, drawn)
        return drawn

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return g * _standard_gamma_grad(*ctx.saved_tensors), None


class _SampleDirichlet(Function):
    """Points of the simplex, which move with their concentrations: each coordinate as a beta number, the others make
    room in proportion."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor, generator: Generator | None) -> Tensor:
        drawn = parametric("_sample_dirichlet", streams.dirichlet, concentration, generator=generator)
        ctx.save_for_backward(concentration, drawn)
        return drawn

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        concentration, x = ctx.saved_tensors
        slope = _dirichlet_grad(x, concentration, concentration.sum(-1, keepdim=True))
        return slope * (g - (x * g).sum(-1, keepdim=True)), None


def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma numbers at the rate 1 of these shapes, with gradients (`torch._standard_gamma`)."""
    return _StandardGamma.apply(input, generator)


def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Points of the simplex, one for each row of concentrations, with gradients (`torch._sample_dirichlet`)."""
    return _SampleDirichlet.apply(input, generator)


class _Slope(Function):
    """How drawn numbers move with their parameters: nobody knows how that, in turn, moves."""

    @staticmethod
    def forward(ctx: Any, name: str, *tensors: Tensor) -> Tensor:
        ctx.name = name
        shape = shapes.broadcast(tuple(t.shape) for t in tensors)
        return dispatch.apply(REGISTRY[name], tuple(t.detach().expand(shape) for t in tensors))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        raise NotImplementedError(f"the derivative for '{ctx.name}' is not implemented.")


def _standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """How gamma numbers move with their shapes (`torch._standard_gamma_grad`)."""
    return _Slope.apply("_standard_gamma_grad", input, output)


def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """How coordinates of a simplex move with their concentrations (`torch._dirichlet_grad`)."""
    return _Slope.apply("_dirichlet_grad", x, alpha, total)
