"""Reading images between their elements (`affine_grid`, `grid_sample`), and activations that draw random numbers."""
from __future__ import annotations

from typing import Any

from tapegrad import creation, dtypes
from tapegrad.functions.common import PUBLIC, kind_name
from tapegrad.functions.nn.activations import NN, nn
from tapegrad.functions.several_outputs import called, one_node
from tapegrad.tensor import Tensor


def _centres(n: int, align_corners: bool, dtype: Any) -> Any:
    """Where the elements of an axis lie between -1 and 1: its ends are the outer elements, or their outer edges.

    To the last bit where PyTorch has them: at the centre of an element it decides between which two one reads.
    """
    if n == 1:
        return creation.zeros(1, dtype=dtype)
    at = creation.linspace(-1, 1, n, dtype=dtype)
    return at if align_corners else at * (n - 1) / n


@nn
@one_node("AffineGridGeneratorBackward0")
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Any:
    """Where an affine map reads, for each element of its result (`torch.nn.functional.affine_grid`).

    >>> import tapegrad
    >>> affine_grid(tapegrad.eye(2, 3).unsqueeze(0), (1, 1, 1, 2))
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])

    `theta` is (N, 2, 3) for a `size` of (N, C, H, W), (N, 3, 4) for (N, C, D, H, W). Raises ValueError for others.
    """
    size = tuple(size)
    if not theta.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype!r}")
    axes = len(size) - 2
    if axes not in (2, 3):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
                                  f"respectively. Got size {size}.")
    if theta.ndim != 3 or theta.shape[-2:] != (axes, axes + 1):
        raise ValueError(f"Expected a batch of {axes}D affine matrices of shape Nx{axes}x{axes + 1} for size {size}. "
                         "Got "
                         f"{theta.shape}.")
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    shape = size[2:]
    grids = PUBLIC["meshgrid"](*(_centres(n, bool(align_corners), theta.dtype) for n in shape), indexing="ij")
    base = PUBLIC["stack"]([*grids[::-1], creation.ones(shape, dtype=theta.dtype)], -1).reshape(-1, axes + 1)
    found = base @ theta.transpose(1, 2)
    return found.view(size[0], *shape, axes)


def _unnormalised(at: Any, n: int, align_corners: bool) -> Any:
    return (at + 1) * ((n - 1) / 2) if align_corners else ((at + 1) * n - 1) / 2


def _reflected(at: Any, n: int, align_corners: bool) -> Any:
    low, span = (0.0, float(n - 1)) if align_corners else (-0.5, float(n))
    if span == 0:
        return at * 0
    far = (at - low).abs()
    turns = (far / span).floor().detach()
    rest = far - turns * span
    return PUBLIC["where"](turns % 2 == 0, rest + low, span - rest + low)


def _bounded(at: Any, n: int, padding_mode: str, align_corners: bool) -> Any:
    """Places brought inside, as the padding has it."""
    if padding_mode == "reflection":
        at = _reflected(at, n, align_corners)
    return at if padding_mode == "zeros" else at.clamp(0, n - 1)


def _read(x: Any, places: list[Any]) -> Any:
    """(N, C, *shape) at whole places (N, *out): (N, C, *out), zero outside."""
    sizes = x.shape[2:]
    flat: Any = 0
    inside: Any = None
    for place, n in zip(places, sizes):
        here = (place >= 0) & (place <= n - 1)
        inside = here if inside is None else inside & here
        flat = flat * n + place.nan_to_num(-1.0, -1.0, -1.0).clamp(0, n - 1).long()
    count, out = flat.shape[0], flat.shape[1:]
    index = flat.flatten(1).unsqueeze(1).expand(-1, x.shape[1], -1)
    found = x.flatten(2).gather(2, index).view(count, x.shape[1], *out)
    return found.masked_fill(~inside.unsqueeze(1), 0)


def _cubic(t: Any) -> list[Any]:
    """The weights of four neighbours at `t` past the second."""
    a = -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


