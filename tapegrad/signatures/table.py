"""PyTorch's forms of what a function's own parameters cannot say.

Several forms of one name stand in the order in which they are tried. A method has the forms of the function of its
name, less the tensor itself and `out`, unless it has lines of its own; in-place methods likewise. Parameters are
written as in a `def`; what is of one kind, or has one default, wherever it occurs goes without. `Tensor / Number` is
either, and a form for each in what is said of a call that fits none.
"""
from __future__ import annotations

from typing import Any

KINDS_BY_NAME = {
    "input": "Tensor", "dim": "int", "keepdim": "bool", "dtype": "dtype | None", "requires_grad": "bool | None",
    "pin_memory": "bool | None", "size": "Sizes", "index": "Tensor", "src": "Tensor", "alpha": "Number",
    "beta": "Number", "out": "Tensor | None", "generator": "Generator", "layout": "layout", "device": "device",
    "memory_format": "memory_format", "unbiased": "bool", "correction": "Number", "descending": "bool",
    "stable": "bool", "inplace": "bool", "non_blocking": "bool", "copy": "bool", "start": "Number", "end": "Number",
    "step": "Number", "offset": "int", "reduce": "Text", "hermitian": "bool", "upper": "bool", "check_errors": "bool",
    "pivot": "bool", "left": "bool", "A": "Tensor", "B": "Tensor", "rounding_mode": "Text", "driver": "Text",
}
# What these are called is what they are, also where a function leaves it open (`Any`).
OPEN = {
    **{name: KINDS_BY_NAME[name] for name in ("dtype", "out", "pin_memory", "requires_grad", "layout", "memory_format",
                                              "device", "generator", "A", "B")},
    **dict.fromkeys(("LU", "pivots", "x1", "input1"), "Tensor"),
    **dict.fromkeys(("weight", "bias", "running_mean", "running_var", "pos_weight", "weights", "fweights", "aweights",
                     "b_ih", "b_hh", "linear_bias", "attn_mask", "lengths", "offsets"), "Tensor | None"),
    **dict.fromkeys(("kernel_size", "stride", "padding", "dilation", "output_padding"), "Ints"),
    "normalized_shape": "Sizes", "physical_layout": "Sizes", "lambd": "Number", "approximate": "Text",
    **dict.fromkeys(("nan", "posinf", "neginf", "eps"), "float | None"), "initial": "Number | None",
}
KINDS_BY_NAME |= OPEN
# Flags that a function, or those of a space, only ask whether they are true: anything is.
TRUTHS = {
    "nn.functional": {"inplace", "return_indices"}, "nn.functional.gaussian_nll_loss": {"full"},
    "nn.functional.gumbel_softmax": {"hard"}, "nn.functional.triplet_margin_with_distance_loss": {"swap"},
    "lu": {"get_infos"}, "Tensor.lu": {"get_infos"},
}
# Whole numbers that are places or sizes.
INDICES = {"end", "high", "index", "k", "length", "low", "m", "minlength", "num_samples", "output_size", "repeats",
           "sections", "split_size", "start", "step", "storage_offset"}
