"""Invertible maps with their volumes (`torch.distributions.transforms`): what turns one distribution into another.

Start with `maps.Transform`; `elements`, `vectors` and `parts` hold the maps by what they work on.
"""
from tapegrad.distributions.transforms.elements import (
    AbsTransform,
    AffineTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
)
from tapegrad.distributions.transforms.maps import (
    ComposeTransform,
    IndependentTransform,
    ReshapeTransform,
    Transform,
    _InverseTransform,  # noqa: F401 (libraries on top of PyTorch name it)
    identity_transform,
)
from tapegrad.distributions.transforms.parts import CatTransform, StackTransform
from tapegrad.distributions.transforms.vectors import (
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    SoftmaxTransform,
    StickBreakingTransform,
)
from tapegrad.distributions.utils import broadcast_all, lazy_property  # noqa: F401 (people find them here)
from tapegrad.namespaces import show_public

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform", "LowerCholeskyTransform",
    "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform",
    "SoftplusTransform", "StackTransform", "StickBreakingTransform", "TanhTransform", "Transform",
    "identity_transform",
]
show_public(__name__)
