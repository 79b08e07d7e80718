"""PyTorch's own sample inputs, run through both libraries: the score of an operation, and what went wrong.

    python tests/parity/opinfo.py [name …] [--more] [--narrow] [--halves] [--verbose]

prints the table, with `--more` that of the second part as well, with `--narrow` in the integer types below int64, with
`--halves` in float16 and bfloat16. An operation is right when every sample of every dtype gives PyTorch's values,
dtypes, shapes and gradients; where values of less than 64 bits differ, what is nearer to PyTorch's own in float64 is
right. `errors` counts error inputs that raise an exception of PyTorch's type.
"""
from __future__ import annotations

import collections
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.protocols import reread

NAMES: dict[str, str] = {  # family: operations, as in PyTorch's database (name, or name.variant)
    "unary": "abs neg positive sign sgn exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan "
    "asin "
    "acos atan sinh cosh tanh asinh acosh atanh sigmoid logit erf erfc erfinv lgamma digamma ceil floor round "
    "round.decimals_0 round.decimals_3 round.decimals_neg_3 trunc frac nan_to_num deg2rad rad2deg sinc",
    "binary": "add sub rsub mul div.no_rounding_mode div.floor_rounding div.trunc_rounding true_divide floor_divide "
    "remainder fmod pow float_power maximum minimum fmax fmin max.binary min.binary atan2 hypot logaddexp logaddexp2 "
    "xlogy copysign lerp addcmul addcdiv clamp clamp_min clamp_max where heaviside ldexp __radd__ __rsub__ __rmul__ "
    "__rdiv__ __rpow__ __rmod__ __rmatmul__",
    "comparison": "eq ne lt le gt ge isclose allclose equal isnan isinf isfinite isposinf isneginf signbit isin "
    "logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not __rand__ __ror__ "
    "__rxor__ all any count_nonzero",
    "reduction": "sum mean prod amax amin aminmax max.reduction_no_dim max.reduction_with_dim min.reduction_no_dim "
    "min.reduction_with_dim argmax argmin std std.unbiased var var.unbiased var_mean var_mean.unbiased std_mean "
    "std_mean.unbiased logsumexp norm norm.fro norm.inf linalg.vector_norm dist nansum nanmean median nanmedian cumsum "
    "cumprod cummax cummin logcumsumexp trace diff trapezoid trapz sum_to_size",
    "sorting": "sort argsort msort topk unique unique_consecutive searchsorted bucketize",
    "shape": "reshape reshape_as view view_as expand expand_as broadcast_to broadcast_tensors squeeze squeeze.multiple "
    "unsqueeze transpose t T mT permute movedim flatten ravel unflatten flip fliplr flipud roll rot90 repeat "
    "repeat_interleave tile chunk split split.list_args split_with_sizes tensor_split hsplit vsplit dsplit unbind "
    "narrow "
    "select diagonal linalg.diagonal diag diag_embed diagflat tril triu unfold as_strided contiguous clone atleast_1d "
    "atleast_2d atleast_3d meshgrid.list_of_tensors meshgrid.variadic_tensors unsafe_chunk unsafe_split",
    "joining": "cat stack hstack vstack dstack column_stack block_diag",
    "indexing": "__getitem__ index_select index_add index_copy index_fill index_put gather scatter scatter_add "
    "scatter_reduce.sum scatter_reduce.prod scatter_reduce.mean scatter_reduce.amax scatter_reduce.amin masked_fill "
    "masked_select masked_scatter take take_along_dim put nonzero argwhere select_scatter slice_scatter "
    "diagonal_scatter",
    "matmul": "matmul mm bmm mv dot vdot inner outer addmm addmm.decomposed addmv addbmm baddbmm addr einsum tensordot "
    "kron linalg.multi_dot linalg.vecdot cross linalg.cross linalg.matrix_power",
    "activation": "nn.functional.relu nn.functional.relu6 nn.functional.leaky_relu nn.functional.elu "
    "nn.functional.selu "
    "nn.functional.celu nn.functional.gelu nn.functional.silu nn.functional.mish nn.functional.softplus "
    "nn.functional.softsign nn.functional.logsigmoid nn.functional.hardtanh nn.functional.hardsigmoid "
    "nn.functional.hardswish nn.functional.hardshrink nn.functional.softshrink nn.functional.tanhshrink "
    "nn.functional.threshold nn.functional.glu nn.functional.prelu softmax softmax.with_dtype log_softmax "
    "log_softmax.with_dtype nn.functional.softmin",
    "loss": "nn.functional.mse_loss nn.functional.l1_loss nn.functional.smooth_l1_loss nn.functional.huber_loss "
    "nn.functional.cross_entropy nn.functional.nll_loss nn.functional.binary_cross_entropy "
    "nn.functional.binary_cross_entropy_with_logits nn.functional.kl_div nn.functional.hinge_embedding_loss "
    "nn.functional.margin_ranking_loss nn.functional.soft_margin_loss nn.functional.poisson_nll_loss "
    "nn.functional.gaussian_nll_loss nn.functional.cosine_similarity nn.functional.cosine_embedding_loss "
    "nn.functional.pairwise_distance nn.functional.linear nn.functional.embedding nn.functional.one_hot "
    "nn.functional.normalize nn.functional.layer_norm nn.functional.pad.constant",
    "linalg": "linalg.inv linalg.solve linalg.solve_triangular linalg.cholesky cholesky linalg.det linalg.slogdet "
    "logdet "
    "linalg.norm linalg.matrix_norm",
    "creation": "zeros ones full empty_like zeros_like ones_like full_like new_zeros new_ones new_full eye arange "
    "linspace scalar_tensor float double int long short bool to item fill zero_",
}
MORE: dict[str, str] = {  # the second part: as many as there are
    "special more": "i0 polygamma.polygamma_n_0 polygamma.polygamma_n_1 mvlgamma.mvlgamma_p_1 special.entr special.erfcx "
    "special.i0e special.i1 special.i1e special.log_ndtr special.ndtr special.ndtri special.xlog1py nextafter gcd lcm "
    "bitwise_left_shift bitwise_right_shift igamma igammac special.zeta special.airy_ai special.bessel_j0 "
    "special.bessel_j1 special.bessel_y0 special.bessel_y1 special.modified_bessel_i0 special.modified_bessel_i1 "
    "special.modified_bessel_k0 special.modified_bessel_k1 special.scaled_modified_bessel_k0 "
    "special.scaled_modified_bessel_k1 special.spherical_bessel_j0 special.chebyshev_polynomial_t "
    "special.chebyshev_polynomial_u special.hermite_polynomial_h special.hermite_polynomial_he "
    "special.laguerre_polynomial_l special.legendre_polynomial_p",
    "reduction more": "mode kthvalue quantile nanquantile cumulative_trapezoid cov corrcoef histc bincount renorm "
    "linalg.norm.subgradients_at_zero masked.sum masked.mean",
    "shape more": "cartesian_prod combinations tril_indices triu_indices unravel_index vander linalg.vander narrow_copy "
    "as_strided_scatter index_reduce.amax index_reduce.amin index_reduce.mean index_reduce.prod broadcast_shapes resize_ "
    "resize_as_ logspace gradient",
    "linalg more": "linalg.qr linalg.eigh linalg.eigvalsh linalg.svd linalg.svdvals linalg.pinv linalg.pinv.hermitian "
    "linalg.lstsq.grad_oriented linalg.lu linalg.lu_factor linalg.lu_solve linalg.cholesky_ex linalg.inv_ex "
    "linalg.tensorinv linalg.tensorsolve linalg.cond linalg.matrix_rank linalg.householder_product cholesky_solve "
    "cholesky_inverse matrix_exp cdist pinverse",
    "nn more": "nn.functional.conv1d nn.functional.conv2d nn.functional.conv_transpose1d nn.functional.conv_transpose2d "
    "nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.avg_pool1d nn.functional.avg_pool2d "
    "nn.functional.adaptive_avg_pool1d nn.functional.adaptive_avg_pool2d nn.functional.unfold nn.functional.pad.reflect "
    "nn.functional.pad.replicate nn.functional.pad.circular nn.functional.batch_norm nn.functional.group_norm "
    "nn.functional.instance_norm nn.functional.rms_norm nn.functional.local_response_norm nn.functional.bilinear "
    "nn.functional.triplet_margin_loss nn.functional.multilabel_soft_margin_loss nn.functional.multi_margin_loss "
    "nn.functional.multilabel_margin_loss nn.functional.pixel_shuffle nn.functional.pixel_unshuffle "
    "nn.functional.softmin.with_dtype nn.functional.pdist nn.functional.interpolate.nearest "
    "nn.functional.interpolate.linear nn.functional.interpolate.bilinear",
}
UNINITIALISED = {"empty_like", "resize_", "resize_as_"}
MAX_SAMPLES = 60  # a dtype; the database gives a few operations hundreds


