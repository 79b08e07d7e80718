"""Drawing: tensors of random numbers, new and in place, bit for bit PyTorch's; gradients of those that have them."""
from tapegrad.drawing.gammas import _dirichlet_grad, _sample_dirichlet, _standard_gamma, _standard_gamma_grad
from tapegrad.drawing.in_place import WRITING
from tapegrad.drawing.new import (
    bernoulli,
    binomial,
    chosen_like,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)

__all__ = [
    "WRITING", "_dirichlet_grad", "_sample_dirichlet", "_standard_gamma", "_standard_gamma_grad", "bernoulli",
    "binomial", "chosen_like", "multinomial", "normal", "poisson", "rand", "rand_like", "randint", "randint_like",
    "randn", "randn_like", "randperm",
]