@nn
def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Any:
    """Images read at places between -1 and 1 (`torch.nn.functional.grid_sample`).

    >>> import tapegrad
    >>> image = tapegrad.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> grid_sample(image, tapegrad.zeros(1, 1, 1, 2))
    tensor([[[[1.5000]]]])

    `input` is (N, C, H, W), `grid` (N, H', W', 2) with x before y, or both with a depth. `mode` is `bilinear`,
    `nearest` or, of images, `bicubic`; outside there is zero, the border, or a reflection.

    Raises ValueError for a mode that is none, RuntimeError for shapes and dtypes that do not fit.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError("nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but "
                         "got: "
                         f"'{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError("nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
                         "'reflection', but "
                         f"got: '{padding_mode}'")
    shapes = f"but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.shape[:1] != grid.shape[:1]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, {shapes}")
    axes = input.ndim - 2
    if axes not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError(f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, {shapes}")
    if grid.shape[-1] != axes:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {axes} in last dimension, but got grid with "
                           "sizes "
                           f"{list(grid.shape)}")
    if 0 in input.shape[2:]:
        raise RuntimeError("grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                           f"{list(input.shape)}")
    if grid.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {kind_name(input)} but found {kind_name(grid)}")
    if mode == "bicubic" and axes != 2:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    return one_node(f"GridSampler{axes}DBackward0")(_sampled)(input, grid, mode, padding_mode, bool(align_corners))


def _sampled(input: Any, grid: Any, mode: str, padding_mode: str, aligned: bool) -> Any:
    sizes = input.shape[2:]
    at = [_unnormalised(g, n, aligned) for g, n in zip(reversed(grid.unbind(-1)), sizes)]
    if mode == "bicubic":
        return _bicubic(input, at, padding_mode, aligned)
    at = [_bounded(a, n, padding_mode, aligned) for a, n in zip(at, sizes)]
    if mode == "nearest":
        unmoved = sum(at).masked_fill(creation.tensor(True), 0).unsqueeze(1)  # the gradient of the places is zero
        return _read(input, [a.detach().round() for a in at]) + unmoved
    corners = [a.detach().floor() for a in at]
    total: Any = 0
    for corner in range(1 << len(sizes)):
        weight: Any = 1
        places = []
        for d, (a, low) in enumerate(zip(at, corners)):
            upper = corner >> d & 1
            weight = weight * ((a - low) if upper else (low + 1 - a))
            places.append(low + upper)
        total = total + _read(input, places) * weight.unsqueeze(1)
    return total


def _bicubic(input: Any, at: list[Any], padding_mode: str, aligned: bool) -> Any:
    sizes, corners = input.shape[2:], [a.detach().floor() for a in at]
    rows, columns = (_cubic(a - low) for a, low in zip(at, corners))
    total: Any = 0
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            places = [_bounded(low + shift - 1, n, padding_mode, aligned)
                      for low, shift, n in zip(corners, (i, j), sizes)]
            total = total + _read(input, [p.floor() for p in places]) * (row * column).unsqueeze(1)
    return total


@nn
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A softmax of noisy logits: a category that gradients go through (`torch.nn.functional.gumbel_softmax`).

    >>> import tapegrad
    >>> _ = tapegrad.manual_seed(0)
    >>> gumbel_softmax(tapegrad.zeros(3), hard=True)
    tensor([0., 0., 1.])

    `hard` gives the category alone, with the gradient of the soft one. From Jang et al. (2017), and Maddison et al.
    (2017).
    """
    noise = -creation.empty(logits.shape, dtype=logits.dtype).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    best = soft.max(dim, keepdim=True)[1]
    return creation.zeros(logits.shape, dtype=logits.dtype).scatter_(dim, best, 1.0) - soft.detach() + soft


@nn
def rrelu(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
          ) -> Any:
    """Leaky, with a slope drawn for each element (`torch.nn.functional.rrelu`); their mean when not training."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        found = NN["leaky_relu"](input, (lower + upper) / 2, inplace=inplace)
        return found if inplace else called("RreluWithNoiseBackward0", found)
    drawn = creation.zeros_like(input)
    drawn.copy_(_slopes(input, lower, upper))

    def sloped(x: Any) -> Any:
        return PUBLIC["where"](x > 0, x, x * drawn)

    return input.copy_(sloped(input)) if inplace else one_node("RreluWithNoiseBackward0")(sloped)(input)


def _slopes(x: Tensor, lower: float, upper: float) -> Any:
    """Slopes where they are needed: numbers are drawn for those elements only, in order."""
    slopes = creation.ones_like(x)
    negative: Any = x.detach() <= 0
    count = int(negative.sum())
    if count:
        slopes[negative] = creation.empty(count, dtype=dtypes.float64).uniform_(lower, upper).to(x.dtype)
    return slopes


NN["rrelu_"] = lambda input, lower=1.0 / 8, upper=1.0 / 3, training=False: rrelu(input, lower, upper, training, True)