class Report:
    """What happened to one operation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.samples = self.right = self.errors = self.errors_right = 0
        self.complaints: collections.Counter[str] = collections.Counter()
        self.examples: dict[str, str] = {}

    @property
    def exact(self) -> bool:
        return self.samples == self.right

    def complain(self, text: str, example: str) -> None:
        self.complaints[text] += 1
        self.examples.setdefault(text, example)


def find(tapegrad: Any, name: str) -> Any:
    """tapegrad's function for a name of the database: in the module, or a method."""
    where = tapegrad
    for part in name.split("."):
        found = getattr(where, part, None)
        if found is None:
            return getattr(tapegrad.Tensor, name, None)
        where = found
    if isinstance(where, property):
        return where.fget
    return where


SPECIAL = {
    "T": lambda t: lambda x: x.T, "mT": lambda t: lambda x: x.mT, "bool": lambda t: t.Tensor.bool,
    "float": lambda t: t.Tensor.float, "double": lambda t: t.Tensor.double, "int": lambda t: t.Tensor.int,
    "long": lambda t: t.Tensor.long, "short": lambda t: t.Tensor.short, "equal": lambda t: t.equal,
    "where": lambda t: lambda x, condition, other: t.where(condition, x, other),
    "nn.functional.embedding": lambda t: (
        lambda weight, index, **given: t.nn.functional.embedding(index, weight, **given)),
    "polygamma": lambda t: lambda x, n, **given: t.polygamma(n, x, **given),
    "zero_": lambda t: lambda x: x.clone().zero_(),
    "linalg.lstsq": lambda t: lambda *args, **given: t.linalg.lstsq(*args, **given)[:2],
    "einsum": lambda t: lambda operands, equation: t.einsum(equation, *operands),
    "new_zeros": lambda t: t.Tensor.new_zeros, "__getitem__": lambda t: t.Tensor.__getitem__,
}