# What PyTorch's Python first asks of an argument, whatever it is: an AttributeError says that there is none.
_ASKED = {
    ("input", "size"): """adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool2d_with_indices
        adaptive_max_pool3d adaptive_max_pool3d_with_indices batch_norm binary_cross_entropy
        binary_cross_entropy_with_logits huber_loss instance_norm l1_loss max_unpool1d max_unpool2d max_unpool3d
        mse_loss smooth_l1_loss""",
    ("input", "dim"): """dropout1d dropout2d dropout3d embedding_bag fractional_max_pool2d
        fractional_max_pool2d_with_indices fractional_max_pool3d fractional_max_pool3d_with_indices glu group_norm
        interpolate linear_cross_entropy local_response_norm upsample upsample_bilinear upsample_nearest""",
    ("weight", "size"): "binary_cross_entropy binary_cross_entropy_with_logits huber_loss l1_loss mse_loss",
    ("theta", "is_floating_point"): "affine_grid",
    ("weight", "dtype"): "embedding_bag", ("linear_weight", "dim"): "linear_cross_entropy",
    ("target", "shape"): "linear_cross_entropy", ("input", "pow"): "lp_pool1d lp_pool2d lp_pool3d",
    ("input1", "dim"): "margin_ranking_loss", ("input", "is_cuda"): "max_pool3d_with_indices",
    ("indices", "unsqueeze"): "max_unpool1d", ("weight", "dim"): "multi_margin_loss", ("input", "norm"): "normalize",
    ("input", "sigmoid"): "sigmoid", ("input", "abs"): "softsign", ("input", "tanh"): "tanh tanhshrink",
    **dict.fromkeys((("anchor", "ndim"), ("positive", "ndim"), ("negative", "ndim")),
                    "triplet_margin_with_distance_loss"),
}
ASKED: dict[str, dict[str, str]] = {
    "norm": {"input": "layout"}, "split": {"tensor": "split"},
    "pca_lowrank": {"A": "shape"}, "svd_lowrank": {"A": "shape"},
}
for (_argument, _attribute), _names in _ASKED.items():
    for _name in _names.split():
        ASKED.setdefault(f"nn.functional.{_name}", {})[_argument] = _attribute
DEFAULTS: dict[str, Any] = {  # of what may only be given by name
    "out": None, "dtype": None, "layout": None, "device": None, "pin_memory": False, "requires_grad": False,
    "generator": None, "memory_format": None, "keepdim": False, "correction": None,
}
# Functions of several results, whose `out` is a tuple: of those that are given the one or the other, where they have an
# axis.
SEVERAL: dict[str, str] = {
    "max": "dim", "min": "dim", **dict.fromkeys((
        "aminmax", "cummax", "cummin", "frexp", "geqrf", "histogram", "kthvalue", "lu_unpack", "median", "mode",
        "nanmedian", "qr", "slogdet", "sort", "svd", "topk", "triangular_solve",
        *(f"linalg.{name}" for name in (
            "cholesky_ex", "eig", "eigh", "inv_ex", "ldl_factor", "ldl_factor_ex", "lstsq", "lu", "lu_factor",
            "lu_factor_ex", "qr", "slogdet", "solve_ex", "svd"))), ""),
}
_MADE = "dtype, layout, device, pin_memory, requires_grad"
_LIKE = f"input, *, memory_format, {_MADE}"
_PRODUCT = "*, beta = 1, alpha = 1, out"
_WHOLE, _ALONG = "input, *, out", "input, dim, keepdim = False, *, out"
_MOMENT = ("input, dim: Ints | None, unbiased = True, keepdim = False",
           "input, dim: Ints | None = None, *, correction, keepdim", "input, unbiased = True")
_CONVOLUTION = tuple(f"input, weight: Tensor, bias: Tensor | None = None, stride = 1, padding: {padding}, "
                     "dilation = 1, groups: int = 1" for padding in ("Ints = 0", "Text = 'valid'"))
_POOLING = "input, kernel_size, stride: Ints | None = (), padding = 0, dilation = 1, ceil_mode: bool = False"


def _either(second: str, out: str = ", *, out") -> tuple[str, ...]:
    """The forms of a function one of whose operands may be a number; the first one is called otherwise then."""
    return (f"input, {second}: Tensor, *, out", f"self: Number, {second}: Tensor{out}",
            f"input, {second}: Number, *, out")


