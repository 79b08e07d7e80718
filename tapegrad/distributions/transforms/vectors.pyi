"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad.distributions.transforms.maps import Transform, _Plain


class SoftmaxTransform(_Plain):
    r"""y = softmax(x): the simplex in one coordinate too many, and so without a volume.

    >>> SoftmaxTransform()(torch.zeros(2))
    tensor([0.5000, 0.5000])"""
    domain: Any
    codomain: Any
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

class StickBreakingTransform(_Plain):
    r"""From vectors to the simplex of one dimension more: each number breaks its share off what is left of a stick.

    >>> StickBreakingTransform()(torch.zeros(2))
    tensor([0.3333, 0.3333, 0.3333])"""
    domain: Any
    codomain: Any
    bijective: bool
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

class LowerCholeskyTransform(_Plain):
    r"""Square matrices to lower triangular ones with a positive diagonal.

    >>> LowerCholeskyTransform()(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])"""
    domain: Any
    codomain: Any

class PositiveDefiniteTransform(_Plain):
    r"""Square matrices to positive definite ones.

    >>> PositiveDefiniteTransform()(torch.eye(2)).shape
    torch.Size([2, 2])"""
    domain: Any
    codomain: Any

class CorrCholeskyTransform(Transform):
    r"""Vectors of d (d - 1) / 2 numbers to Cholesky factors of d × d correlation matrices.

    >>> CorrCholeskyTransform()(torch.zeros(1))
    tensor([[1., 0.],
            [0., 1.]])

    Lewandowski, Kurowicka, Joe, "Generating random correlation matrices based on vines and extended onion method"
    (2009): tanh makes partial correlations of the numbers, and sticks broken by their squares make rows of length 1."""
    domain: Any
    codomain: Any
    bijective: bool
    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any=None) -> Any: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