def translate(value: Any, torch: Any, tapegrad: Any, leaves: list[Any], storages: dict[int, Any]) -> Any:
    """PyTorch's arguments as tapegrad's; tensors that require grad are noted as (theirs, ours).

    Tensors that share memory there share it here: `storages` are those met so far.
    """
    def again(v: Any) -> Any:
        return translate(v, torch, tapegrad, leaves, storages)

    if isinstance(value, torch.Tensor):
        ours = twin(value, torch, tapegrad, storages)
        if value.requires_grad:
            ours.requires_grad_()
            leaves.append((value, ours))
        return ours
    if isinstance(value, torch.dtype):
        return getattr(tapegrad, str(value).split(".")[1])
    if isinstance(value, torch.Size):
        return tapegrad.Size(value)
    if isinstance(value, slice):
        return slice(again(value.start), again(value.stop), again(value.step))
    if isinstance(value, dict):
        return {k: again(v) for k, v in value.items() if not isinstance(v, (torch.layout, torch.memory_format))}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(again, value))
    if isinstance(value, (list, tuple)):
        return type(value)(again(v) for v in value)
    if isinstance(value, torch.device):
        return "cpu"
    return value


def twin(value: Any, torch: Any, tapegrad: Any, storages: dict[int, Any]) -> Any:
    """A tensor that lies as PyTorch's does in a copy of its storage."""
    if value._is_zerotensor() or not value.numel():
        return tapegrad.from_numpy(np.zeros(tuple(value.shape), np.float32)).to(
            getattr(tapegrad, str(value.dtype).split(".")[1]))
    source = value.detach()
    storage = source.untyped_storage()
    if storage.data_ptr() not in storages:
        content = torch.empty(0, dtype=torch.uint8).set_(storage).numpy().copy()
        shared = tapegrad.from_numpy(content)
        # Memory that came from NumPy cannot be resized, in either library.
        storages[storage.data_ptr()] = shared.clone() if storage.resizable() else shared
    dtype = getattr(tapegrad, str(source.dtype).split(".")[1])
    return reread(storages[storage.data_ptr()], dtype, tuple(source.shape), source.stride(),
                  source.storage_offset() * source.itemsize)