FORMS: dict[str, tuple[str, ...]] = {
    # ---------------------------------------------------------------- tensors from nothing
    "full": (f"size, fill_value: Number, *, out, {_MADE}",),
    "arange": (f"end, *, out, {_MADE}", f"start, end, step = 1, *, out, {_MADE}"),
    **{f"{name}space": tuple(f"start: {first}, end: {last}, steps: int, {base}*, out, {_MADE}" for first, last in (
        ("Tensor", "Tensor"), ("Number", "Tensor"), ("Tensor", "Number"), ("Number", "Number")))
       for name, base in (("lin", ""), ("log", "base: float = 10.0, "))},
    "eye": (f"n: int, *, out, {_MADE}", f"n: int, m: int, *, out, {_MADE}"),
    **dict.fromkeys(("tril_indices", "triu_indices"), (f"row: int, col: int, offset = 0, *, {_MADE}",)),
    "Tensor.new_full": (f"size, fill_value: Number, *, {_MADE}",),
    **{f"{name}_window": (f"window_length: int, *, {_MADE}", f"window_length: int, periodic: bool, *, {_MADE}", *(
        f"window_length: int, periodic: bool, {more}, *, {_MADE}" for more in more_forms))
       for name, more_forms in {"hann": (), "blackman": (), "bartlett": (), "kaiser": ("beta: float",), "hamming": (
           "alpha: float", "alpha: float, beta: float")}.items()},
    # ---------------------------------------------------------------- random numbers
    "randint": (f"high: int, size, *, generator, out, {_MADE}",
                f"low: int, high: int, size, *, generator, out, {_MADE}"),
    "randint_like": (_LIKE.replace("*", "high: int, *, generator"),
                     _LIKE.replace("*", "low: int, high: int, *, generator")),
    "normal": ("mean: Tensor, std: Tensor, *, generator, out", "mean: Tensor, std: float = 1.0, *, generator, out",
               "mean: float, std: Tensor, *, generator, out",
               f"mean: float, std: float, size, *, generator, out, {_MADE}"),
    "bernoulli": ("input, *, generator, out", "input, p: float, *, generator"),
    "poisson": ("input, generator = None",), "binomial": ("count: Tensor, prob: Tensor, generator = None",),
    "multinomial": ("input, num_samples: int, replacement: bool = False, *, generator, out",),
    "Tensor.bernoulli_": ("p: Tensor, *, generator", "p: float = 0.5, *, generator"),
    "Tensor.random_": ("*, generator", "from_: int, to: int | None, *, generator", "to: int, *, generator"),
    "Tensor.normal_": ("mean: float = 0, std: float = 1, *, generator",),
    "Tensor.uniform_": ("from_: float = 0, to: float = 1, *, generator",),
    # ---------------------------------------------------------------- elementwise
    "lerp": ("input, end: Tensor, weight: Tensor, *, out", "input, end: Tensor, weight: Number, *, out"),
    **dict.fromkeys(("clamp", "clip"), ("input, min: Tensor = None, max: Tensor = None, *, out",
                                        "input, min: Number = None, max: Number = None, *, out")),
    **{f"clamp_{name}": (f"input, {name}: Tensor / Number, *, out",) for name in ("max", "min")},
    **dict.fromkeys(("copysign", "eq", "fmod", "ge", "greater", "greater_equal", "gt", "le", "less", "less_equal", "lt",
                     "ne", "not_equal"), ("input, other: Tensor / Number, *, out",)),
    **dict.fromkeys(("bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
                     "remainder"), _either("other", ""),),
    **dict.fromkeys(("xlogy", "special.xlogy", "special.xlog1py", "special.zeta"), _either("other")),
    **dict.fromkeys(("pow", "float_power"), _either("exponent")),
    **dict.fromkeys(("floor_divide", "multiply", "true_divide"), (
        "input: Operand, other: Operand, *, out", "input: Operand, other: Number")),
    "div": ("input: Operand, other: Operand, *, out",
            "input: Operand, other: Operand, *, rounding_mode: Text | None, out",
            "input: Operand, other: Number, *, rounding_mode: Text | None"),
    "fake_quantize_per_tensor_affine": tuple(
        f"input, {given}, quant_min: int, quant_max: int" for given in (
            "scale: Tensor, zero_point: Tensor", "scale: float, zero_point: int")),
    "clone": ("input, *, memory_format",), "fill": ("input, value: Tensor / Number",),
    "index_fill": ("input, dim, index, value: Tensor / Number",),
    "Tensor.fill_diagonal_": ("fill_value: Number, wrap: bool = False",),
    "Tensor.copy_": ("other: Tensor | Number, non_blocking = False",),
    "divide": ("input: Operand, other: Operand, *, out",
               "input: Operand, other: Operand, *, rounding_mode: Text | None, out", "input: Operand, other: Number",
               "input: Operand, other: Number, *, rounding_mode: Text | None"),
    "subtract": ("input: Operand, other: Operand, *, alpha = 1, out", "input: Operand, other: Number, alpha = 1"),
    "rsub": ("input, other: Operand, *, alpha = 1", "input, other: Number, alpha = 1"),
    "nan_to_num_": ("input, nan: float = None, posinf: float = None, neginf: float = None",),
    **dict.fromkeys(("isfinite", "isinf", "isnan", "relu", "is_conj", "is_neg"), ("input",)),
    **dict.fromkeys(("rrelu", "rrelu_"), (
        f"input, lower: Number = {1 / 8}, upper: Number = {1 / 3}, training: bool = False, generator = None",)),
    "Tensor.polygamma": ("n: int",), "Tensor.map2_": ("x: Tensor, y: Tensor, callable",),
    **{f"Tensor.{name}": ("*, memory_format",) for name in (
        "bfloat16", "bool", "byte", "char", "cpu", "double", "float", "half", "int", "long", "short")},
    **{f"Tensor.{name}": ("device = None, non_blocking = False, *, memory_format",) for name in ("cuda", "xpu")},
    "vander": ("x: Tensor, N: int | None = None, increasing: bool = False",),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), ("tensors: Tensors, dim = 0, *, out",)),
    **dict.fromkeys(("column_stack", "dstack", "hstack", "row_stack", "vstack"), ("tensors: Tensors, *, out",)),
    "scalar_tensor": (f"s: Number, *, {_MADE}",),
    **dict.fromkeys(("movedim", "moveaxis"), ("input, source: int, destination: int",
                                              "input, source: Sizes, destination: Sizes")),
    "masked_fill": ("input, mask: Tensor, value: Tensor / Scalar",),
    "isin": tuple(f"{a}, {b}, *, assume_unique: bool = False, invert: bool = False, out" for a, b in (
        ("elements: Tensor", "test_elements: Tensor"), ("element: Number", "test_elements: Tensor"),
        ("elements: Tensor", "test_element: Number"))),
    "round": ("input, *, out", "input, *, decimals: int, out"), "special.round": ("input, *, decimals: int = 0, out",),
    "where": ("condition: Tensor", "condition: Tensor, input: Tensor / Number, other: Tensor / Number, *, out"),
    "Tensor.where": ("condition: Tensor, other: Tensor / Number",),
    **dict.fromkeys(("special.airy_ai", "special.scaled_modified_bessel_k0", "special.scaled_modified_bessel_k1",
                     "special.spherical_bessel_j0"), ("x: Tensor, *, out",)),
    **{f"special.{kind}": ("x: Tensor, n: Tensor, *, out", "x: Number, n: Tensor, *, out",
                           "x: Tensor, n: Number, *, out") for kind in (
            *(f"{shifted}chebyshev_polynomial_{k}" for shifted in ("", "shifted_") for k in "tuvw"),
            "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p")},
    **dict.fromkeys(("gcd_", "lcm_", "ldexp_"), ("input, other: Tensor",)),
    **dict.fromkeys(("gcd", "lcm", "ldexp"), ("input, other: Tensor, *, out",)),
    "nn.functional.one_hot": ("input, num_classes: int = -1",),
    "celu": ("input, alpha = 1.0",), "selu": ("input",),
    "threshold": ("input, threshold: Number, value: Number, *, out",),
    # ---------------------------------------------------------------- along axes
    **dict.fromkeys(("all", "any"), (_WHOLE, "input, dim: Sizes | None = None, keepdim = False, *, out", _ALONG)),
    **dict.fromkeys(("amax", "amin"), ("input, dim: Ints | None = (), keepdim = False, *, out",)),
    **dict.fromkeys(("max", "min"), (_WHOLE, "input, other: Tensor, *, out", _ALONG)),
    **dict.fromkeys(("median", "nanmedian"), ("input", _ALONG)),
    "mean": ("input, *, dtype, out", "input, dim: Ints | None, keepdim = False, *, dtype, out"),
    "sum": ("input, *, dtype", "input, dim: Ints | None, keepdim = False, *, dtype, out"),
    "prod": ("input, *, dtype", "input, dim, keepdim = False, *, dtype, out"),
    **dict.fromkeys(("quantile", "nanquantile"), (
        "input, q: Tensor / float, dim: int | None = None, keepdim = False, *, interpolation: Text = 'linear', out",)),
    "logsumexp": ("input, dim: Ints, keepdim = False, *, out",), "logcumsumexp": ("input, dim, *, out",),
    **dict.fromkeys(("std", "var"), (f"{_MOMENT[0]}, *, out", f"{_MOMENT[1]}, out", _MOMENT[2])),
    **dict.fromkeys(("std_mean", "var_mean"), _MOMENT),
    **dict.fromkeys(("softmax", "log_softmax"), ("input, dim, dtype = None, *, out",)),
    **dict.fromkeys(("special.softmax", "special.log_softmax"), ("input, dim, dtype = None",)),
    "special.log_softmax": ("input, dim, *, dtype",),
    "argsort": ("input, *, stable, dim = -1, descending = False, out", "input, dim = -1, descending = False"),
    "sort": ("input, *, stable: bool | None, dim = -1, descending = False, out",
             "input, dim = -1, descending = False, *, out"),
    **dict.fromkeys(("trapezoid", "trapz", "cumulative_trapezoid"), (
        "y: Tensor, x: Tensor, *, dim = -1", "y: Tensor, *, dx: Number = 1, dim = -1")),
    "gradient": ("input, *, spacing: Any = None, dim: Ints | None = None, edge_order: int = 1",),
    "Tensor.sum_to_size": ("size",),
    # ---------------------------------------------------------------- shapes
    "Tensor.view": ("dtype: dtype", "size"), "reshape": ("input, shape: Sizes",), "permute": ("input, dims: Sizes",),
    "Tensor.expand": ("size, *, implicit: bool = False",), "Tensor.repeat": ("repeats: Sizes",),
    "count_nonzero": ("input, dim: int | None = None", "input, dim: Sizes"),
    "tile": ("input, dims: Sizes",), "flip": ("input, dims: Sizes",),
    "squeeze": ("input", "input, dim", "input, dim: Sizes"),
    "broadcast_to": ("input, size",), "Tensor.contiguous": ("*, memory_format",),
    "broadcast_shapes": ("*shapes",),
    "as_strided": ("input, size, stride: Sizes, storage_offset: int | None = None",),
    "Tensor.t_": ("",), "Tensor.transpose_": ("dim0: int, dim1: int",), "Tensor.unsqueeze_": ("dim",),
    "swapdims": ("input, dim0: int, dim1: int",), "Tensor.swapdims_": ("dim0: int, dim1: int",),
    "Tensor.swapaxes_": ("axis0: int, axis1: int",),
    **dict.fromkeys(("hsplit", "vsplit", "dsplit"), ("input, sections: int", "input, indices: Sizes")),
    "tensor_split": ("input, indices: Sizes, dim = 0", "input, tensor_indices_or_sections: Tensor, dim = 0",
                     "input, sections: int, dim = 0"),
    "Tensor.split": ("split_size: Ints, dim = 0",), "unsafe_split": ("input, split_size: int, dim = 0",),
    "repeat_interleave": ("input, repeats: Tensor / int, dim: int | None = None, *, output_size: int | None = None",
                          "repeats: Tensor, *, output_size: int | None = None"),
    "Tensor.repeat_interleave": ("repeats: Tensor / int, dim: int | None = None, *, output_size: int | None = None",),
    "Tensor.resize_": ("size, *, memory_format",),
    "resize_as_": ("input, the_template: Tensor, *, memory_format",),
    "Tensor.resize_as_": ("the_template: Tensor, *, memory_format",),
    # ---------------------------------------------------------------- at indices
    "bucketize": ("input, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out",
                  "self: Number, boundaries: Tensor, *, out_int32: bool = False, right: bool = False"),
    "searchsorted": tuple(f"sorted_sequence: Tensor, {given}, *, out_int32: bool = False, right: bool = False, "
                          "side: Text | None = None, sorter: Tensor | None = None, out" for given in (
                              "input", "self: Number")),
    "narrow": ("input, dim, start: Tensor, length: int", "input, dim, start: int, length: int"),
    "histogram": ("input, bins: Tensor, *, weight = None, density: bool = False, out",
                  "input, bins: int = 100, *, range: Floats | None = None, weight = None, density: bool = False, out"),
    "histogramdd": tuple(f"input, bins: {kind}, range: Floats | None = None, weight = None, density: bool = False"
                         for kind in ("int", "Sizes", "Tensors")),
    "nonzero": ("input, *, as_tuple: bool = False, out",),
    "index_put": ("input, indices: Indices, values: Tensor, accumulate: bool = False",),
    "index_copy": ("input, dim, index, source: Tensor, *, out",),
    "index_reduce": ("input, dim, index, source: Tensor, reduce, *, include_self: bool = True, out",),
    "scatter": ("input, dim, index, src, *, out", "input, dim, index, src, *, reduce, out",
                "input, dim, index, value: Number, *, out", "input, dim, index, value: Number, *, reduce, out"),
    "scatter_add": ("input, dim, index, src, *, out",),
    "scatter_reduce": ("input, dim, index, src, reduce, *, include_self: bool = True, out",),
    "slice_scatter": ("input, src, dim = 0, start: int | None = None, end: int | None = None, step: int = 1, *, out",),
    "embedding": ("weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, "
                  "sparse: bool = False",),
    # ---------------------------------------------------------------- products and linear algebra
    "nuclear_norm": ("input, keepdim = False, *, out", "input, dim: Ints, keepdim = False, *, out"),
    "addmm": (f"input, mat1: Tensor, mat2: Tensor, {_PRODUCT}",),
    "addmv": (f"input, mat: Tensor, vec: Tensor, {_PRODUCT}",),
    **dict.fromkeys(("addbmm", "baddbmm"), (f"input, batch1: Tensor, batch2: Tensor, {_PRODUCT}",)),
    "cholesky_solve": ("input, input2: Tensor, upper = False, *, out",),
    "det": ("input",), "slogdet": ("input, *, out",),
    "matrix_exp": ("input",), "matrix_power": ("input, n: int, *, out",), "einsum": ("*args",),
    "cdist": ("x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "
              "'use_mm_for_euclid_dist_if_necessary'",),
    "linalg.cholesky": ("input, *, upper = False, out",),
    "linalg.cholesky_ex": ("input, *, upper = False, check_errors = False, out",),
    "linalg.cond": ("input, p: Any = None, *, out",), "linalg.det": ("A, *, out",),
    "linalg.eigh": ("input, UPLO: Text = 'L', *, out",), "linalg.eigvalsh": ("input, UPLO: Text = 'L', *, out",),
    "linalg.lstsq": ("input, b: Tensor, rcond: float | None = None, *, driver = None, out",),
    "linalg.ldl_factor": ("input, *, hermitian = False, out",),
    "linalg.ldl_factor_ex": ("input, *, hermitian = False, check_errors = False, out",),
    "linalg.ldl_solve": ("LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian = False, out",),
    "linalg.lu": ("A, *, pivot = True, out",), "linalg.lu_factor": ("A, *, pivot = True, out",),
    "linalg.lu_factor_ex": ("A, *, pivot = True, check_errors = False, out",),
    "linalg.solve_ex": ("A, B, *, left = True, check_errors = False, out",),
    "linalg.inv_ex": ("A, *, check_errors = False, out",), "linalg.matrix_exp": ("input, *, out",),
    "linalg.matrix_norm": ("input, ord: Any = 'fro', dim: Ints = (-2, -1), keepdim = False, *, dtype, out",),
    "linalg.matrix_power": ("input, n: int, *, out",),
    **{f"linalg.{name}": (*(f"input, *, atol: {kind} = None, rtol: {kind} = None, hermitian = False, out" for kind in (
        "Tensor", "float")), f"input, {tol}: Tensor / float, hermitian = False, *, out")
       for name, tol in (("matrix_rank", "tol"), ("pinv", "rcond"))},
    "linalg.norm": ("input, ord: Any = None, dim: Ints | None = None, keepdim = False, *, dtype, out",),
    "linalg.vector_norm": ("input, ord: Number = 2, dim: Ints | None = None, keepdim = False, *, dtype, out",),
    "linalg.svd": ("A, full_matrices: bool = True, *, driver = None, out",),
    "linalg.svdvals": ("A, *, driver = None, out",), "linalg.qr": ("A, mode: Text = 'reduced', *, out",),
    "linalg.multi_dot": ("tensors: Tensors, *, out",), "linalg.vander": ("x: Tensor, *, N: int | None = None",),
    "linalg.vecdot": ("x: Tensor, y: Tensor, *, dim = -1, out",),
    "linalg.householder_product": ("input, tau: Tensor, *, out",),
    "linalg.solve_triangular": ("input, B, *, upper, left = True, unitriangular: bool = False, out",),
    "linalg.tensorinv": ("input, ind: int = 2, *, out",),
    "linalg.tensorsolve": ("input, other: Tensor, dims: Ints | None = None, *, out",),
    # What is no more says so, whatever it is given.
    **dict.fromkeys(("lstsq", "solve"), ("input: Any, A: Any, *, out: Any = None",)),
    "symeig": ("input: Any, eigenvectors: Any = False, upper: Any = True, *, out: Any = None",),
    "eig": ("input: Any, eigenvectors: Any = False, *, e: Any = None, v: Any = None",),
    "matrix_rank": ("input: Any, tol: Any = None, symmetric: Any = False, *, out: Any = None",),
    # ---------------------------------------------------------------- neural networks
    **{f"{space}conv{n}d": _CONVOLUTION for n in (1, 2, 3) for space in ("", "nn.functional.")},
    **{f"max_pool{n}d{more}": (_POOLING,) for n in (1, 2, 3) for more in ("", "_with_indices")},
    **{f"nn.functional.adaptive_max_pool{n}d_with_indices": ("input, output_size, return_indices: bool = False",)
       for n in (1, 2, 3)},
    **{f"nn.functional.fractional_max_pool{n}d_with_indices": (
        "input, kernel_size, output_size = None, output_ratio = None, return_indices: bool = False, "
        "_random_samples = None",) for n in (2, 3)},
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_avg_pool1d"), ("input, output_size: Ints",)),
    **{f"{space}avg_pool1d": (_POOLING.replace("dilation = 1, ", "") + ", count_include_pad: bool = True",)
       for space in ("", "nn.functional.")},
    "group_norm": ("input, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, "
                   "eps: float = 1e-05, cudnn_enabled: bool = True",),
    "nn.functional.upsample": ("input, size: Any = None, scale_factor: Any = None, mode: Any = 'nearest', "
                               "align_corners: Any = None",),
    "nn.functional.celu": ("input, alpha = 1.0, inplace = False",), "nn.functional.celu_": ("input, alpha = 1.0",),
    "nn.functional.elu": ("input, alpha = 1.0, inplace = False",), "nn.functional.elu_": ("input, alpha = 1.0",),
    "nn.functional.gelu": ("input, *, approximate = 'none', out",),
    "nn.functional.linear": ("input, weight, bias = None, *, out",),
    **{f"nn.functional.avg_pool{n}d": (
        "input, kernel_size, stride: Ints | None = (), padding = 0, ceil_mode: bool = False, "
        "count_include_pad: bool = True, divisor_override: int | None = None, *, out",) for n in (2, 3)},
    "nn.functional.hardshrink": ("input, lambd: Number = 0.5, *, out",),
    "nn.functional.softshrink": ("input, lambd: Number = 0.5, *, out",),
    "nn.functional.hardtanh": ("input, min_val: Number = -1.0, max_val: Number = 1.0, inplace = False",),
    "nn.functional.hardtanh_": ("input, min_val: Number = -1.0, max_val: Number = 1.0",),
    "nn.functional.leaky_relu": ("input, negative_slope: Number = 0.01, inplace = False",),
    "nn.functional.leaky_relu_": ("input, negative_slope: Number = 0.01",),
    "nn.functional.softplus": ("input, beta = 1, threshold: Number = 20, *, out",),
    "nn.functional.threshold": ("input, threshold: Number, value: Number, inplace = False",),
    "nn.functional.threshold_": ("input, threshold: Number, value: Number",),
    **{f"nn.functional.{name}": ("input, inplace = False",) for name in (
        "hardsigmoid", "hardswish", "mish", "relu", "relu6", "selu", "silu")},
    **{f"nn.functional.{name}": ("input",) for name in ("logsigmoid", "relu_", "selu_", "sigmoid", "tanh")},
    # ---------------------------------------------------------------- what a tensor is
    "get_device": ("input",), "promote_types": ("type1: dtype, type2: dtype",),
    "result_type": ("tensor: Tensor, other: Tensor", "scalar: Number, tensor: Tensor", "tensor: Tensor, other: Number",
                    "scalar1: Number, scalar2: Number"),
    "Tensor.dim_order": ("*, ambiguity_check: Any = False",), "Tensor.is_pinned": ("device = None",),
    "Tensor.map_": ("other: Tensor, callable",),
    "Tensor.to": ("device = None, dtype = None, non_blocking = False, copy = False, *, memory_format",
                  "dtype: dtype, non_blocking = False, copy = False, *, memory_format",
                  "tensor: Tensor, non_blocking = False, copy = False, *, memory_format"),
    "Tensor.to_sparse": ("*, layout, blocksize: Sizes | None = None, dense_dim: int | None = None", "sparse_dim: int"),
}
# Forms that PyTorch has for other devices: they are listed with the others, and refused.
ELSEWHERE = {
    **dict.fromkeys(("mm", "spmm", "dsmm", "bmm"), "input, mat2: Tensor, out_dtype: dtype, *, out"),
    "addmm": f"input, mat1: Tensor, mat2: Tensor, out_dtype: dtype, {_PRODUCT}",
    "baddbmm": f"input, batch1: Tensor, batch2: Tensor, out_dtype: dtype, {_PRODUCT}",
}
# What PyTorch has in C and in Python, by space: Python says otherwise what is missing.
IN_C = {"nn.functional": {
    "adaptive_avg_pool1d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "bilinear", "celu_", "channel_shuffle", "conv1d",
    "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_similarity",
    "elu_", "gelu", "hardshrink", "hardtanh_", "leaky_relu_", "linear", "logsigmoid", "native_channel_shuffle",
    "one_hot", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "prelu", "relu_", "rrelu_",
    "scaled_dot_product_attention", "selu_", "softplus", "softshrink", "threshold_"}}
IN_PYTHON = {"": {
    "block_diag", "broadcast_shapes", "cartesian_prod", "cdist", "chain_matmul", "eig", "einsum", "is_storage",
    "is_tensor", "lstsq", "lu", "matrix_rank", "norm", "pca_lowrank", "solve", "split", "svd_lowrank", "symeig",
    "tensordot", "typename", "unique", "unique_consecutive", "unravel_index"},
    "Tensor": {"dim_order", "is_shared", "lu", "norm", "split", "storage", "to_sparse_coo", "unflatten", "unique",
               "unique_consecutive"}}