def flatten(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [v for item in value for v in flatten(item)]
    return [value]


TOLERANCES = {"float16": (2e-3, 1e-4), "bfloat16": (1.6e-2, 1e-4), "float32": (1.3e-4, 1e-5), "float64": (1e-7, 1e-7)}


def array(x: Any) -> np.ndarray[Any, Any]:
    """The values of a tensor of either library."""
    x = x.detach()
    x = x.float() if x.dtype.itemsize == 2 and x.dtype.is_floating_point else x
    return x.numpy(force=True)  # PyTorch has gradients of zero that lie nowhere


def compare(theirs: Any, ours: Any, torch: Any, tapegrad: Any, values: bool = True) -> str:
    """The first difference of two results, or nothing."""
    a, b = flatten(theirs), flatten(ours)
    if len(a) != len(b):
        return f"{len(b)} results, not {len(a)}"
    for x, y in zip(a, b):
        if not isinstance(x, torch.Tensor):
            same = type(x) is type(y) and (x == y or (x != x and y != y) or (
                isinstance(x, float) and np.allclose(x, y, rtol=1e-5)))
            if not same:
                return f"{y!r}, not {x!r}"
            continue
        if not isinstance(y, tapegrad.Tensor):
            return f"a {type(y).__name__}, not a tensor"
        if str(x.dtype) != repr(y.dtype):
            return f"dtype {y.dtype!r}, not {x.dtype}"
        if tuple(x.shape) != tuple(y.shape):
            return f"shape {tuple(y.shape)}, not {tuple(x.shape)}"
        if x.requires_grad != y.requires_grad:
            return f"requires_grad {y.requires_grad}, not {x.requires_grad}"
        if values:
            p, q = array(x), array(y)
            rtol, atol = TOLERANCES.get(str(x.dtype)[6:], (0, 0))
            with np.errstate(all="ignore"):
                if not np.allclose(p, q, rtol=rtol, atol=atol, equal_nan=True):
                    return "values"
    return ""


def run_sample(op: Any, function: Any, sample: Any, torch: Any, tapegrad: Any, grad: bool) -> str:
    """Run one sample through both; what differs, or nothing."""
    leaves: list[Any] = []
    storages: dict[int, Any] = {}
    arguments = translate((sample.input, *sample.args), torch, tapegrad, leaves, storages)
    options = translate(sample.kwargs, torch, tapegrad, leaves, storages)
    for name in ("device", "layout", "memory_format", "pin_memory"):
        options.pop(name, None)
    try:
        theirs = op.op(sample.input, *sample.args, **sample.kwargs)
    except Exception:
        return "skip"
    try:
        ours = function(*arguments, **options)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:90]}"
    if op.name in ("topk", "sort", "kthvalue", "mode"):  # which of equal values comes first is nobody's promise
        theirs, ours = theirs[0], ours[0]
    if op.name == "argsort" and sample.input.ndim:
        dim = (sample.args or (sample.kwargs.get("dim", -1),))[0]
        theirs, ours = torch.gather(sample.input, dim, theirs), tapegrad.gather(arguments[0], dim, ours)
    found = compare(theirs, ours, torch, tapegrad, op.name not in UNINITIALISED)
    inexact = (torch.float32, torch.float16, torch.bfloat16)
    if found == "values" and getattr(sample.input, "dtype", None) in inexact:
        exact, _ = in_float64(op, sample, [], torch)
        found = "".join(nearer(x, y, e) for x, y, e in zip(flatten(theirs), flatten(ours), flatten(exact)))
    if found or not grad or not leaves:
        return found
    pairs = [(x, y) for x, y in zip(flatten(theirs), flatten(ours))
             if isinstance(x, torch.Tensor) and x.requires_grad]
    if not pairs:
        return ""
    if op.name in ("sort", "unique"):
        pairs = pairs[:1]
    rng = np.random.default_rng(0)
    seeds = [array(torch.from_numpy(np.array(rng.uniform(-1, 1, tuple(x.shape)))).to(x.dtype)) for x, _ in pairs]
    try:
        wanted = torch.autograd.grad([x for x, _ in pairs], [x for x, _ in leaves], [
            torch.from_numpy(np.array(s)).to(x.dtype) for s, (x, _) in zip(seeds, pairs)], allow_unused=True)
    except RuntimeError:
        return ""
    try:
        total = None
        for (_, y), s in zip(pairs, seeds):
            part = (y * tapegrad.from_numpy(np.array(s)).to(y.dtype)).sum(dtype=tapegrad.promote_types(
                y.dtype, tapegrad.float32))
            total = part if total is None else total + part
        total.backward()
    except Exception as error:
        return f"backward {type(error).__name__}: {str(error)[:90]}"
    exact: list[Any] = []
    for number, (w, (_, leaf)) in enumerate(zip(wanted, leaves)):
        if w is None:
            if leaf.grad is not None and leaf.grad.abs().sum().item() != 0:
                return "gradient where there is none"
            continue
        if leaf.grad is None:
            if w.abs().sum().item() != 0:
                return "no gradient"
            continue
        found = compare(w, leaf.grad, torch, tapegrad)
        if found == "values" and w.dtype in inexact:
            exact = exact or exact_gradients(op, sample, [x for x, _ in leaves], seeds, torch)
            found = nearer(w, leaf.grad, exact[number])
        if found:
            return f"gradient: {found}"
    return ""


def exact_gradients(op: Any, sample: Any, leaves: list[Any], seeds: list[Any], torch: Any) -> list[Any]:
    """PyTorch's gradients of a float32 sample, computed in float64."""
    results, again = in_float64(op, sample, leaves, torch)
    ends = [x for x in flatten(results) if isinstance(x, torch.Tensor) and x.requires_grad]
    return torch.autograd.grad(ends[:len(seeds)], again, [torch.from_numpy(np.array(s)).double() for s in seeds],
                               allow_unused=True)


def in_float64(op: Any, sample: Any, leaves: list[Any], torch: Any) -> tuple[Any, list[Any]]:
    """PyTorch's results of a float32 sample in float64, and the leaves it was computed from."""
    again = {id(x): x.detach().double().requires_grad_(x.requires_grad) for x in leaves}

    def wide(v: Any) -> Any:
        if isinstance(v, torch.Tensor):
            return again.get(id(v), v.double() if v.is_floating_point() else v)
        if isinstance(v, (list, tuple)):
            return type(v)(map(wide, v))
        return v

    results = op.op(wide(sample.input), *map(wide, sample.args), **{k: wide(v) for k, v in sample.kwargs.items()})
    return results, list(again.values())


def nearer(theirs: Any, ours: Any, exact: Any) -> str:
    """Nothing if our values are at least as near to the exact ones as theirs."""
    true = exact.numpy(force=True)
    with np.errstate(all="ignore"):
        error, other = (np.nanmax(np.abs(array(v) - true), initial=0) for v in (ours, theirs))
    return "" if error <= other else "values"


DTYPES = ("float64", "float32", "int64", "bool")
NARROW = ("uint8", "int8", "int16", "int32")
HALVES = ("float16", "bfloat16")


def score(op: Any, torch: Any, tapegrad: Any, dtypes: Sequence[str] = DTYPES, most: int = MAX_SAMPLES) -> Report:
    """One operation of the database: its samples in these dtypes, and its error inputs."""
    full = op.name + ("." + op.variant_test_name if op.variant_test_name else "")
    report = Report(full)
    function = SPECIAL[op.name](tapegrad) if op.name in SPECIAL else find(tapegrad, op.name)
    if function is None:
        report.samples = 1
        report.complain("missing", "")
        return report
    for dtype in (getattr(torch, name) for name in dtypes):
        if dtype not in op.supported_dtypes("cpu"):
            continue
        grad = dtype.is_floating_point and op.supports_autograd
        torch.manual_seed(0)
        for i, sample in enumerate(op.sample_inputs("cpu", dtype, requires_grad=grad)):
            if i >= most:
                break
            if any(isinstance(x, torch.Tensor) and (x.is_complex() or x.is_sparse) for x in
                   flatten((sample.input, sample.args))):
                continue
            found = run_sample(op, function, sample, torch, tapegrad, grad)
            if found == "skip":
                continue
            report.samples += 1
            report.right += not found
            if found:
                report.complain(found, f"{dtype} {_brief(sample)}")
    if op.error_inputs_func is not None and dtypes is DTYPES:
        for error in op.error_inputs("cpu"):
            sample = error.sample_input
            try:
                op.op(sample.input, *sample.args, **sample.kwargs)
                continue
            except Exception as theirs:
                expected = theirs
            try:
                storages: dict[int, Any] = {}
                arguments = translate((sample.input, *sample.args), torch, tapegrad, [], storages)
                options = translate(sample.kwargs, torch, tapegrad, [], storages)
            except Exception:  # a dtype or a device that we do not have
                continue
            report.errors += 1
            try:
                function(*arguments, **options)
                report.complain(f"error: none, not {type(expected).__name__}: {str(expected)[:80]}", _brief(sample))
            except Exception as ours:
                if isinstance(ours, type(expected)) or type(ours) is type(expected):
                    report.errors_right += 1
                else:
                    report.complain(f"error: {type(ours).__name__}: {str(ours)[:40]}, not {type(expected).__name__}: "
                                    f"{str(expected)[:40]}", _brief(sample))
    return report


def _brief(sample: Any) -> str:
    def one(v: Any) -> str:
        if hasattr(v, "shape") and hasattr(v, "stride"):
            return f"{tuple(v.shape)}"
        if isinstance(v, (list, tuple)):
            return f"{type(v).__name__}({', '.join(map(one, v))})"
        return repr(v)[:30]

    given = [one(sample.input), *(one(a) for a in sample.args), *(f"{k}={one(v)}" for k, v in sample.kwargs.items())]
    return ", ".join(given)[:200]


def operations(torch: Any, wanted: set[str] | None = None) -> list[tuple[str, Any]]:
    """(family, entry of the database) for every operation of `NAMES`."""
    from torch.testing._internal import common_utils
    from torch.testing._internal.common_methods_invocations import op_db

    # It looks for a unittest around each list of samples, through the files of all modules: half of the time, and here
    # in vain.
    common_utils.extract_test_fn = lambda: None

    family = {n: f for f, names in {**NAMES, **MORE}.items() for n in names.split()}
    found = []
    for op in op_db:
        full = op.name + ("." + op.variant_test_name if op.variant_test_name else "")
        if full in family and (not wanted or full in wanted or op.name in wanted or family[full] in wanted):
            found.append((family[full], op))
    return found


def main(arguments: list[str]) -> None:
    import torch

    import tapegrad

    warnings.simplefilter("ignore")
    verbose = "--verbose" in arguments
    wanted = {a for a in arguments if not a.startswith("--")} or set(NAMES) | (set(MORE) if "--more" in arguments else set())
    totals: dict[str, list[int]] = {}
    for family, op in operations(torch, wanted):
        report = score(op, torch, tapegrad, NARROW if "--narrow" in arguments else HALVES if "--halves" in arguments else DTYPES)
        total = totals.setdefault(family, [0, 0, 0, 0])
        total[0] += report.exact
        total[1] += 1
        total[2] += report.errors_right
        total[3] += report.errors
        if report.complaints:
            print(f"{report.name:40} {report.right}/{report.samples}  errors {report.errors_right}/{report.errors}")
            for text, n in report.complaints.most_common(None if verbose else 3):
                print(f"      {n:4} {text}   [{report.examples[text]}]")
        sys.stdout.flush()
    print(f"{'family':12} {'right':>12} {'errors':>12}")
    for family, (right, n, errors_right, errors) in totals.items():
        print(f"{family:12} {right:5} / {n:4} {errors_right:5} / {errors:4}")
    right, n, errors_right, errors = (sum(t[i] for t in totals.values()) for i in range(4))
    print(f"{'all':12} {right:5} / {n:4} {errors_right:5} / {errors:4}")


if __name__ == "__main__":
    main(sys.argv[1:])
