"""Help on native functions, written by `python -m tapegrad manual`."""

TEXTS = {
    "Tensor.abs": """abs($self, /)
--

The absolute value of each element: `|input|`: see `tapegrad.abs`.
""",
    "Tensor.abs_": """abs_($self, /)
--

The absolute value of each element: `|input|`, in place: see `tapegrad.abs`.
""",
    "Tensor.absolute": """absolute($self, /)
--

The absolute value of each element: `|input|`: see `tapegrad.absolute`.
""",
    "Tensor.absolute_": """absolute_($self, /)
--

The absolute value of each element: `|input|`, in place: see `tapegrad.absolute`.
""",
    "Tensor.acos": """acos($self, /)
--

The angle whose cosine each element is: see `tapegrad.acos`.
""",
    "Tensor.acos_": """acos_($self, /)
--

The angle whose cosine each element is, in place: see `tapegrad.acos`.
""",
    "Tensor.acosh": """acosh($self, /)
--

The inverse hyperbolic cosine of each element: see `tapegrad.acosh`.
""",
    "Tensor.acosh_": """acosh_($self, /)
--

The inverse hyperbolic cosine of each element, in place: see `tapegrad.acosh`.
""",
    "Tensor.add": """add($self, /, other, *, alpha=1)
--

The sum of two tensors, the second times `alpha`: `input + alpha * other`: see `tapegrad.add`.
""",
    "Tensor.add_": """add_($self, /, other, *, alpha=1)
--

The sum of two tensors, the second times `alpha`: `input + alpha * other`, in place: see `tapegrad.add`.
""",
    "Tensor.addbmm": """addbmm($self, /, batch1, batch2, *, beta=1, alpha=1)
--

Products of matrices summed over a batch, and added: `beta * input + alpha * (batch1 @ batch2).sum(0)`: see `tapegrad.addbmm`.
""",
    "Tensor.addbmm_": """addbmm_($self, /, batch1, batch2, *, beta=1, alpha=1)
--

Products of matrices summed over a batch, and added: `beta * input + alpha * (batch1 @ batch2).sum(0)`, in place: see `tapegrad.addbmm`.
""",
    "Tensor.addcdiv": """addcdiv($self, /, tensor1, tensor2, *, value=1)
--

A quotient added: `input + value * tensor1 / tensor2`: see `tapegrad.addcdiv`.
""",
    "Tensor.addcdiv_": """addcdiv_($self, /, tensor1, tensor2, *, value=1)
--

A quotient added: `input + value * tensor1 / tensor2`, in place: see `tapegrad.addcdiv`.
""",
    "Tensor.addcmul": """addcmul($self, /, tensor1, tensor2, *, value=1)
--

A product added: `input + value * tensor1 * tensor2`: see `tapegrad.addcmul`.
""",
    "Tensor.addcmul_": """addcmul_($self, /, tensor1, tensor2, *, value=1)
--

A product added: `input + value * tensor1 * tensor2`, in place: see `tapegrad.addcmul`.
""",
    "Tensor.addmm": """addmm($self, /, mat1, mat2, *, beta=1, alpha=1)
--

A product of matrices added: `beta * input + alpha * mat1 @ mat2`: see `tapegrad.addmm`.
""",
    "Tensor.addmm_": """addmm_($self, /, mat1, mat2, *, beta=1, alpha=1)
--

A product of matrices added: `beta * input + alpha * mat1 @ mat2`, in place: see `tapegrad.addmm`.
""",
    "Tensor.addmv": """addmv($self, /, mat, vec, *, beta=1, alpha=1)
--

A product of a matrix and a vector added: `beta * input + alpha * mat @ vec`: see `tapegrad.addmv`.
""",
    "Tensor.addmv_": """addmv_($self, /, mat, vec, *, beta=1, alpha=1)
--

A product of a matrix and a vector added: `beta * input + alpha * mat @ vec`, in place: see `tapegrad.addmv`.
""",
    "Tensor.addr": """addr($self, /, vec1, vec2, *, beta=1, alpha=1)
--

`beta * input + alpha * outer` (`torch.addr`).
""",
    "Tensor.adjoint": """adjoint($self, /)
--

Matrices with rows and columns exchanged (`torch.adjoint`).
""",
    "Tensor.alias": """alias($self, /)
--

Another tensor on the same memory (`torch.Tensor.alias`).
""",
    "Tensor.all": """all($self, /, dim=None, keepdim=False)
--

Whether all elements are true, or all along axes: see `tapegrad.all`.
""",
    "Tensor.allclose": """allclose($self, /, other, rtol=1e-05, atol=1e-08, equal_nan=False)
--

Whether all elements are close (`torch.allclose`).
""",
    "Tensor.amax": """amax($self, /, dim=(), keepdim=False)
--

The greatest element along axes; equals share the gradient: see `tapegrad.amax`.
""",
    "Tensor.amin": """amin($self, /, dim=(), keepdim=False)
--

The least element along axes; equals share the gradient: see `tapegrad.amin`.
""",
    "Tensor.aminmax": """aminmax($self, /, *, dim=None, keepdim=False)
--

Both extremes (`torch.aminmax`).
""",
    "Tensor.angle": """angle($self, /)
--

: see `tapegrad.angle`.
""",
    "Tensor.any": """any($self, /, dim=None, keepdim=False)
--

Whether some element is true, or some along axes: see `tapegrad.any`.
""",
    "Tensor.apply_": """apply_($self, /, callable)
--

A Python function of each element, over what is there, in place (`torch.Tensor.apply_`).
""",
    "Tensor.arccos": """arccos($self, /)
--

The angle whose cosine each element is: see `tapegrad.arccos`.
""",
    "Tensor.arccos_": """arccos_($self, /)
--

The angle whose cosine each element is, in place: see `tapegrad.arccos`.
""",
    "Tensor.arccosh": """arccosh($self, /)
--

The inverse hyperbolic cosine of each element: see `tapegrad.arccosh`.
""",
    "Tensor.arccosh_": """arccosh_($self, /)
--

The inverse hyperbolic cosine of each element, in place: see `tapegrad.arccosh`.
""",
    "Tensor.arcsin": """arcsin($self, /)
--

The angle whose sine each element is: see `tapegrad.arcsin`.
""",
    "Tensor.arcsin_": """arcsin_($self, /)
--

The angle whose sine each element is, in place: see `tapegrad.arcsin`.
""",
    "Tensor.arcsinh": """arcsinh($self, /)
--

The inverse hyperbolic sine of each element: see `tapegrad.arcsinh`.
""",
    "Tensor.arcsinh_": """arcsinh_($self, /)
--

The inverse hyperbolic sine of each element, in place: see `tapegrad.arcsinh`.
""",
    "Tensor.arctan": """arctan($self, /)
--

The angle whose tangent each element is: see `tapegrad.arctan`.
""",
    "Tensor.arctan2": """arctan2($self, /, other)
--

The angle of the point (`other`, `input`), in all four quadrants: see `tapegrad.arctan2`.
""",
    "Tensor.arctan2_": """arctan2_($self, /, other)
--

The angle of the point (`other`, `input`), in all four quadrants, in place: see `tapegrad.arctan2`.
""",
    "Tensor.arctan_": """arctan_($self, /)
--

The angle whose tangent each element is, in place: see `tapegrad.arctan`.
""",
    "Tensor.arctanh": """arctanh($self, /)
--

The inverse hyperbolic tangent of each element: see `tapegrad.arctanh`.
""",
    "Tensor.arctanh_": """arctanh_($self, /)
--

The inverse hyperbolic tangent of each element, in place: see `tapegrad.arctanh`.
""",
    "Tensor.argmax": """argmax($self, /, dim=None, keepdim=False)
--

The place of the greatest element, of all or along an axis: see `tapegrad.argmax`.
""",
    "Tensor.argmin": """argmin($self, /, dim=None, keepdim=False)
--

The place of the least element, of all or along an axis: see `tapegrad.argmin`.
""",
    "Tensor.argsort": """argsort($self, /, dim=-1, descending=False, *, stable=None)
--

The places of the elements in order: see `tapegrad.argsort`.
""",
    "Tensor.argwhere": """argwhere($self, /)
--

The indices of what is not zero, a row each: see `tapegrad.argwhere`.
""",
    "Tensor.as_strided": """as_strided($self, /, size, stride, storage_offset=None)
--

The memory of a tensor read with other sizes, strides and start (`torch.as_strided`).
""",
    "Tensor.as_strided_": """as_strided_($self, /, size, stride, storage_offset=None)
--

The memory read with other sizes and strides, in place: see `tapegrad.as_strided`.
""",
    "Tensor.as_strided_scatter": """as_strided_scatter($self, /, src, size, stride, storage_offset=None)
--

A copy with what `as_strided` would look at replaced (`torch.as_strided_scatter`).
""",
    "Tensor.asin": """asin($self, /)
--

The angle whose sine each element is: see `tapegrad.asin`.
""",
    "Tensor.asin_": """asin_($self, /)
--

The angle whose sine each element is, in place: see `tapegrad.asin`.
""",
    "Tensor.asinh": """asinh($self, /)
--

The inverse hyperbolic sine of each element: see `tapegrad.asinh`.
""",
    "Tensor.asinh_": """asinh_($self, /)
--

The inverse hyperbolic sine of each element, in place: see `tapegrad.asinh`.
""",
    "Tensor.atan": """atan($self, /)
--

The angle whose tangent each element is: see `tapegrad.atan`.
""",
    "Tensor.atan2": """atan2($self, /, other)
--

The angle of the point (`other`, `input`), in all four quadrants: see `tapegrad.atan2`.
""",
    "Tensor.atan2_": """atan2_($self, /, other)
--

The angle of the point (`other`, `input`), in all four quadrants, in place: see `tapegrad.atan2`.
""",
    "Tensor.atan_": """atan_($self, /)
--

The angle whose tangent each element is, in place: see `tapegrad.atan`.
""",
    "Tensor.atanh": """atanh($self, /)
--

The inverse hyperbolic tangent of each element: see `tapegrad.atanh`.
""",
    "Tensor.atanh_": """atanh_($self, /)
--

The inverse hyperbolic tangent of each element, in place: see `tapegrad.atanh`.
""",
    "Tensor.baddbmm": """baddbmm($self, /, batch1, batch2, *, beta=1, alpha=1)
--

Products of a batch of matrices added: `beta * input + alpha * batch1 @ batch2`: see `tapegrad.baddbmm`.
""",
    "Tensor.baddbmm_": """baddbmm_($self, /, batch1, batch2, *, beta=1, alpha=1)
--

Products of a batch of matrices added: `beta * input + alpha * batch1 @ batch2`, in place: see `tapegrad.baddbmm`.
""",
    "Tensor.bincount": """bincount($self, /, weights=None, minlength=0)
--

How often each number occurs (`torch.bincount`).
""",
    "Tensor.bitwise_and": """bitwise_and($self, /, other)
--

The bits that are set in both: `input & other`: see `tapegrad.bitwise_and`.
""",
    "Tensor.bitwise_and_": """bitwise_and_($self, /, other)
--

The bits that are set in both: `input & other`, in place: see `tapegrad.bitwise_and`.
""",
    "Tensor.bitwise_left_shift": """bitwise_left_shift($self, /, other)
--

Bits moved to the left: `input << other`: see `tapegrad.bitwise_left_shift`.
""",
    "Tensor.bitwise_left_shift_": """bitwise_left_shift_($self, /, other)
--

Bits moved to the left: `input << other`, in place: see `tapegrad.bitwise_left_shift`.
""",
    "Tensor.bitwise_not": """bitwise_not($self, /)
--

Each bit turned over: `~input`: see `tapegrad.bitwise_not`.
""",
    "Tensor.bitwise_not_": """bitwise_not_($self, /)
--

Each bit turned over: `~input`, in place: see `tapegrad.bitwise_not`.
""",
    "Tensor.bitwise_or": """bitwise_or($self, /, other)
--

The bits that are set in one of both: `input | other`: see `tapegrad.bitwise_or`.
""",
    "Tensor.bitwise_or_": """bitwise_or_($self, /, other)
--

The bits that are set in one of both: `input | other`, in place: see `tapegrad.bitwise_or`.
""",
    "Tensor.bitwise_right_shift": """bitwise_right_shift($self, /, other)
--

Bits moved to the right: `input >> other`: see `tapegrad.bitwise_right_shift`.
""",
    "Tensor.bitwise_right_shift_": """bitwise_right_shift_($self, /, other)
--

Bits moved to the right: `input >> other`, in place: see `tapegrad.bitwise_right_shift`.
""",
    "Tensor.bitwise_xor": """bitwise_xor($self, /, other)
--

The bits that are set in just one of both: `input ^ other`: see `tapegrad.bitwise_xor`.
""",
    "Tensor.bitwise_xor_": """bitwise_xor_($self, /, other)
--

The bits that are set in just one of both: `input ^ other`, in place: see `tapegrad.bitwise_xor`.
""",
    "Tensor.bmm": """bmm($self, /, mat2)
--

The products of two batches of matrices: see `tapegrad.bmm`.
""",
    "Tensor.bool": """bool($self, /, memory_format=None)
--

This tensor as `bool`: see `tapegrad.bool`.
""",
    "Tensor.broadcast_to": """broadcast_to($self, /, size)
--

The tensor expanded to a shape: see `tapegrad.broadcast_to`.
""",
    "Tensor.bucketize": """bucketize($self, /, boundaries, *, out_int32=False, right=False)
--

Into which of the intervals between boundaries values fall (`torch.bucketize`).
""",
    "Tensor.byte": """byte($self, /, memory_format=None)
--

This tensor as `uint8` (`torch.Tensor.byte`).
""",
    "Tensor.ceil": """ceil($self, /)
--

The next whole number above each element: see `tapegrad.ceil`.
""",
    "Tensor.ceil_": """ceil_($self, /)
--

The next whole number above each element, in place: see `tapegrad.ceil`.
""",
    "Tensor.celu": """celu($self, /, alpha=1.0)
--

`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`: see `tapegrad.celu`.
""",
    "Tensor.celu_": """celu_($self, /, alpha=1.0)
--

`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`, in place: see `tapegrad.celu`.
""",
    "Tensor.char": """char($self, /, memory_format=None)
--

This tensor as `int8` (`torch.Tensor.char`).
""",
    "Tensor.cholesky": """cholesky($self, /, upper=False)
--

The triangular factor of a positive-definite matrix: see `tapegrad.cholesky`.
""",
    "Tensor.cholesky_inverse": """cholesky_inverse($self, /, upper=False)
--

The inverse of the matrix that a triangular factor stands for (`torch.cholesky_inverse`).
""",
    "Tensor.cholesky_solve": """cholesky_solve($self, /, input2, upper=False)
--

X with A X = B, where L is A's triangular factor (`torch.cholesky_solve`).
""",
    "Tensor.chunk": """chunk($self, /, chunks, dim=0)
--

At most `chunks` pieces of equal length (`torch.chunk`).
""",
    "Tensor.clamp": """clamp($self, /, min=None, max=None)
--

Each element kept between `min` and `max`: see `tapegrad.clamp`.
""",
    "Tensor.clamp_": """clamp_($self, /, min=None, max=None)
--

Each element kept between `min` and `max`, in place: see `tapegrad.clamp`.
""",
    "Tensor.clamp_max": """clamp_max($self, /, max)
--

Each element, or `max` where that is less: see `tapegrad.clamp_max`.
""",
    "Tensor.clamp_max_": """clamp_max_($self, /, max)
--

Each element, or `max` where that is less, in place: see `tapegrad.clamp_max`.
""",
    "Tensor.clamp_min": """clamp_min($self, /, min)
--

Each element, or `min` where that is greater: see `tapegrad.clamp_min`.
""",
    "Tensor.clamp_min_": """clamp_min_($self, /, min)
--

Each element, or `min` where that is greater, in place: see `tapegrad.clamp_min`.
""",
    "Tensor.clip": """clip($self, /, min=None, max=None)
--

Each element kept between `min` and `max`: see `tapegrad.clip`.
""",
    "Tensor.clip_": """clip_($self, /, min=None, max=None)
--

Each element kept between `min` and `max`, in place: see `tapegrad.clip`.
""",
    "Tensor.clone": """clone($self, /, *, memory_format=None)
--

A copy, which lies as the format asks (`torch.clone`): as the tensor does, unless one is given.
""",
    "Tensor.conj": """conj($self, /)
--

The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).
""",
    "Tensor.conj_physical": """conj_physical($self, /)
--

The tensor itself: it is real (`torch.conj_physical`).
""",
    "Tensor.contiguous": """contiguous($self, /, *, memory_format=None)
--

Itself if it lies as the format asks, by rows unless one is given, else a copy (`torch.Tensor.contiguous`).
""",
    "Tensor.copy_": """copy_($self, /, other, non_blocking=False)
--

Another tensor's values, written here (`torch.Tensor.copy_`).
""",
    "Tensor.copysign": """copysign($self, /, other)
--

The size of `input` with the sign of `other`: see `tapegrad.copysign`.
""",
    "Tensor.copysign_": """copysign_($self, /, other)
--

The size of `input` with the sign of `other`, in place: see `tapegrad.copysign`.
""",
    "Tensor.corrcoef": """corrcoef($self, /)
--

Correlations of variables in rows (`torch.corrcoef`).
""",
    "Tensor.cos": """cos($self, /)
--

The cosine of each element: see `tapegrad.cos`.
""",
    "Tensor.cos_": """cos_($self, /)
--

The cosine of each element, in place: see `tapegrad.cos`.
""",
    "Tensor.cosh": """cosh($self, /)
--

The hyperbolic cosine of each element: see `tapegrad.cosh`.
""",
    "Tensor.cosh_": """cosh_($self, /)
--

The hyperbolic cosine of each element, in place: see `tapegrad.cosh`.
""",
    "Tensor.count_nonzero": """count_nonzero($self, /, dim=None)
--

How many elements are not zero: see `tapegrad.count_nonzero`.
""",
    "Tensor.cov": """cov($self, /, *, correction=1, fweights=None, aweights=None)
--

Covariances of variables in rows (`torch.cov`).
""",
    "Tensor.cross": """cross($self, /, other, dim=None)
--

The cross product of vectors along an axis of length 3: see `tapegrad.cross`.
""",
    "Tensor.cummax": """cummax($self, /, dim)
--

The greatest element so far along an axis, and its places: see `tapegrad.cummax`.
""",
    "Tensor.cummin": """cummin($self, /, dim)
--

The least element so far along an axis, and its places: see `tapegrad.cummin`.
""",
    "Tensor.cumprod": """cumprod($self, /, dim, *, dtype=None)
--

The products of all elements so far along an axis: see `tapegrad.cumprod`.
""",
    "Tensor.cumprod_": """cumprod_($self, /, dim, *, dtype=None)
--

The products of all elements so far along an axis, in place: see `tapegrad.cumprod`.
""",
    "Tensor.cumsum": """cumsum($self, /, dim, *, dtype=None)
--

The sums of all elements so far along an axis: see `tapegrad.cumsum`.
""",
    "Tensor.cumsum_": """cumsum_($self, /, dim, *, dtype=None)
--

The sums of all elements so far along an axis, in place: see `tapegrad.cumsum`.
""",
    "Tensor.deg2rad": """deg2rad($self, /)
--

Degrees as radians: see `tapegrad.deg2rad`.
""",
    "Tensor.deg2rad_": """deg2rad_($self, /)
--

Degrees as radians, in place: see `tapegrad.deg2rad`.
""",
    "Tensor.det": """det($self, /)
--

The determinant (`torch.linalg.det`).
""",
    "Tensor.detach": """detach($self, /)
--

The same memory without history (`torch.Tensor.detach`).
""",
    "Tensor.diag": """diag($self, /, diagonal=0)
--

A matrix's diagonal, or the matrix of a diagonal (`torch.diag`).
""",
    "Tensor.diag_embed": """diag_embed($self, /, offset=0, dim1=-2, dim2=-1)
--

The last axis as a diagonal of two new ones (`torch.diag_embed`).
""",
    "Tensor.diagflat": """diagflat($self, /, offset=0)
--

A matrix with all elements on a diagonal: see `tapegrad.diagflat`.
""",
    "Tensor.diagonal": """diagonal($self, /, offset=0, dim1=0, dim2=1)
--

The diagonal of two axes as the last axis (`torch.diagonal`).
""",
    "Tensor.diagonal_scatter": """diagonal_scatter($self, /, src, offset=0, dim1=0, dim2=1)
--

A copy with a diagonal replaced (`torch.diagonal_scatter`).
""",
    "Tensor.diff": """diff($self, /, n=1, dim=-1, prepend=None, append=None)
--

Differences of neighbours, `n` times over (`torch.diff`).
""",
    "Tensor.digamma": """digamma($self, /)
--

The derivative of the logarithm of the gamma function: see `tapegrad.digamma`.
""",
    "Tensor.digamma_": """digamma_($self, /)
--

The derivative of the logarithm of the gamma function, in place: see `tapegrad.digamma`.
""",
    "Tensor.dim_order": """dim_order($self, /, *, ambiguity_check=False)
--

The axes from the outermost in memory to the innermost (`torch.Tensor.dim_order`).
""",
    "Tensor.dist": """dist($self, /, other, p=2)
--

The norm of a difference (`torch.dist`).
""",
    "Tensor.div": """div($self, /, other, *, rounding_mode=None)
--

The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`: see `tapegrad.div`.
""",
    "Tensor.div_": """div_($self, /, other, *, rounding_mode=None)
--

The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`, in place: see `tapegrad.div`.
""",
    "Tensor.divide": """divide($self, /, other, *, rounding_mode=None)
--

The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`: see `tapegrad.divide`.
""",
    "Tensor.divide_": """divide_($self, /, other, *, rounding_mode=None)
--

The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other`, in place: see `tapegrad.divide`.
""",
    "Tensor.dot": """dot($self, /, tensor)
--

The sum of products of two vectors (`torch.dot`).
""",
    "Tensor.double": """double($self, /, memory_format=None)
--

This tensor as `float64`: see `tapegrad.double`.
""",
    "Tensor.dsplit": """dsplit($self, /, sections=None, *, indices=None)
--

Pieces along the third axis: see `tapegrad.dsplit`.
""",
    "Tensor.elu": """elu($self, /, alpha=1.0, scale=1.0, input_scale=1.0)
--

Each element; where it is negative, `alpha * (exp(input) - 1)`: see `tapegrad.nn.functional.elu`.
""",
    "Tensor.elu_": """elu_($self, /, alpha=1.0, scale=1.0, input_scale=1.0)
--

Each element; where it is negative, `alpha * (exp(input) - 1)`, in place: see `tapegrad.nn.functional.elu`.
""",
    "Tensor.eq": """eq($self, /, other)
--

Whether elements are equal: `input == other`: see `tapegrad.eq`.
""",
    "Tensor.eq_": """eq_($self, /, other)
--

Whether elements are equal: `input == other`, in place: see `tapegrad.eq`.
""",
    "Tensor.equal": """equal($self, /, other)
--

Whether shapes and all elements agree (`torch.equal`).
""",
    "Tensor.erf": """erf($self, /)
--

The error function of each element: see `tapegrad.erf`.
""",
    "Tensor.erf_": """erf_($self, /)
--

The error function of each element, in place: see `tapegrad.erf`.
""",
    "Tensor.erfc": """erfc($self, /)
--

One minus the error function of each element: see `tapegrad.erfc`.
""",
    "Tensor.erfc_": """erfc_($self, /)
--

One minus the error function of each element, in place: see `tapegrad.erfc`.
""",
    "Tensor.erfinv": """erfinv($self, /)
--

The inverse of the error function: see `tapegrad.erfinv`.
""",
    "Tensor.erfinv_": """erfinv_($self, /)
--

The inverse of the error function, in place: see `tapegrad.erfinv`.
""",
    "Tensor.exp": """exp($self, /)
--

e to the power of each element: see `tapegrad.exp`.
""",
    "Tensor.exp2": """exp2($self, /)
--

2 to the power of each element: see `tapegrad.exp2`.
""",
    "Tensor.exp2_": """exp2_($self, /)
--

2 to the power of each element, in place: see `tapegrad.exp2`.
""",
    "Tensor.exp_": """exp_($self, /)
--

e to the power of each element, in place: see `tapegrad.exp`.
""",
    "Tensor.expand": """expand($self, /, size, *, implicit=False)
--

Axes of size one repeated without copying (`torch.Tensor.expand`).
""",
    "Tensor.expand_as": """expand_as($self, /, other)
--

The tensor expanded to the shape of another (`torch.Tensor.expand_as`).
""",
    "Tensor.expm1": """expm1($self, /)
--

`exp(input) - 1`, exact for small elements: see `tapegrad.expm1`.
""",
    "Tensor.expm1_": """expm1_($self, /)
--

`exp(input) - 1`, exact for small elements, in place: see `tapegrad.expm1`.
""",
    "Tensor.fill_": """fill_($self, /, value)
--

A tensor of the same shape that holds one value, in place: see `tapegrad.fill`.
""",
    "Tensor.fix": """fix($self, /)
--

Each element without its fraction: see `tapegrad.fix`.
""",
    "Tensor.fix_": """fix_($self, /)
--

Each element without its fraction, in place: see `tapegrad.fix`.
""",
    "Tensor.flatten": """flatten($self, /, start_dim=0, end_dim=-1)
--

Neighbouring axes merged (`torch.flatten`).
""",
    "Tensor.flip": """flip($self, /, dims)
--

Axes reversed, as a copy (`torch.flip`).
""",
    "Tensor.fliplr": """fliplr($self, /)
--

Columns in reverse order: see `tapegrad.fliplr`.
""",
    "Tensor.flipud": """flipud($self, /)
--

Rows in reverse order: see `tapegrad.flipud`.
""",
    "Tensor.float": """float($self, /, memory_format=None)
--

This tensor as `float32`: see `tapegrad.float`.
""",
    "Tensor.float_power": """float_power($self, /, exponent)
--

A power in double precision (`torch.float_power`).
""",
    "Tensor.float_power_": """float_power_($self, /, exponent)
--

Each element to a power, in double precision, in place: see `tapegrad.float_power`.
""",
    "Tensor.floor": """floor($self, /)
--

The next whole number below each element: see `tapegrad.floor`.
""",
    "Tensor.floor_": """floor_($self, /)
--

The next whole number below each element, in place: see `tapegrad.floor`.
""",
    "Tensor.floor_divide": """floor_divide($self, /, other)
--

The quotient of two tensors, rounded down: `input // other`: see `tapegrad.floor_divide`.
""",
    "Tensor.floor_divide_": """floor_divide_($self, /, other)
--

The quotient of two tensors, rounded down: `input // other`, in place: see `tapegrad.floor_divide`.
""",
    "Tensor.floor_quotient_": """floor_quotient_($self, /, other)
--

, in place (`torch.Tensor.floor_quotient_`).
""",
    "Tensor.fmax": """fmax($self, /, other)
--

The greater of two elements, of which NaN is none: see `tapegrad.fmax`.
""",
    "Tensor.fmin": """fmin($self, /, other)
--

The lesser of two elements, of which NaN is none: see `tapegrad.fmin`.
""",
    "Tensor.fmod": """fmod($self, /, other)
--

The remainder of a division that is rounded towards zero; it has the sign of `input`: see `tapegrad.fmod`.
""",
    "Tensor.fmod_": """fmod_($self, /, other)
--

The remainder of a division that is rounded towards zero; it has the sign of `input`, in place: see `tapegrad.fmod`.
""",
    "Tensor.frac": """frac($self, /)
--

The fraction of each element: see `tapegrad.frac`.
""",
    "Tensor.frac_": """frac_($self, /)
--

The fraction of each element, in place: see `tapegrad.frac`.
""",
    "Tensor.gather": """gather($self, /, dim, index, *, sparse_grad=False)
--

Elements at given positions along an axis (`torch.gather`).
""",
    "Tensor.gcd": """gcd($self, /, other)
--

`torch.gcd`, computed by NumPy.
""",
    "Tensor.ge": """ge($self, /, other)
--

Whether elements are at least: `input >= other`: see `tapegrad.ge`.
""",
    "Tensor.ge_": """ge_($self, /, other)
--

Whether elements are at least: `input >= other`, in place: see `tapegrad.ge`.
""",
    "Tensor.gelu": """gelu($self, /)
--

The Gaussian error linear unit: see `tapegrad.nn.functional.gelu`.
""",
    "Tensor.ger": """ger($self, /, vec2)
--

Every product of two vectors' elements (`torch.outer`).
""",
    "Tensor.get_device": """get_device($self, /)
--

The number of the device, which the CPU has not: -1 (`torch.Tensor.get_device`).
""",
    "Tensor.greater": """greater($self, /, other)
--

Whether elements are greater: `input > other`: see `tapegrad.greater`.
""",
    "Tensor.greater_": """greater_($self, /, other)
--

Whether elements are greater: `input > other`, in place: see `tapegrad.greater`.
""",
    "Tensor.greater_equal": """greater_equal($self, /, other)
--

Whether elements are at least: `input >= other`: see `tapegrad.greater_equal`.
""",
    "Tensor.greater_equal_": """greater_equal_($self, /, other)
--

Whether elements are at least: `input >= other`, in place: see `tapegrad.greater_equal`.
""",
    "Tensor.gt": """gt($self, /, other)
--

Whether elements are greater: `input > other`: see `tapegrad.gt`.
""",
    "Tensor.gt_": """gt_($self, /, other)
--

Whether elements are greater: `input > other`, in place: see `tapegrad.gt`.
""",
    "Tensor.hardshrink": """hardshrink($self, /, lambd=0.5)
--

Each element, or zero where it is within `lambd` of it: see `tapegrad.hardshrink`.
""",
    "Tensor.hardsigmoid": """hardsigmoid($self, /)
--

`relu6(input + 3) / 6`: see `tapegrad.nn.functional.hardsigmoid`.
""",
    "Tensor.hardsigmoid_": """hardsigmoid_($self, /)
--

`relu6(input + 3) / 6`, in place: see `tapegrad.nn.functional.hardsigmoid`.
""",
    "Tensor.hardswish": """hardswish($self, /)
--

`input * relu6(input + 3) / 6`: see `tapegrad.nn.functional.hardswish`.
""",
    "Tensor.hardswish_": """hardswish_($self, /)
--

`input * relu6(input + 3) / 6`, in place: see `tapegrad.nn.functional.hardswish`.
""",
    "Tensor.hardtanh": """hardtanh($self, /, min_val=-1.0, max_val=1.0)
--

Each element kept between `min_val` and `max_val`: see `tapegrad.nn.functional.hardtanh`.
""",
    "Tensor.hardtanh_": """hardtanh_($self, /, min_val=-1.0, max_val=1.0)
--

Each element kept between `min_val` and `max_val`, in place: see `tapegrad.nn.functional.hardtanh`.
""",
    "Tensor.heaviside": """heaviside($self, /, values)
--

0 below zero, 1 above, and `values` at zero: see `tapegrad.heaviside`.
""",
    "Tensor.heaviside_": """heaviside_($self, /, values)
--

0 below zero, 1 above, and `values` at zero, in place: see `tapegrad.heaviside`.
""",
    "Tensor.histc": """histc($self, /, bins=100, min=0, max=0)
--

How many elements fall in each of equal bins (`torch.histc`).
""",
    "Tensor.hsplit": """hsplit($self, /, sections=None, *, indices=None)
--

Pieces along the second axis: see `tapegrad.hsplit`.
""",
    "Tensor.hypot": """hypot($self, /, other)
--

The hypotenuse of two sides: `sqrt(input ** 2 + other ** 2)`: see `tapegrad.hypot`.
""",
    "Tensor.hypot_": """hypot_($self, /, other)
--

The hypotenuse of two sides: `sqrt(input ** 2 + other ** 2)`, in place: see `tapegrad.hypot`.
""",
    "Tensor.i0": """i0($self, /)
--

`torch.special.i0`, computed by SciPy.
""",
    "Tensor.igamma": """igamma($self, /, other)
--

The incomplete gamma function of shape `input` (`torch.special.gammainc`), computed by SciPy.
""",
    "Tensor.igammac": """igammac($self, /, other)
--

The incomplete gamma function of shape `input` (`torch.special.gammaincc`), computed by SciPy.
""",
    "Tensor.index_add": """index_add($self, /, dim, index, source, *, alpha=1)
--

A copy with rows of `source`, times `alpha`, added at indices: see `tapegrad.index_add`.
""",
    "Tensor.index_add_": """index_add_($self, /, dim, index, source, *, alpha=1)
--

A copy with rows of `source`, times `alpha`, added at indices, in place: see `tapegrad.index_add`.
""",
    "Tensor.index_copy": """index_copy($self, /, dim, index, source)
--

A copy with rows replaced at indices: see `tapegrad.index_copy`.
""",
    "Tensor.index_copy_": """index_copy_($self, /, dim, index, source)
--

A copy with rows replaced at indices, in place: see `tapegrad.index_copy`.
""",
    "Tensor.index_fill": """index_fill($self, /, dim, index, value)
--

A copy with one value at indices: see `tapegrad.index_fill`.
""",
    "Tensor.index_fill_": """index_fill_($self, /, dim, index, value)
--

A copy with one value at indices, in place: see `tapegrad.index_fill`.
""",
    "Tensor.index_put": """index_put($self, /, indices, values, accumulate=False)
--

A copy with values at indices, one tensor of indices an axis: see `tapegrad.index_put`.
""",
    "Tensor.index_put_": """index_put_($self, /, indices, values, accumulate=False)
--

A copy with values at indices, one tensor of indices an axis, in place: see `tapegrad.index_put`.
""",
    "Tensor.index_put_add_": """index_put_add_($self, /, value, *indices, form, wrap)
--

, in place (`torch.Tensor.index_put_add_`).
""",
    "Tensor.index_reduce": """index_reduce($self, /, dim, index, source, reduce, *, include_self=True)
--

Slices combined into those that an index names (`torch.index_reduce`).
""",
    "Tensor.index_select": """index_select($self, /, dim, index)
--

The slices at given positions along an axis (`torch.index_select`).
""",
    "Tensor.inner": """inner($self, /, other)
--

Sums of products over the last axes (`torch.inner`).
""",
    "Tensor.int": """int($self, /, memory_format=None)
--

This tensor as `int32`: see `tapegrad.int`.
""",
    "Tensor.inverse": """inverse($self, /)
--

The inverse of square matrices: see `tapegrad.inverse`.
""",
    "Tensor.is_conj": """is_conj($self, /)
--

What no tensor here is: `is_inference`, `is_pinned`, `is_shared`, `is_conj`, `is_neg`.
""",
    "Tensor.is_inference": """is_inference($self, /)
--

What no tensor here is: `is_inference`, `is_pinned`, `is_shared`, `is_conj`, `is_neg`.
""",
    "Tensor.is_neg": """is_neg($self, /)
--

What no tensor here is: `is_inference`, `is_pinned`, `is_shared`, `is_conj`, `is_neg`.
""",
    "Tensor.is_nonzero": """is_nonzero($self, /)
--

Whether the one element is not zero (`torch.is_nonzero`).
""",
    "Tensor.is_pinned": """is_pinned($self, /, device=None)
--

What no tensor here is: `is_inference`, `is_pinned`, `is_shared`, `is_conj`, `is_neg`.
""",
    "Tensor.is_same_size": """is_same_size($self, /, other)
--

Whether two tensors have one shape (`torch.is_same_size`).
""",
    "Tensor.is_set_to": """is_set_to($self, /, tensor)
--

Whether two tensors are the same elements of the same memory (`torch.Tensor.is_set_to`).
""",
    "Tensor.is_shared": """is_shared($self, /)
--

What no tensor here is: `is_inference`, `is_pinned`, `is_shared`, `is_conj`, `is_neg`.
""",
    "Tensor.is_signed": """is_signed($self, /)
--

Whether the dtype has negative numbers (`torch.is_signed`).
""",
    "Tensor.isclose": """isclose($self, /, other, rtol=1e-05, atol=1e-08, equal_nan=False)
--

Whether elements are close: `|input - other| <= atol + rtol * |other|`: see `tapegrad.isclose`.
""",
    "Tensor.isfinite": """isfinite($self, /)
--

Whether each element is a number and finite: see `tapegrad.isfinite`.
""",
    "Tensor.isinf": """isinf($self, /)
--

Whether each element is infinite: see `tapegrad.isinf`.
""",
    "Tensor.isnan": """isnan($self, /)
--

Whether each element is NaN: see `tapegrad.isnan`.
""",
    "Tensor.isneginf": """isneginf($self, /)
--

Whether each element is minus infinity: see `tapegrad.isneginf`.
""",
    "Tensor.isposinf": """isposinf($self, /)
--

Whether each element is plus infinity: see `tapegrad.isposinf`.
""",
    "Tensor.isreal": """isreal($self, /)
--

All elements are real (`torch.isreal`).
""",
    "Tensor.kron": """kron($self, /, other)
--

The Kronecker product (`torch.kron`).
""",
    "Tensor.kthvalue": """kthvalue($self, /, k, dim=-1, keepdim=False)
--

The k-th smallest value (`torch.kthvalue`).
""",
    "Tensor.lcm": """lcm($self, /, other)
--

`torch.lcm`, computed by NumPy.
""",
    "Tensor.ldexp": """ldexp($self, /, other)
--

`input * 2 ** other` (`torch.ldexp`).
""",
    "Tensor.le": """le($self, /, other)
--

Whether elements are at most: `input <= other`: see `tapegrad.le`.
""",
    "Tensor.le_": """le_($self, /, other)
--

Whether elements are at most: `input <= other`, in place: see `tapegrad.le`.
""",
    "Tensor.leaky_relu": """leaky_relu($self, /, negative_slope=0.01)
--

Each element, times `negative_slope` where it is negative: see `tapegrad.nn.functional.leaky_relu`.
""",
    "Tensor.leaky_relu_": """leaky_relu_($self, /, negative_slope=0.01)
--

Each element, times `negative_slope` where it is negative, in place: see `tapegrad.nn.functional.leaky_relu`.
""",
    "Tensor.left_shift_": """left_shift_($self, /, other)
--

Bits moved to the left: `input << other`, in place (`torch.Tensor.left_shift_`).
""",
    "Tensor.lerp": """lerp($self, /, end, weight)
--

A point between two: `input + weight * (end - input)`: see `tapegrad.lerp`.
""",
    "Tensor.lerp_": """lerp_($self, /, end, weight)
--

A point between two: `input + weight * (end - input)`, in place: see `tapegrad.lerp`.
""",
    "Tensor.less": """less($self, /, other)
--

Whether elements are less: `input < other`: see `tapegrad.less`.
""",
    "Tensor.less_": """less_($self, /, other)
--

Whether elements are less: `input < other`, in place: see `tapegrad.less`.
""",
    "Tensor.less_equal": """less_equal($self, /, other)
--

Whether elements are at most: `input <= other`: see `tapegrad.less_equal`.
""",
    "Tensor.less_equal_": """less_equal_($self, /, other)
--

Whether elements are at most: `input <= other`, in place: see `tapegrad.less_equal`.
""",
    "Tensor.lgamma": """lgamma($self, /)
--

The logarithm of the absolute gamma function of each element: see `tapegrad.lgamma`.
""",
    "Tensor.lgamma_": """lgamma_($self, /)
--

The logarithm of the absolute gamma function of each element, in place: see `tapegrad.lgamma`.
""",
    "Tensor.log": """log($self, /)
--

The natural logarithm of each element: see `tapegrad.log`.
""",
    "Tensor.log10": """log10($self, /)
--

The logarithm of each element to the base 10: see `tapegrad.log10`.
""",
    "Tensor.log10_": """log10_($self, /)
--

The logarithm of each element to the base 10, in place: see `tapegrad.log10`.
""",
    "Tensor.log1p": """log1p($self, /)
--

`log(1 + input)`, exact for small elements: see `tapegrad.log1p`.
""",
    "Tensor.log1p_": """log1p_($self, /)
--

`log(1 + input)`, exact for small elements, in place: see `tapegrad.log1p`.
""",
    "Tensor.log2": """log2($self, /)
--

The logarithm of each element to the base 2: see `tapegrad.log2`.
""",
    "Tensor.log2_": """log2_($self, /)
--

The logarithm of each element to the base 2, in place: see `tapegrad.log2`.
""",
    "Tensor.log_": """log_($self, /)
--

The natural logarithm of each element, in place: see `tapegrad.log`.
""",
    "Tensor.log_softmax": """log_softmax($self, /, dim, dtype=None)
--

The logarithm of softmax, in one step: see `tapegrad.log_softmax`.
""",
    "Tensor.logaddexp": """logaddexp($self, /, other)
--

`log(exp(input) + exp(other))`, without overflow: see `tapegrad.logaddexp`.
""",
    "Tensor.logaddexp2": """logaddexp2($self, /, other)
--

`log2(2 ** input + 2 ** other)`, without overflow: see `tapegrad.logaddexp2`.
""",
    "Tensor.logcumsumexp": """logcumsumexp($self, /, dim)
--

The logarithms of the sums of exponentials so far along an axis: see `tapegrad.logcumsumexp`.
""",
    "Tensor.logdet": """logdet($self, /)
--

The logarithm of the determinant, NaN where that is negative (`torch.logdet`).
""",
    "Tensor.logical_and": """logical_and($self, /, other)
--

Whether both elements are true: see `tapegrad.logical_and`.
""",
    "Tensor.logical_and_": """logical_and_($self, /, other)
--

Whether both elements are true, in place: see `tapegrad.logical_and`.
""",
    "Tensor.logical_not": """logical_not($self, /)
--

Whether each element is false: see `tapegrad.logical_not`.
""",
    "Tensor.logical_not_": """logical_not_($self, /)
--

Whether each element is false, in place: see `tapegrad.logical_not`.
""",
    "Tensor.logical_or": """logical_or($self, /, other)
--

Whether one of two elements is true: see `tapegrad.logical_or`.
""",
    "Tensor.logical_or_": """logical_or_($self, /, other)
--

Whether one of two elements is true, in place: see `tapegrad.logical_or`.
""",
    "Tensor.logical_xor": """logical_xor($self, /, other)
--

Whether just one of two elements is true: see `tapegrad.logical_xor`.
""",
    "Tensor.logical_xor_": """logical_xor_($self, /, other)
--

Whether just one of two elements is true, in place: see `tapegrad.logical_xor`.
""",
    "Tensor.logit": """logit($self, /, eps=None)
--

`log(input / (1 - input))`, of elements kept `eps` from 0 and 1: see `tapegrad.logit`.
""",
    "Tensor.logit_": """logit_($self, /, eps=None)
--

`log(input / (1 - input))`, of elements kept `eps` from 0 and 1, in place: see `tapegrad.logit`.
""",
    "Tensor.logsumexp": """logsumexp($self, /, dim, keepdim=False)
--

`log(sum(exp(input)))` along axes, without overflow: see `tapegrad.logsumexp`.
""",
    "Tensor.long": """long($self, /, memory_format=None)
--

This tensor as `int64`: see `tapegrad.long`.
""",
    "Tensor.lt": """lt($self, /, other)
--

Whether elements are less: `input < other`: see `tapegrad.lt`.
""",
    "Tensor.lt_": """lt_($self, /, other)
--

Whether elements are less: `input < other`, in place: see `tapegrad.lt`.
""",
    "Tensor.map2_": """map2_($self, /, x, y, callable)
--

A Python function of elements of three tensors, over the first, in place (`torch.Tensor.map2_`).
""",
    "Tensor.map_": """map_($self, /, other, callable)
--

A Python function of elements of two tensors, over the first, in place (`torch.Tensor.map_`).
""",
    "Tensor.mask_put_": """mask_put_($self, /, condition, value)
--

, in place (`torch.Tensor.mask_put_`).
""",
    "Tensor.masked_fill": """masked_fill($self, /, mask, value)
--

A copy with `value` where the mask is true: see `tapegrad.masked_fill`.
""",
    "Tensor.masked_fill_": """masked_fill_($self, /, mask, value)
--

A copy with `value` where the mask is true, in place: see `tapegrad.masked_fill`.
""",
    "Tensor.masked_scatter": """masked_scatter($self, /, mask, source)
--

Elements of `source`, in order, where a mask holds (`torch.masked_scatter`).
""",
    "Tensor.masked_select": """masked_select($self, /, mask)
--

The elements where a mask holds, as a vector (`torch.masked_select`).
""",
    "Tensor.matmul": """matmul($self, /, other)
--

The matrix product of the last two axes, batches broadcast (`torch.matmul`).
""",
    "Tensor.matrix_exp": """matrix_exp($self, /)
--

The exponential of square matrices (`torch.linalg.matrix_exp`).
""",
    "Tensor.matrix_power": """matrix_power($self, /, n)
--

A square matrix to a whole power (`torch.linalg.matrix_power`).
""",
    "Tensor.max": """max($self, /, dim=None, keepdim=False, *, other=None)
--

The greatest element; along an axis, with its places; or the greater of two tensors: see `tapegrad.max`.
""",
    "Tensor.maximum": """maximum($self, /, other)
--

The greater of two elements; NaN if one is: see `tapegrad.maximum`.
""",
    "Tensor.mean": """mean($self, /, dim=None, keepdim=False, *, dtype=None)
--

The mean of all elements, or of those along axes: see `tapegrad.mean`.
""",
    "Tensor.median": """median($self, /, dim=None, keepdim=False)
--

The median of all elements; along an axis, with its places: see `tapegrad.median`.
""",
    "Tensor.min": """min($self, /, dim=None, keepdim=False, *, other=None)
--

The least element; along an axis, with its places; or the lesser of two tensors: see `tapegrad.min`.
""",
    "Tensor.minimum": """minimum($self, /, other)
--

The lesser of two elements; NaN if one is: see `tapegrad.minimum`.
""",
    "Tensor.mish": """mish($self, /)
--

`input * tanh(softplus(input))`: see `tapegrad.nn.functional.mish`.
""",
    "Tensor.mish_": """mish_($self, /)
--

`input * tanh(softplus(input))`, in place: see `tapegrad.nn.functional.mish`.
""",
    "Tensor.mm": """mm($self, /, mat2)
--

The product of two matrices: see `tapegrad.mm`.
""",
    "Tensor.mode": """mode($self, /, dim=-1, keepdim=False)
--

The most frequent value of each row (`torch.mode`).
""",
    "Tensor.moveaxis": """moveaxis($self, /, source, destination)
--

Axes moved to other places (`torch.movedim`).
""",
    "Tensor.movedim": """movedim($self, /, source, destination)
--

Axes moved to other places (`torch.movedim`).
""",
    "Tensor.msort": """msort($self, /)
--

The elements in order along the first axis: see `tapegrad.msort`.
""",
    "Tensor.mul": """mul($self, /, other)
--

The product of two tensors, element by element: `input * other`: see `tapegrad.mul`.
""",
    "Tensor.mul_": """mul_($self, /, other)
--

The product of two tensors, element by element: `input * other`, in place: see `tapegrad.mul`.
""",
    "Tensor.multiply": """multiply($self, /, other)
--

The product of two tensors, element by element: `input * other`: see `tapegrad.multiply`.
""",
    "Tensor.multiply_": """multiply_($self, /, other)
--

The product of two tensors, element by element: `input * other`, in place: see `tapegrad.multiply`.
""",
    "Tensor.mv": """mv($self, /, vec)
--

The product of a matrix and a vector: see `tapegrad.mv`.
""",
    "Tensor.mvlgamma": """mvlgamma($self, /, p)
--

The logarithm of the multivariate gamma function (`torch.special.multigammaln`).
""",
    "Tensor.nan_to_num": """nan_to_num($self, /, nan=None, posinf=None, neginf=None)
--

Each element, with numbers instead of NaN and the infinities: see `tapegrad.nan_to_num`.
""",
    "Tensor.nan_to_num_": """nan_to_num_($self, /, nan=None, posinf=None, neginf=None)
--

Each element, with numbers instead of NaN and the infinities, in place: see `tapegrad.nan_to_num`.
""",
    "Tensor.nanmean": """nanmean($self, /, dim=None, keepdim=False, *, dtype=None)
--

The mean of what is not NaN (`torch.nanmean`).
""",
    "Tensor.nanmedian": """nanmedian($self, /, dim=None, keepdim=False)
--

The median of what is not NaN; along an axis, with its places: see `tapegrad.nanmedian`.
""",
    "Tensor.nanquantile": """nanquantile($self, /, q, dim=None, keepdim=False, *, interpolation='linear')
--

quantile of what is not NaN (`torch.nanquantile`).
""",
    "Tensor.nansum": """nansum($self, /, dim=None, keepdim=False, *, dtype=None)
--

The sum of all elements, or of those along axes, NaN counting as zero: see `tapegrad.nansum`.
""",
    "Tensor.narrow": """narrow($self, /, dim, start, length)
--

A stretch along an axis (`torch.narrow`).
""",
    "Tensor.narrow_copy": """narrow_copy($self, /, dim, start, length)
--

A copy of a stretch along an axis (`torch.narrow_copy`).
""",
    "Tensor.ne": """ne($self, /, other)
--

Whether elements differ: `input != other`: see `tapegrad.ne`.
""",
    "Tensor.ne_": """ne_($self, /, other)
--

Whether elements differ: `input != other`, in place: see `tapegrad.ne`.
""",
    "Tensor.neg": """neg($self, /)
--

The negative of each element: `-input`: see `tapegrad.neg`.
""",
    "Tensor.neg_": """neg_($self, /)
--

The negative of each element: `-input`, in place: see `tapegrad.neg`.
""",
    "Tensor.negative": """negative($self, /)
--

The negative of each element: `-input`: see `tapegrad.negative`.
""",
    "Tensor.negative_": """negative_($self, /)
--

The negative of each element: `-input`, in place: see `tapegrad.negative`.
""",
    "Tensor.new": """new($self, /, *args)
--

A tensor of this dtype: of a shape, or of data (`torch.Tensor.new`).
""",
    "Tensor.nextafter": """nextafter($self, /, other)
--

The number next to `input` on the way to `other`: see `tapegrad.nextafter`.
""",
    "Tensor.nextafter_": """nextafter_($self, /, other)
--

The number next to `input` on the way to `other`, in place: see `tapegrad.nextafter`.
""",
    "Tensor.nonzero": """nonzero($self, /, *, as_tuple=False)
--

The positions of elements that are not zero (`torch.nonzero`).
""",
    "Tensor.norm": """norm($self, /, p='fro', dim=None, keepdim=False, dtype=None)
--

A vector norm, or for `p="nuc"` a matrix norm (`torch.norm`).
""",
    "Tensor.not_equal": """not_equal($self, /, other)
--

Whether elements differ: `input != other`: see `tapegrad.not_equal`.
""",
    "Tensor.not_equal_": """not_equal_($self, /, other)
--

Whether elements differ: `input != other`, in place: see `tapegrad.not_equal`.
""",
    "Tensor.outer": """outer($self, /, vec2)
--

Every product of two vectors' elements (`torch.outer`).
""",
    "Tensor.permute": """permute($self, /, dims)
--

Axes in another order (`torch.permute`).
""",
    "Tensor.pinverse": """pinverse($self, /, rcond=1e-15)
--

The pseudo-inverse (`torch.pinverse`).
""",
    "Tensor.pixel_shuffle": """pixel_shuffle($self, /, upscale_factor)
--

Channels spread over finer rows and columns (`torch.nn.functional.pixel_shuffle`).
""",
    "Tensor.pixel_unshuffle": """pixel_unshuffle($self, /, downscale_factor)
--

Blocks of rows and columns as channels (`torch.nn.functional.pixel_unshuffle`).
""",
    "Tensor.polygamma": """polygamma($self, /, n)
--

The n-th derivative of the digamma function: see `tapegrad.polygamma`.
""",
    "Tensor.polygamma_": """polygamma_($self, /, n)
--

The n-th derivative of the digamma function, in place: see `tapegrad.polygamma`.
""",
    "Tensor.positive": """positive($self, /)
--

The tensor itself (`torch.positive`).
""",
    "Tensor.pow": """pow($self, /, exponent)
--

Each element to a power: `input ** exponent`: see `tapegrad.pow`.
""",
    "Tensor.pow_": """pow_($self, /, exponent)
--

Each element to a power: `input ** exponent`, in place: see `tapegrad.pow`.
""",
    "Tensor.prelu": """prelu($self, /, weight)
--

Leaky ReLU with a slope a channel (`torch.nn.functional.prelu`).
""",
    "Tensor.prod": """prod($self, /, dim=None, keepdim=False, *, dtype=None)
--

The product of all elements, or of those along an axis: see `tapegrad.prod`.
""",
    "Tensor.put": """put($self, /, index, source, accumulate=False)
--

Elements written at positions in the flattened tensor (`torch.put`).
""",
    "Tensor.put_add_": """put_add_($self, /, value, *indices, form, wrap)
--

, in place (`torch.Tensor.put_add_`).
""",
    "Tensor.quantile": """quantile($self, /, q, dim=None, keepdim=False, *, interpolation='linear')
--

Values below which given shares of a row lie (`torch.quantile`).
""",
    "Tensor.rad2deg": """rad2deg($self, /)
--

Radians as degrees: see `tapegrad.rad2deg`.
""",
    "Tensor.rad2deg_": """rad2deg_($self, /)
--

Radians as degrees, in place: see `tapegrad.rad2deg`.
""",
    "Tensor.ravel": """ravel($self, /)
--

All elements along one axis: see `tapegrad.ravel`.
""",
    "Tensor.reciprocal": """reciprocal($self, /)
--

One over each element: `1 / input`: see `tapegrad.reciprocal`.
""",
    "Tensor.reciprocal_": """reciprocal_($self, /)
--

One over each element: `1 / input`, in place: see `tapegrad.reciprocal`.
""",
    "Tensor.relu": """relu($self, /)
--

Each element, or zero where it is negative: see `tapegrad.relu`.
""",
    "Tensor.relu_": """relu_($self, /)
--

Each element, or zero where it is negative, in place: see `tapegrad.relu`.
""",
    "Tensor.remainder": """remainder($self, /, other)
--

The remainder of a division that is rounded down; it has the sign of `other`: `input % other`: see `tapegrad.remainder`.
""",
    "Tensor.remainder_": """remainder_($self, /, other)
--

The remainder of a division that is rounded down; it has the sign of `other`: `input % other`, in place: see `tapegrad.remainder`.
""",
    "Tensor.renorm": """renorm($self, /, p, dim, maxnorm)
--

Slices along an axis scaled down to a norm of at most `maxnorm` (`torch.renorm`).
""",
    "Tensor.repeat": """repeat($self, /, repeats)
--

Copies side by side (`torch.Tensor.repeat`).
""",
    "Tensor.repeat_interleave": """repeat_interleave($self, /, repeats, dim=None, *, output_size=None)
--

Each slice repeated in place (`torch.repeat_interleave`); of `repeats` alone, its places repeated.
""",
    "Tensor.reshape": """reshape($self, /, shape)
--

The same elements in another shape; a view where it can be (`torch.reshape`).
""",
    "Tensor.reshape_as": """reshape_as($self, /, other)
--

The same elements in the shape of another tensor (`torch.Tensor.reshape_as`).
""",
    "Tensor.resolve_conj": """resolve_conj($self, /)
--

The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).
""",
    "Tensor.resolve_neg": """resolve_neg($self, /)
--

The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).
""",
    "Tensor.right_shift_": """right_shift_($self, /, other)
--

Bits moved to the right: `input >> other`, in place (`torch.Tensor.right_shift_`).
""",
    "Tensor.roll": """roll($self, /, shifts, dims=())
--

Elements moved along axes, coming in again at the other end (`torch.roll`).
""",
    "Tensor.rot90": """rot90($self, /, k=1, dims=(0, 1))
--

A quarter turn, `k` times (`torch.rot90`).
""",
    "Tensor.round": """round($self, /, *, decimals=None)
--

Each element rounded to `decimals` places, halves to even numbers: see `tapegrad.round`.
""",
    "Tensor.round_": """round_($self, /, *, decimals=None)
--

Each element rounded to `decimals` places, halves to even numbers, in place: see `tapegrad.round`.
""",
    "Tensor.rsqrt": """rsqrt($self, /)
--

One over the square root of each element: see `tapegrad.rsqrt`.
""",
    "Tensor.rsqrt_": """rsqrt_($self, /)
--

One over the square root of each element, in place: see `tapegrad.rsqrt`.
""",
    "Tensor.scatter": """scatter($self, /, dim, index, src=None, *, reduce=None, value=None)
--

A copy with elements replaced, along an axis, where an index says: see `tapegrad.scatter`.
""",
    "Tensor.scatter_": """scatter_($self, /, dim, index, src=None, *, reduce=None, value=None)
--

A copy with elements replaced, along an axis, where an index says, in place: see `tapegrad.scatter`.
""",
    "Tensor.scatter_add": """scatter_add($self, /, dim, index, src)
--

Elements added at given positions along an axis (`torch.scatter_add`).
""",
    "Tensor.scatter_add_": """scatter_add_($self, /, dim, index, src)
--

A copy with elements added, along an axis, where an index says, in place: see `tapegrad.scatter_add`.
""",
    "Tensor.scatter_amax_": """scatter_amax_($self, /, value, *indices, form, wrap)
--

, in place (`torch.Tensor.scatter_amax_`).
""",
    "Tensor.scatter_amin_": """scatter_amin_($self, /, value, *indices, form, wrap)
--

, in place (`torch.Tensor.scatter_amin_`).
""",
    "Tensor.scatter_multiply_": """scatter_multiply_($self, /, value, *indices, form, wrap)
--

, in place (`torch.Tensor.scatter_multiply_`).
""",
    "Tensor.scatter_reduce": """scatter_reduce($self, /, dim, index, src, reduce, *, include_self=True)
--

Elements combined at given positions along an axis (`torch.scatter_reduce`).
""",
    "Tensor.scatter_value_": """scatter_value_($self, /, value, *indices, form, wrap)
--

, in place (`torch.Tensor.scatter_value_`).
""",
    "Tensor.select": """select($self, /, dim, index)
--

One position along an axis, which goes away (`torch.select`).
""",
    "Tensor.select_scatter": """select_scatter($self, /, src, dim, index)
--

A copy with one slice replaced (`torch.select_scatter`).
""",
    "Tensor.sgn": """sgn($self, /)
--

The sign of each element: -1, 0 or 1: see `tapegrad.sgn`.
""",
    "Tensor.sgn_": """sgn_($self, /)
--

The sign of each element: -1, 0 or 1, in place: see `tapegrad.sgn`.
""",
    "Tensor.short": """short($self, /, memory_format=None)
--

This tensor as `int16`: see `tapegrad.short`.
""",
    "Tensor.sigmoid": """sigmoid($self, /)
--

`1 / (1 + exp(-input))`: see `tapegrad.sigmoid`.
""",
    "Tensor.sigmoid_": """sigmoid_($self, /)
--

`1 / (1 + exp(-input))`, in place: see `tapegrad.sigmoid`.
""",
    "Tensor.sign": """sign($self, /)
--

The sign of each element: -1, 0 or 1: see `tapegrad.sign`.
""",
    "Tensor.sign_": """sign_($self, /)
--

The sign of each element: -1, 0 or 1, in place: see `tapegrad.sign`.
""",
    "Tensor.signbit": """signbit($self, /)
--

Whether the sign of each element is minus, that of zeros included: see `tapegrad.signbit`.
""",
    "Tensor.silu": """silu($self, /)
--

`input * sigmoid(input)`: see `tapegrad.nn.functional.silu`.
""",
    "Tensor.silu_": """silu_($self, /)
--

`input * sigmoid(input)`, in place: see `tapegrad.nn.functional.silu`.
""",
    "Tensor.sin": """sin($self, /)
--

The sine of each element: see `tapegrad.sin`.
""",
    "Tensor.sin_": """sin_($self, /)
--

The sine of each element, in place: see `tapegrad.sin`.
""",
    "Tensor.sinc": """sinc($self, /)
--

`sin(pi * input) / (pi * input)`, and 1 at zero: see `tapegrad.sinc`.
""",
    "Tensor.sinc_": """sinc_($self, /)
--

`sin(pi * input) / (pi * input)`, and 1 at zero, in place: see `tapegrad.sinc`.
""",
    "Tensor.sinh": """sinh($self, /)
--

The hyperbolic sine of each element: see `tapegrad.sinh`.
""",
    "Tensor.sinh_": """sinh_($self, /)
--

The hyperbolic sine of each element, in place: see `tapegrad.sinh`.
""",
    "Tensor.slice_scatter": """slice_scatter($self, /, src, dim=0, start=None, end=None, step=1)
--

A copy with a stretch replaced (`torch.slice_scatter`).
""",
    "Tensor.slogdet": """slogdet($self, /)
--

Sign and logarithm of the determinant (`torch.linalg.slogdet`).
""",
    "Tensor.softmax": """softmax($self, /, dim, dtype=None)
--

Exponentials along an axis, scaled so that they add up to one: see `tapegrad.softmax`.
""",
    "Tensor.softplus": """softplus($self, /, beta=1.0, threshold=20.0)
--

`log(1 + exp(beta * input)) / beta`; the element itself above `threshold`: see `tapegrad.nn.functional.softplus`.
""",
    "Tensor.softshrink": """softshrink($self, /, lambd=0.5)
--

Each element moved by `lambd` towards zero: see `tapegrad.nn.functional.softshrink`.
""",
    "Tensor.sort": """sort($self, /, dim=-1, descending=False, *, stable=None)
--

Values in order, and where they were (`torch.sort`).

Called as

    sort(*, stable, dim=-1, descending=False)
    sort(dim=-1, descending=False)
""",
    "Tensor.split": """split($self, /, split_size, dim=0)
--

Pieces of equal or given lengths along an axis (`torch.split`).
""",
    "Tensor.split_with_sizes": """split_with_sizes($self, /, split_sizes, dim=0)
--

Pieces of given lengths along an axis: see `tapegrad.split_with_sizes`.
""",
    "Tensor.sqrt": """sqrt($self, /)
--

The square root of each element: see `tapegrad.sqrt`.
""",
    "Tensor.sqrt_": """sqrt_($self, /)
--

The square root of each element, in place: see `tapegrad.sqrt`.
""",
    "Tensor.square": """square($self, /)
--

The square of each element: `input * input`: see `tapegrad.square`.
""",
    "Tensor.square_": """square_($self, /)
--

The square of each element: `input * input`, in place: see `tapegrad.square`.
""",
    "Tensor.squeeze": """squeeze($self, /, dim=None)
--

Axes of size one left out (`torch.squeeze`).

Called as

    squeeze()
    squeeze(dim)
    squeeze(dim)
""",
    "Tensor.squeeze_": """squeeze_($self, /, dim=None)
--

Axes of length one left out, in place: see `tapegrad.squeeze`.
""",
    "Tensor.std": """std($self, /, dim=None, unbiased=True, keepdim=False, *, correction=None)
--

The standard deviation of all elements, or of those along axes: see `tapegrad.std`.
""",
    "Tensor.std_mean": """std_mean($self, /, dim=None, unbiased=True, keepdim=False, *, correction=None)
--

The standard deviation and the mean: see `tapegrad.std_mean`.
""",
    "Tensor.sub": """sub($self, /, other, *, alpha=1)
--

The difference of two tensors, the second times `alpha`: `input - alpha * other`: see `tapegrad.sub`.
""",
    "Tensor.sub_": """sub_($self, /, other, *, alpha=1)
--

The difference of two tensors, the second times `alpha`: `input - alpha * other`, in place: see `tapegrad.sub`.
""",
    "Tensor.subtract": """subtract($self, /, other, alpha=1)
--

The difference of two tensors, the second times `alpha`: `input - alpha * other`: see `tapegrad.subtract`.
""",
    "Tensor.subtract_": """subtract_($self, /, other, alpha=1)
--

The difference of two tensors, the second times `alpha`: `input - alpha * other`, in place: see `tapegrad.subtract`.
""",
    "Tensor.sum": """sum($self, /, dim=None, keepdim=False, *, dtype=None)
--

The sum of all elements, or of those along axes: see `tapegrad.sum`.
""",
    "Tensor.sum_to_size": """sum_to_size($self, /, size)
--

Summed to a shape that broadcasts to this one (`torch.Tensor.sum_to_size`).
""",
    "Tensor.svd": """svd($self, /, some=True, compute_uv=True)
--

U, S and V with input = U diag(S) Vᵀ (`torch.svd`).
""",
    "Tensor.swapaxes": """swapaxes($self, /, axis0, axis1)
--

Two axes exchanged: see `tapegrad.swapaxes`.
""",
    "Tensor.swapaxes_": """swapaxes_($self, /, axis0, axis1)
--

Two axes exchanged, in place: see `tapegrad.swapaxes`.
""",
    "Tensor.swapdims": """swapdims($self, /, dim0, dim1)
--

Two axes exchanged: see `tapegrad.swapdims`.
""",
    "Tensor.swapdims_": """swapdims_($self, /, dim0, dim1)
--

Two axes exchanged, in place: see `tapegrad.swapdims`.
""",
    "Tensor.t": """t($self, /)
--

A matrix transposed (`torch.t`).
""",
    "Tensor.t_": """t_($self, /)
--

A matrix with rows and columns exchanged, in place: see `tapegrad.t`.
""",
    "Tensor.take": """take($self, /, index)
--

Elements at positions in the flattened tensor (`torch.take`).
""",
    "Tensor.take_along_dim": """take_along_dim($self, /, indices, dim=None)
--

gather with broadcasting (`torch.take_along_dim`).
""",
    "Tensor.tan": """tan($self, /)
--

The tangent of each element: see `tapegrad.tan`.
""",
    "Tensor.tan_": """tan_($self, /)
--

The tangent of each element, in place: see `tapegrad.tan`.
""",
    "Tensor.tanh": """tanh($self, /)
--

The hyperbolic tangent of each element: see `tapegrad.tanh`.
""",
    "Tensor.tanh_": """tanh_($self, /)
--

The hyperbolic tangent of each element, in place: see `tapegrad.tanh`.
""",
    "Tensor.tensor_split": """tensor_split($self, /, tensor_indices_or_sections=None, dim=0, *, sections=None, indices=None)
--

Nearly equal pieces, or pieces that end at given places (`torch.tensor_split`).

Called as

    tensor_split(tensor_indices_or_sections, dim=0)
    tensor_split(sections, dim=0)
    tensor_split(indices, dim=0)
""",
    "Tensor.threshold": """threshold($self, /, threshold, value)
--

Each element, or `value` where it is not above `threshold`: see `tapegrad.threshold`.
""",
    "Tensor.threshold_": """threshold_($self, /, threshold, value)
--

Each element, or `value` where it is not above `threshold`, in place: see `tapegrad.threshold`.
""",
    "Tensor.tile": """tile($self, /, dims)
--

repeat with missing leading counts (`torch.tile`).
""",
    "Tensor.to": """to($self, /, device=None, dtype=None, non_blocking=False, copy=False, *, memory_format=None, other=None)
--

This tensor as another dtype; itself when nothing changes (`torch.Tensor.to`).

>>> import tapegrad
>>> tapegrad.ones(2).to(tapegrad.int64)
tensor([1, 1])

Called as

    to(dtype, non_blocking=False, copy=False, *, memory_format=None)
    to(other, non_blocking=False, copy=False, *, memory_format=None)
    to(device=None, dtype=None, non_blocking=False, copy=False, *, memory_format=None)
""",
    "Tensor.topk": """topk($self, /, k, dim=-1, largest=True, sorted=True)
--

The `k` largest or smallest values, in order (`torch.topk`).
""",
    "Tensor.trace": """trace($self, /)
--

The sum of a matrix's diagonal (`torch.trace`).
""",
    "Tensor.transpose": """transpose($self, /, dim0, dim1)
--

Two axes swapped (`torch.transpose`).
""",
    "Tensor.transpose_": """transpose_($self, /, dim0, dim1)
--

Two axes exchanged, in place: see `tapegrad.transpose`.
""",
    "Tensor.tril": """tril($self, /, diagonal=0)
--

A matrix's lower triangle, zeros above: see `tapegrad.tril`.
""",
    "Tensor.tril_": """tril_($self, /, diagonal=0)
--

A matrix's lower triangle, zeros above, in place: see `tapegrad.tril`.
""",
    "Tensor.triu": """triu($self, /, diagonal=0)
--

A matrix's upper triangle, zeros below: see `tapegrad.triu`.
""",
    "Tensor.triu_": """triu_($self, /, diagonal=0)
--

A matrix's upper triangle, zeros below, in place: see `tapegrad.triu`.
""",
    "Tensor.true_divide": """true_divide($self, /, other)
--

The quotient of two tensors, without rounding: `input / other`: see `tapegrad.true_divide`.
""",
    "Tensor.true_divide_": """true_divide_($self, /, other)
--

The quotient of two tensors, without rounding: `input / other`, in place: see `tapegrad.true_divide`.
""",
    "Tensor.trunc": """trunc($self, /)
--

Each element without its fraction: see `tapegrad.trunc`.
""",
    "Tensor.trunc_": """trunc_($self, /)
--

Each element without its fraction, in place: see `tapegrad.trunc`.
""",
    "Tensor.trunc_divide_": """trunc_divide_($self, /, other)
--

, in place (`torch.Tensor.trunc_divide_`).
""",
    "Tensor.type_as": """type_as($self, /, other)
--

This tensor in the dtype of another (`torch.Tensor.type_as`).
""",
    "Tensor.unbind": """unbind($self, /, dim=0)
--

The slices along an axis (`torch.unbind`).
""",
    "Tensor.unflatten": """unflatten($self, /, dim, sizes)
--

An axis split into several (`torch.unflatten`).
""",
    "Tensor.unfold": """unfold($self, /, dimension, size, step)
--

Overlapping stretches along an axis, as a last axis (`torch.Tensor.unfold`).
""",
    "Tensor.unique": """unique($self, /, sorted=True, return_inverse=False, return_counts=False, dim=None)
--

Distinct elements, or distinct slices along `dim` (`torch.unique`).
""",
    "Tensor.unique_consecutive": """unique_consecutive($self, /, return_inverse=False, return_counts=False, dim=None)
--

The first of each run of equal elements, or equal slices (`torch.unique_consecutive`).
""",
    "Tensor.unsafe_chunk": """unsafe_chunk($self, /, chunks, dim=0)
--

At most `chunks` pieces of equal length (`torch.chunk`).
""",
    "Tensor.unsafe_split": """unsafe_split($self, /, split_size, dim=0)
--

Pieces of equal or given lengths along an axis (`torch.split`).
""",
    "Tensor.unsqueeze": """unsqueeze($self, /, dim)
--

An axis of size one put in (`torch.unsqueeze`).
""",
    "Tensor.unsqueeze_": """unsqueeze_($self, /, dim)
--

An axis of length one inserted, in place: see `tapegrad.unsqueeze`.
""",
    "Tensor.var": """var($self, /, dim=None, unbiased=True, keepdim=False, *, correction=None)
--

The variance of all elements, or of those along axes: see `tapegrad.var`.
""",
    "Tensor.var_mean": """var_mean($self, /, dim=None, unbiased=True, keepdim=False, *, correction=None)
--

The variance and the mean: see `tapegrad.var_mean`.
""",
    "Tensor.vdot": """vdot($self, /, other)
--

The inner product of two vectors: see `tapegrad.vdot`.
""",
    "Tensor.view": """view($self, /, dtype=None, *, size=None)
--

The same memory in another shape, or read as another dtype (`torch.Tensor.view`).

>>> import tapegrad
>>> x = tapegrad.arange(4.0); x.view(2, -1)
tensor([[0., 1.],
        [2., 3.]])
>>> x.view(tapegrad.int32)[2]
tensor(1073741824, dtype=torch.int32)

`view(dtype)` has no gradient. Where the sizes of elements differ, the last axis shrinks or grows; RuntimeError
says which size, stride or offset stands in the way.

Called as

    view(dtype)
    view(size)
""",
    "Tensor.view_as": """view_as($self, /, other)
--

The same memory in the shape of another tensor (`torch.Tensor.view_as`).
""",
    "Tensor.vsplit": """vsplit($self, /, sections=None, *, indices=None)
--

Pieces along the first axis: see `tapegrad.vsplit`.
""",
    "Tensor.where": """where($self, /, condition, other)
--

Elements of `input` where a condition holds, of `other` elsewhere: see `tapegrad.where`.
""",
    "Tensor.xlogy": """xlogy($self, /, other)
--

`input * log(other)`, and zero where `input` is: see `tapegrad.xlogy`.
""",
    "Tensor.xlogy_": """xlogy_($self, /, other)
--

`input * log(other)`, and zero where `input` is, in place: see `tapegrad.xlogy`.
""",
    "Tensor.zero_": """zero_($self, /)
--

Zeros over what is there, in place (`torch.Tensor.zero_`).
""",
    "abs": """abs(input, *, out=None)
--

The absolute value of each element: `|input|` (`torch.abs`).

>>> torch.abs(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "abs_": """abs_(input)
--

The absolute value of each element: `|input|`, in place (`torch.abs_`).

>>> torch.abs_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "absolute": """absolute(input, *, out=None)
--

The absolute value of each element: `|input|` (`torch.absolute`).

>>> torch.absolute(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "acos": """acos(input, *, out=None)
--

The angle whose cosine each element is (`torch.acos`).

>>> torch.acos(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.3181, 1.0472, 0.0000])
""",
    "acos_": """acos_(input)
--

The angle whose cosine each element is, in place (`torch.acos_`).

>>> torch.acos_(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.3181, 1.0472, 0.0000])
""",
    "acosh": """acosh(input, *, out=None)
--

The inverse hyperbolic cosine of each element (`torch.acosh`).

>>> torch.acosh(torch.tensor([0.25, 0.5, 1.0]))
tensor([nan, nan, 0.])
""",
    "acosh_": """acosh_(input)
--

The inverse hyperbolic cosine of each element, in place (`torch.acosh_`).

>>> torch.acosh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([nan, nan, 0.])
""",
    "adaptive_avg_pool1d": """adaptive_avg_pool1d(input, output_size)
--

Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool1d`).

>>> torch.adaptive_avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
tensor([[1.5000],
        [3.5000]])
""",
    "adaptive_max_pool1d": """adaptive_max_pool1d(input, output_size)
--

`adaptive_max_pool1d`, with the places of its values.

>>> torch.adaptive_max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
(tensor([[2.],
        [4.]]), tensor([[1],
        [1]]))
""",
    "add": """add(input, other, *, alpha=1, out=None)
--

The sum of two tensors, the second times `alpha`: `input + alpha * other` (`torch.add`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.add(x, x)
tensor([0.5000, 1.0000, 2.0000])
""",
    "addbmm": """addbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None)
--

Products of matrices summed over a batch, and added: `beta * input + alpha * (batch1 @ batch2).sum(0)` (`torch.addbmm`).

>>> torch.addbmm(torch.ones(1, 1), torch.ones(2, 1, 3), torch.ones(2, 3, 1))
tensor([[7.]])
""",
    "addcdiv": """addcdiv(input, tensor1, tensor2, *, value=1, out=None)
--

A quotient added: `input + value * tensor1 / tensor2` (`torch.addcdiv`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.addcdiv(x, x, x)
tensor([1.2500, 1.5000, 2.0000])
""",
    "addcmul": """addcmul(input, tensor1, tensor2, *, value=1, out=None)
--

A product added: `input + value * tensor1 * tensor2` (`torch.addcmul`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.addcmul(x, x, x)
tensor([0.3125, 0.7500, 2.0000])
""",
    "addmm": """addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None)
--

A product of matrices added: `beta * input + alpha * mat1 @ mat2` (`torch.addmm`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.addmm(x, x, x)
tensor([[ 8., 12.],
        [18., 26.]])
""",
    "addmv": """addmv(input, mat, vec, *, beta=1, alpha=1, out=None)
--

A product of a matrix and a vector added: `beta * input + alpha * mat @ vec` (`torch.addmv`).

>>> torch.addmv(torch.ones(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
tensor([22., 44.])
""",
    "addr": """addr(input, vec1, vec2, *, beta=1, alpha=1, out=None)
--

`beta * input + alpha * outer` (`torch.addr`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.addr(x, x, x)
tensor([[0.3125, 0.6250, 1.2500],
        [0.3750, 0.7500, 1.5000],
        [0.5000, 1.0000, 2.0000]])
""",
    "adjoint": """adjoint(input)
--

Matrices with rows and columns exchanged (`torch.adjoint`).

>>> torch.adjoint(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[1., 3.],
        [2., 4.]])
""",
    "all": """all(input, dim=None, keepdim=False, *, out=None)
--

Whether all elements are true, or all along axes (`torch.all`).

>>> torch.all(torch.tensor([0.25, 0.5, 1.0]))
tensor(True)
""",
    "allclose": """allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)
--

Whether all elements are close (`torch.allclose`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.allclose(x, x)
True
""",
    "alpha_dropout": """alpha_dropout(input, p, train)
--

Elements set to zero at random (`torch.alpha_dropout`).

>>> torch.alpha_dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
tensor([0.2500, 0.5000, 1.0000])
""",
    "amax": """amax(input, dim=(), keepdim=False, *, out=None)
--

The greatest element along axes; equals share the gradient (`torch.amax`).

>>> torch.amax(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.)
""",
    "amin": """amin(input, dim=(), keepdim=False, *, out=None)
--

The least element along axes; equals share the gradient (`torch.amin`).

>>> torch.amin(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.2500)
""",
    "aminmax": """aminmax(input, *, dim=None, keepdim=False, out=None)
--

Both extremes (`torch.aminmax`).

>>> torch.aminmax(torch.tensor([0.25, 0.5, 1.0]))
torch.return_types.aminmax(
min=tensor(0.2500),
max=tensor(1.))
""",
    "angle": """angle(input, *, out=None)
--

 (`torch.angle`).

>>> torch.angle(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 0.])
""",
    "any": """any(input, dim=None, keepdim=False, *, out=None)
--

Whether some element is true, or some along axes (`torch.any`).

>>> torch.any(torch.tensor([0.25, 0.5, 1.0]))
tensor(True)
""",
    "arccos": """arccos(input, *, out=None)
--

The angle whose cosine each element is (`torch.arccos`).

>>> torch.arccos(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.3181, 1.0472, 0.0000])
""",
    "arccosh": """arccosh(input, *, out=None)
--

The inverse hyperbolic cosine of each element (`torch.arccosh`).

>>> torch.arccosh(torch.tensor([0.25, 0.5, 1.0]))
tensor([nan, nan, 0.])
""",
    "arcsin": """arcsin(input, *, out=None)
--

The angle whose sine each element is (`torch.arcsin`).

>>> torch.arcsin(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2527, 0.5236, 1.5708])
""",
    "arcsinh": """arcsinh(input, *, out=None)
--

The inverse hyperbolic sine of each element (`torch.arcsinh`).

>>> torch.arcsinh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2475, 0.4812, 0.8814])
""",
    "arctan": """arctan(input, *, out=None)
--

The angle whose tangent each element is (`torch.arctan`).

>>> torch.arctan(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2450, 0.4636, 0.7854])
""",
    "arctan2": """arctan2(input, other, *, out=None)
--

The angle of the point (`other`, `input`), in all four quadrants (`torch.arctan2`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.arctan2(x, x)
tensor([0.7854, 0.7854, 0.7854])
""",
    "arctanh": """arctanh(input, *, out=None)
--

The inverse hyperbolic tangent of each element (`torch.arctanh`).

>>> torch.arctanh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2554, 0.5493,    inf])
""",
    "argmax": """argmax(input, dim=None, keepdim=False, *, out=None)
--

The place of the greatest element, of all or along an axis (`torch.argmax`).

>>> torch.argmax(torch.tensor([0.25, 0.5, 1.0]))
tensor(2)
""",
    "argmin": """argmin(input, dim=None, keepdim=False, *, out=None)
--

The place of the least element, of all or along an axis (`torch.argmin`).

>>> torch.argmin(torch.tensor([0.25, 0.5, 1.0]))
tensor(0)
""",
    "argsort": """argsort(input, dim=-1, descending=False, *, stable=None, out=None)
--

The places of the elements in order (`torch.argsort`).

Called as

    argsort(input, *, stable, dim=-1, descending=False, out=None)
    argsort(input, dim=-1, descending=False)

>>> torch.argsort(torch.tensor([0.25, 0.5, 1.0]))
tensor([0, 1, 2])
""",
    "argwhere": """argwhere(input)
--

The indices of what is not zero, a row each (`torch.argwhere`).

>>> torch.argwhere(torch.tensor([0.25, 0.5, 1.0]))
tensor([[0],
        [1],
        [2]])
""",
    "as_strided": """as_strided(input, size, stride, storage_offset=None)
--

The memory of a tensor read with other sizes, strides and start (`torch.as_strided`).

>>> torch.as_strided(torch.tensor([0.25, 0.5, 1.0]), (2, 2), (1, 1))
tensor([[0.2500, 0.5000],
        [0.5000, 1.0000]])
""",
    "as_strided_scatter": """as_strided_scatter(input, src, size, stride, storage_offset=None)
--

A copy with what `as_strided` would look at replaced (`torch.as_strided_scatter`).

>>> torch.as_strided_scatter(torch.zeros(2, 2), torch.tensor([7.0, 8.0]), (2,), (3,))
tensor([[7., 0.],
        [0., 8.]])
""",
    "asin": """asin(input, *, out=None)
--

The angle whose sine each element is (`torch.asin`).

>>> torch.asin(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2527, 0.5236, 1.5708])
""",
    "asin_": """asin_(input)
--

The angle whose sine each element is, in place (`torch.asin_`).

>>> torch.asin_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2527, 0.5236, 1.5708])
""",
    "asinh": """asinh(input, *, out=None)
--

The inverse hyperbolic sine of each element (`torch.asinh`).

>>> torch.asinh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2475, 0.4812, 0.8814])
""",
    "asinh_": """asinh_(input)
--

The inverse hyperbolic sine of each element, in place (`torch.asinh_`).

>>> torch.asinh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2475, 0.4812, 0.8814])
""",
    "atan": """atan(input, *, out=None)
--

The angle whose tangent each element is (`torch.atan`).

>>> torch.atan(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2450, 0.4636, 0.7854])
""",
    "atan2": """atan2(input, other, *, out=None)
--

The angle of the point (`other`, `input`), in all four quadrants (`torch.atan2`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.atan2(x, x)
tensor([0.7854, 0.7854, 0.7854])
""",
    "atan_": """atan_(input)
--

The angle whose tangent each element is, in place (`torch.atan_`).

>>> torch.atan_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2450, 0.4636, 0.7854])
""",
    "atanh": """atanh(input, *, out=None)
--

The inverse hyperbolic tangent of each element (`torch.atanh`).

>>> torch.atanh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2554, 0.5493,    inf])
""",
    "atanh_": """atanh_(input)
--

The inverse hyperbolic tangent of each element, in place (`torch.atanh_`).

>>> torch.atanh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2554, 0.5493,    inf])
""",
    "atleast_1d": """atleast_1d(*tensors)
--

Tensors with at least one axis (`torch.atleast_1d`).

>>> torch.atleast_1d()
()
""",
    "atleast_2d": """atleast_2d(*tensors)
--

Tensors with at least two axes (`torch.atleast_2d`).

>>> torch.atleast_2d()
()
""",
    "atleast_3d": """atleast_3d(*tensors)
--

Tensors with at least three axes (`torch.atleast_3d`).

>>> torch.atleast_3d()
()
""",
    "avg_pool1d": """avg_pool1d(input, kernel_size, stride=(), padding=0, ceil_mode=False, count_include_pad=True)
--

The mean of every window (`torch.nn.functional.avg_pool1d`).

>>> torch.avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
tensor([[1.5000],
        [3.5000]])
""",
    "baddbmm": """baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None)
--

Products of a batch of matrices added: `beta * input + alpha * batch1 @ batch2` (`torch.baddbmm`).

>>> x = torch.ones(1, 2, 2)
>>> torch.baddbmm(x, x, x)
tensor([[[3., 3.],
         [3., 3.]]])
""",
    "bilinear": """bilinear(input1, input2, weight, bias=None)
--

x₁ᵀ W x₂ for every matrix W (`torch.nn.functional.bilinear`).

>>> torch.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(1, 2, 3))
tensor([[6.]])
""",
    "bincount": """bincount(input, weights=None, minlength=0)
--

How often each number occurs (`torch.bincount`).

>>> torch.bincount(torch.tensor([1, 2, 3]))
tensor([0, 1, 1, 1])
""",
    "bitwise_and": """bitwise_and(input, other, *, out=None)
--

The bits that are set in both: `input & other` (`torch.bitwise_and`).

>>> x = torch.tensor([1, 2, 3])
>>> torch.bitwise_and(x, x)
tensor([1, 2, 3])
""",
    "bitwise_left_shift": """bitwise_left_shift(input, other, *, out=None)
--

Bits moved to the left: `input << other` (`torch.bitwise_left_shift`).

>>> x = torch.tensor([1, 2, 3])
>>> torch.bitwise_left_shift(x, x)
tensor([ 2,  8, 24])
""",
    "bitwise_not": """bitwise_not(input, *, out=None)
--

Each bit turned over: `~input` (`torch.bitwise_not`).

>>> torch.bitwise_not(torch.tensor([1, 2, 3]))
tensor([-2, -3, -4])
""",
    "bitwise_or": """bitwise_or(input, other, *, out=None)
--

The bits that are set in one of both: `input | other` (`torch.bitwise_or`).

>>> x = torch.tensor([1, 2, 3])
>>> torch.bitwise_or(x, x)
tensor([1, 2, 3])
""",
    "bitwise_right_shift": """bitwise_right_shift(input, other, *, out=None)
--

Bits moved to the right: `input >> other` (`torch.bitwise_right_shift`).

>>> x = torch.tensor([1, 2, 3])
>>> torch.bitwise_right_shift(x, x)
tensor([0, 0, 0])
""",
    "bitwise_xor": """bitwise_xor(input, other, *, out=None)
--

The bits that are set in just one of both: `input ^ other` (`torch.bitwise_xor`).

>>> x = torch.tensor([1, 2, 3])
>>> torch.bitwise_xor(x, x)
tensor([0, 0, 0])
""",
    "block_diag": """block_diag(*tensors)
--

Matrices along a diagonal (`torch.block_diag`).

>>> torch.block_diag(torch.ones(1, 2), torch.ones(1, 1))
tensor([[1., 1., 0.],
        [0., 0., 1.]])
""",
    "bmm": """bmm(input, mat2, *, out=None)
--

The products of two batches of matrices (`torch.bmm`).

>>> x = torch.ones(1, 2, 2)
>>> torch.bmm(x, x)
tensor([[[2., 2.],
         [2., 2.]]])
""",
    "broadcast_shapes": """broadcast_shapes(*shapes)
--

The shape that shapes broadcast to (`torch.broadcast_shapes`).

>>> torch.broadcast_shapes()
torch.Size([])
""",
    "broadcast_tensors": """broadcast_tensors(*tensors)
--

Tensors expanded to their common shape (`torch.broadcast_tensors`).

>>> torch.broadcast_tensors()
()
""",
    "broadcast_to": """broadcast_to(input, size)
--

The tensor expanded to a shape (`torch.broadcast_to`).

>>> torch.broadcast_to(torch.tensor([0.25, 0.5, 1.0]), (3, 3))
tensor([[0.2500, 0.5000, 1.0000],
        [0.2500, 0.5000, 1.0000],
        [0.2500, 0.5000, 1.0000]])
""",
    "bucketize": """bucketize(input, boundaries, *, out_int32=False, right=False, out=None)
--

Into which of the intervals between boundaries values fall (`torch.bucketize`).

>>> torch.bucketize(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0.4, 0.8]))
tensor([0, 1, 2])
""",
    "can_cast": """can_cast(from_, to)
--

Whether a dtype's kind of number, or a wider kind, is that of `to` (`torch.can_cast`).

>>> import tapegrad
>>> tapegrad.can_cast(tapegrad.float32, tapegrad.int64)
False
""",
    "cartesian_prod": """cartesian_prod(*tensors)
--

All tuples with an element of each vector (`torch.cartesian_prod`).

>>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([5, 6]))
tensor([[1, 5],
        [1, 6],
        [2, 5],
        [2, 6]])
""",
    "cat": """cat(tensors, dim=0, *, out=None)
--

Tensors one after another along an axis (`torch.cat`).

>>> torch.cat([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([1., 2.])
""",
    "cdist": """cdist(x1, x2, p=2.0, compute_mode='use_mm_for_euclid_dist_if_necessary')
--

Distances of every point of one set to every point of another (`torch.cdist`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.cdist(x, x)
tensor([[0.0000, 2.8284],
        [2.8284, 0.0000]])
""",
    "ceil": """ceil(input, *, out=None)
--

The next whole number above each element (`torch.ceil`).

>>> torch.ceil(torch.tensor([0.25, 0.5, 1.0]))
tensor([1., 1., 1.])
""",
    "ceil_": """ceil_(input)
--

The next whole number above each element, in place (`torch.ceil_`).

>>> torch.ceil_(torch.tensor([0.25, 0.5, 1.0]))
tensor([1., 1., 1.])
""",
    "celu": """celu(input, alpha=1.0)
--

`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))` (`torch.celu`).

>>> torch.celu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "celu_": """celu_(input, alpha=1.0)
--

`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`, in place (`torch.celu_`).

>>> torch.celu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "channel_shuffle": """channel_shuffle(input, groups)
--

Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

>>> torch.channel_shuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "cholesky": """cholesky(input, upper=False, *, out=None)
--

The triangular factor of a positive-definite matrix (`torch.cholesky`).

>>> torch.cholesky(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
tensor([[1.4142, 0.0000],
        [0.7071, 1.5811]])
""",
    "cholesky_inverse": """cholesky_inverse(input, upper=False, *, out=None)
--

The inverse of the matrix that a triangular factor stands for (`torch.cholesky_inverse`).

>>> torch.cholesky_inverse(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[ 1.5625, -0.1875],
        [-0.1875,  0.0625]])
""",
    "cholesky_solve": """cholesky_solve(input, input2, upper=False, *, out=None)
--

X with A X = B, where L is A's triangular factor (`torch.cholesky_solve`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.cholesky_solve(x, x)
tensor([[ 1.0000,  2.3750],
        [ 0.0000, -0.1250]])
""",
    "chunk": """chunk(input, chunks, dim=0)
--

At most `chunks` pieces of equal length (`torch.chunk`).

>>> torch.chunk(torch.tensor([0.25, 0.5, 1.0]), 2)
(tensor([0.2500, 0.5000]), tensor([1.]))
""",
    "clamp": """clamp(input, min=None, max=None, *, out=None)
--

Each element kept between `min` and `max` (`torch.clamp`).

>>> torch.clamp(torch.tensor([-1.0, 0.5, 2.0]), min=0, max=1)
tensor([0.0000, 0.5000, 1.0000])
""",
    "clamp_": """clamp_(input, min=None, max=None)
--

Each element kept between `min` and `max`, in place (`torch.clamp_`).
""",
    "clamp_max": """clamp_max(input, max, *, out=None)
--

Each element, or `max` where that is less (`torch.clamp_max`).

>>> torch.clamp_max(torch.tensor([0.25, 0.5, 1.0]), 0.5)
tensor([0.2500, 0.5000, 0.5000])
""",
    "clamp_max_": """clamp_max_(input, max)
--

Each element, or `max` where that is less, in place (`torch.clamp_max_`).

>>> torch.clamp_max_(torch.tensor([0.25, 0.5, 1.0]), 0.5)
tensor([0.2500, 0.5000, 0.5000])
""",
    "clamp_min": """clamp_min(input, min, *, out=None)
--

Each element, or `min` where that is greater (`torch.clamp_min`).

>>> torch.clamp_min(torch.tensor([0.25, 0.5, 1.0]), 0.5)
tensor([0.5000, 0.5000, 1.0000])
""",
    "clamp_min_": """clamp_min_(input, min)
--

Each element, or `min` where that is greater, in place (`torch.clamp_min_`).

>>> torch.clamp_min_(torch.tensor([0.25, 0.5, 1.0]), 0.5)
tensor([0.5000, 0.5000, 1.0000])
""",
    "clip": """clip(input, min=None, max=None, *, out=None)
--

Each element kept between `min` and `max` (`torch.clip`).

>>> torch.clip(torch.tensor([-1.0, 0.5, 2.0]), min=0, max=1)
tensor([0.0000, 0.5000, 1.0000])
""",
    "clip_": """clip_(input, min=None, max=None)
--

Each element kept between `min` and `max`, in place (`torch.clip_`).
""",
    "clone": """clone(input, *, memory_format=None)
--

A copy, which lies as the format asks (`torch.clone`): as the tensor does, unless one is given.

>>> torch.clone(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "column_stack": """column_stack(tensors, *, out=None)
--

Vectors as columns, beside matrices (`torch.column_stack`).

>>> torch.column_stack([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([[1., 2.]])
""",
    "combinations": """combinations(input, r=2, with_replacement=False)
--

All choices of `r` elements of a vector (`torch.combinations`).

>>> torch.combinations(torch.tensor([0.25, 0.5, 1.0]))
tensor([[0.2500, 0.5000],
        [0.2500, 1.0000],
        [0.5000, 1.0000]])
""",
    "concat": """concat(tensors, dim=0, *, out=None)
--

Tensors one after another along an axis (`torch.cat`).

>>> torch.concat([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([1., 2.])
""",
    "concatenate": """concatenate(tensors, dim=0, *, out=None)
--

Tensors one after another along an axis (`torch.cat`).

>>> torch.concatenate([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([1., 2.])
""",
    "conj": """conj(input)
--

The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).

>>> torch.conj(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "conj_physical": """conj_physical(input, *, out=None)
--

The tensor itself: it is real (`torch.conj_physical`).

>>> torch.conj_physical(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "conv1d": """conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
--

Kernels applied at every place of 1 axes (`torch.nn.functional.conv1d`).

>>> torch.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
tensor([[[2., 2.]]])
""",
    "conv2d": """conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
--

Kernels applied at every place of 2 axes (`torch.nn.functional.conv2d`).

>>> torch.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
tensor([[[[4.]]]])
""",
    "conv3d": """conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
--

Kernels applied at every place of 3 axes (`torch.nn.functional.conv3d`).

>>> torch.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
tensor([[[[[8.]]]]])
""",
    "conv_tbc": """conv_tbc(input, weight, bias, pad=0)
--

A convolution in one axis of (time, batch, channel) (`torch.nn.functional.conv_tbc`).

>>> torch.conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1))
tensor([[[2.]],
<BLANKLINE>
        [[2.]]])
""",
    "conv_transpose1d": """conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)
--

The adjoint of a convolution in 1 axes (`torch.nn.functional.conv_transpose1d`).

>>> torch.conv_transpose1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
tensor([[[1., 2., 2., 1.]]])
""",
    "conv_transpose2d": """conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)
--

The adjoint of a convolution in 2 axes (`torch.nn.functional.conv_transpose2d`).

>>> torch.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
tensor([[[[1., 2., 1.],
          [2., 4., 2.],
          [1., 2., 1.]]]])
""",
    "conv_transpose3d": """conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)
--

The adjoint of a convolution in 3 axes (`torch.nn.functional.conv_transpose3d`).

>>> torch.conv_transpose3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
tensor([[[[[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]],
<BLANKLINE>
          [[2., 4., 2.],
           [4., 8., 4.],
           [2., 4., 2.]],
<BLANKLINE>
          [[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]]]]])
""",
    "copysign": """copysign(input, other, *, out=None)
--

The size of `input` with the sign of `other` (`torch.copysign`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.copysign(x, x)
tensor([0.2500, 0.5000, 1.0000])
""",
    "corrcoef": """corrcoef(input)
--

Correlations of variables in rows (`torch.corrcoef`).

>>> torch.corrcoef(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.)
""",
    "cos": """cos(input, *, out=None)
--

The cosine of each element (`torch.cos`).

>>> torch.cos(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.9689, 0.8776, 0.5403])
""",
    "cos_": """cos_(input)
--

The cosine of each element, in place (`torch.cos_`).

>>> torch.cos_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.9689, 0.8776, 0.5403])
""",
    "cosh": """cosh(input, *, out=None)
--

The hyperbolic cosine of each element (`torch.cosh`).

>>> torch.cosh(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.0314, 1.1276, 1.5431])
""",
    "cosh_": """cosh_(input)
--

The hyperbolic cosine of each element, in place (`torch.cosh_`).

>>> torch.cosh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.0314, 1.1276, 1.5431])
""",
    "cosine_similarity": """cosine_similarity(x1, x2, dim=1, eps=1e-08)
--

The cosine of the angle between vectors (`torch.nn.functional.cosine_similarity`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.cosine_similarity(x, x)
tensor([1.0000, 1.0000])
""",
    "count_nonzero": """count_nonzero(input, dim=None)
--

How many elements are not zero (`torch.count_nonzero`).

>>> torch.count_nonzero(torch.tensor([0.25, 0.5, 1.0]))
tensor(3)
""",
    "cov": """cov(input, *, correction=1, fweights=None, aweights=None)
--

Covariances of variables in rows (`torch.cov`).

>>> torch.cov(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.1458)
""",
    "cross": """cross(input, other, dim=None, *, out=None)
--

The cross product of vectors along an axis of length 3 (`torch.cross`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.cross(x, x)
tensor([0., 0., 0.])
""",
    "cummax": """cummax(input, dim, *, out=None)
--

The greatest element so far along an axis, and its places (`torch.cummax`).

>>> torch.cummax(torch.tensor([0.25, 0.5, 1.0]), 0)
torch.return_types.cummax(
values=tensor([0.2500, 0.5000, 1.0000]),
indices=tensor([0, 1, 2]))
""",
    "cummin": """cummin(input, dim, *, out=None)
--

The least element so far along an axis, and its places (`torch.cummin`).

>>> torch.cummin(torch.tensor([0.25, 0.5, 1.0]), 0)
torch.return_types.cummin(
values=tensor([0.2500, 0.2500, 0.2500]),
indices=tensor([0, 0, 0]))
""",
    "cumprod": """cumprod(input, dim, *, dtype=None, out=None)
--

The products of all elements so far along an axis (`torch.cumprod`).

>>> torch.cumprod(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([0.2500, 0.1250, 0.1250])
""",
    "cumsum": """cumsum(input, dim, *, dtype=None, out=None)
--

The sums of all elements so far along an axis (`torch.cumsum`).

>>> torch.cumsum(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([0.2500, 0.7500, 1.7500])
""",
    "cumulative_trapezoid": """cumulative_trapezoid(y, x=None, *, dim=-1, dx=1)
--

The running integral by the trapezoid rule (`torch.cumulative_trapezoid`).

Called as

    cumulative_trapezoid(y, x, *, dim=-1)
    cumulative_trapezoid(y, *, dx=1, dim=-1)

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.cumulative_trapezoid(x, x)
tensor([0.0938, 0.4688])
""",
    "deg2rad": """deg2rad(input, *, out=None)
--

Degrees as radians (`torch.deg2rad`).

>>> torch.deg2rad(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.0044, 0.0087, 0.0175])
""",
    "deg2rad_": """deg2rad_(input)
--

Degrees as radians, in place (`torch.deg2rad_`).

>>> torch.deg2rad_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.0044, 0.0087, 0.0175])
""",
    "det": """det(input)
--

The determinant (`torch.linalg.det`).

>>> torch.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(-2.)
""",
    "diag": """diag(input, diagonal=0, *, out=None)
--

A matrix's diagonal, or the matrix of a diagonal (`torch.diag`).

>>> torch.diag(torch.tensor([0.25, 0.5, 1.0]))
tensor([[0.2500, 0.0000, 0.0000],
        [0.0000, 0.5000, 0.0000],
        [0.0000, 0.0000, 1.0000]])
""",
    "diag_embed": """diag_embed(input, offset=0, dim1=-2, dim2=-1)
--

The last axis as a diagonal of two new ones (`torch.diag_embed`).

>>> torch.diag_embed(torch.tensor([0.25, 0.5, 1.0]))
tensor([[0.2500, 0.0000, 0.0000],
        [0.0000, 0.5000, 0.0000],
        [0.0000, 0.0000, 1.0000]])
""",
    "diagflat": """diagflat(input, offset=0)
--

A matrix with all elements on a diagonal (`torch.diagflat`).

>>> torch.diagflat(torch.tensor([0.25, 0.5, 1.0]))
tensor([[0.2500, 0.0000, 0.0000],
        [0.0000, 0.5000, 0.0000],
        [0.0000, 0.0000, 1.0000]])
""",
    "diagonal": """diagonal(input, offset=0, dim1=0, dim2=1)
--

The diagonal of two axes as the last axis (`torch.diagonal`).

>>> torch.diagonal(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([1., 4.])
""",
    "diagonal_scatter": """diagonal_scatter(input, src, offset=0, dim1=0, dim2=1)
--

A copy with a diagonal replaced (`torch.diagonal_scatter`).

>>> torch.diagonal_scatter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([7.0, 8.0]))
tensor([[7., 2.],
        [3., 8.]])
""",
    "diff": """diff(input, n=1, dim=-1, prepend=None, append=None, *, out=None)
--

Differences of neighbours, `n` times over (`torch.diff`).

>>> torch.diff(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000])
""",
    "digamma": """digamma(input, *, out=None)
--

The derivative of the logarithm of the gamma function (`torch.digamma`).

>>> torch.digamma(torch.tensor([0.25, 0.5, 1.0]))
tensor([-4.2275, -1.9635, -0.5772])
""",
    "dist": """dist(input, other, p=2)
--

The norm of a difference (`torch.dist`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.dist(x, x)
tensor(0.)
""",
    "div": """div(input, other, *, rounding_mode=None, out=None)
--

The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other` (`torch.div`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.div(x, x)
tensor([1., 1., 1.])
""",
    "divide": """divide(input, other, *, out=None, rounding_mode=None)
--

The quotient of two tensors, element by element, rounded as `rounding_mode` says: `input / other` (`torch.divide`).

Called as

    divide(input, other, *, out=None)
    divide(input, other, *, rounding_mode, out=None)

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.divide(x, x)
tensor([1., 1., 1.])
""",
    "dot": """dot(input, tensor, *, out=None)
--

The sum of products of two vectors (`torch.dot`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.dot(x, x)
tensor(1.3125)
""",
    "dropout": """dropout(input, p, train)
--

Elements set to zero at random (`torch.dropout`).

>>> torch.dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
tensor([0.2500, 0.5000, 1.0000])
""",
    "dsplit": """dsplit(input, sections=None, *, indices=None)
--

Pieces along the third axis (`torch.dsplit`).

Called as

    dsplit(input, sections)
    dsplit(input, indices)

>>> torch.dsplit(torch.ones(1, 1, 4), 1)
(tensor([[[1., 1., 1., 1.]]]),)
""",
    "dstack": """dstack(tensors, *, out=None)
--

Tensors behind each other, along the third axis (`torch.dstack`).

>>> torch.dstack([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([[[1., 2.]]])
""",
    "einsum": """einsum(*args)
--

Sums of products in index notation (`torch.einsum`).

>>> import tapegrad
>>> tapegrad.einsum("ij,ij->i", tapegrad.ones(2, 3), tapegrad.ones(2, 3))
tensor([3., 3.])
""",
    "embedding": """embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False)
--

Rows of a table, looked up by their numbers (`torch.embedding`).

>>> torch.embedding(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 0]))
tensor([[3., 4.],
        [1., 2.]])
""",
    "eq": """eq(input, other, *, out=None)
--

Whether elements are equal: `input == other` (`torch.eq`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.eq(x, x)
tensor([True, True, True])
""",
    "equal": """equal(input, other)
--

Whether shapes and all elements agree (`torch.equal`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.equal(x, x)
True
""",
    "erf": """erf(input, *, out=None)
--

The error function of each element (`torch.erf`).

>>> torch.erf(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2763, 0.5205, 0.8427])
""",
    "erf_": """erf_(input)
--

The error function of each element, in place (`torch.erf_`).

>>> torch.erf_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2763, 0.5205, 0.8427])
""",
    "erfc": """erfc(input, *, out=None)
--

One minus the error function of each element (`torch.erfc`).

>>> torch.erfc(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.7237, 0.4795, 0.1573])
""",
    "erfc_": """erfc_(input)
--

One minus the error function of each element, in place (`torch.erfc_`).

>>> torch.erfc_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.7237, 0.4795, 0.1573])
""",
    "erfinv": """erfinv(input, *, out=None)
--

The inverse of the error function (`torch.erfinv`).

>>> torch.erfinv(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2253, 0.4769,    inf])
""",
    "exp": """exp(input, *, out=None)
--

e to the power of each element (`torch.exp`).

>>> torch.exp(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.2840, 1.6487, 2.7183])
""",
    "exp2": """exp2(input, *, out=None)
--

2 to the power of each element (`torch.exp2`).

>>> torch.exp2(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.1892, 1.4142, 2.0000])
""",
    "exp2_": """exp2_(input)
--

2 to the power of each element, in place (`torch.exp2_`).

>>> torch.exp2_(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.1892, 1.4142, 2.0000])
""",
    "exp_": """exp_(input)
--

e to the power of each element, in place (`torch.exp_`).

>>> torch.exp_(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.2840, 1.6487, 2.7183])
""",
    "expm1": """expm1(input, *, out=None)
--

`exp(input) - 1`, exact for small elements (`torch.expm1`).

>>> torch.expm1(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2840, 0.6487, 1.7183])
""",
    "expm1_": """expm1_(input)
--

`exp(input) - 1`, exact for small elements, in place (`torch.expm1_`).

>>> torch.expm1_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2840, 0.6487, 1.7183])
""",
    "feature_alpha_dropout": """feature_alpha_dropout(input, p, train)
--

Elements set to zero at random (`torch.feature_alpha_dropout`).

>>> torch.feature_alpha_dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
tensor([0.2500, 0.5000, 1.0000])
""",
    "feature_dropout": """feature_dropout(input, p, train)
--

Elements set to zero at random (`torch.feature_dropout`).

>>> torch.feature_dropout(torch.tensor([0.25, 0.5, 1.0]), 0.5, False)
tensor([0.2500, 0.5000, 1.0000])
""",
    "fill": """fill(input, value)
--

A tensor of the same shape that holds one value (`torch.fill`).

>>> torch.fill(torch.tensor([0.25, 0.5, 1.0]), 2.0)
tensor([2., 2., 2.])
""",
    "fill_": """fill_(input, value)
--

A tensor of the same shape that holds one value, in place (`torch.fill_`).

>>> torch.fill_(torch.tensor([0.25, 0.5, 1.0]), 2.0)
tensor([2., 2., 2.])
""",
    "fix": """fix(input, *, out=None)
--

Each element without its fraction (`torch.fix`).

>>> torch.fix(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "flatten": """flatten(input, start_dim=0, end_dim=-1)
--

Neighbouring axes merged (`torch.flatten`).

>>> torch.flatten(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "flip": """flip(input, dims)
--

Axes reversed, as a copy (`torch.flip`).

>>> torch.flip(torch.tensor([0.25, 0.5, 1.0]), (0,))
tensor([1.0000, 0.5000, 0.2500])
""",
    "fliplr": """fliplr(input)
--

Columns in reverse order (`torch.fliplr`).

>>> torch.fliplr(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[2., 1.],
        [4., 3.]])
""",
    "flipud": """flipud(input)
--

Rows in reverse order (`torch.flipud`).

>>> torch.flipud(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.0000, 0.5000, 0.2500])
""",
    "float_power": """float_power(input, exponent, *, out=None)
--

A power in double precision (`torch.float_power`).

>>> torch.float_power(torch.tensor([0.25, 0.5, 1.0]), 2)
tensor([0.0625, 0.2500, 1.0000], dtype=torch.float64)
""",
    "floor": """floor(input, *, out=None)
--

The next whole number below each element (`torch.floor`).

>>> torch.floor(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "floor_": """floor_(input)
--

The next whole number below each element, in place (`torch.floor_`).

>>> torch.floor_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "floor_divide": """floor_divide(input, other, *, out=None)
--

The quotient of two tensors, rounded down: `input // other` (`torch.floor_divide`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.floor_divide(x, x)
tensor([1., 1., 1.])
""",
    "fmax": """fmax(input, other, *, out=None)
--

The greater of two elements, of which NaN is none (`torch.fmax`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.fmax(x, x)
tensor([0.2500, 0.5000, 1.0000])
""",
    "fmin": """fmin(input, other, *, out=None)
--

The lesser of two elements, of which NaN is none (`torch.fmin`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.fmin(x, x)
tensor([0.2500, 0.5000, 1.0000])
""",
    "fmod": """fmod(input, other, *, out=None)
--

The remainder of a division that is rounded towards zero; it has the sign of `input` (`torch.fmod`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.fmod(x, x)
tensor([0., 0., 0.])
""",
    "frac": """frac(input, *, out=None)
--

The fraction of each element (`torch.frac`).

>>> torch.frac(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 0.0000])
""",
    "frac_": """frac_(input)
--

The fraction of each element, in place (`torch.frac_`).

>>> torch.frac_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 0.0000])
""",
    "from_dlpack": """from_dlpack(ext_tensor, *, device=None, copy=None)
--

A tensor on the memory of another library's array (`torch.from_dlpack`).

>>> import numpy as np, tapegrad
>>> a = np.zeros(2); t = tapegrad.from_dlpack(a); t[1] = 3.0; a
array([0., 3.])

`ext_tensor` is an object with `__dlpack__`, or a capsule, which can be used once. Raises RuntimeError for what is
neither, TypeError for dtypes there are no tensors of, ValueError for negative strides.
""",
    "gather": """gather(input, dim, index, *, sparse_grad=False, out=None)
--

Elements at given positions along an axis (`torch.gather`).

>>> torch.gather(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]))
tensor([0.2500, 0.2500])
""",
    "gcd": """gcd(input, other, *, out=None)
--

`torch.gcd`, computed by NumPy.

>>> x = torch.tensor([1, 2, 3])
>>> torch.gcd(x, x)
tensor([1, 2, 3])
""",
    "ge": """ge(input, other, *, out=None)
--

Whether elements are at least: `input >= other` (`torch.ge`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.ge(x, x)
tensor([True, True, True])
""",
    "ger": """ger(input, vec2, *, out=None)
--

Every product of two vectors' elements (`torch.outer`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.ger(x, x)
tensor([[0.0625, 0.1250, 0.2500],
        [0.1250, 0.2500, 0.5000],
        [0.2500, 0.5000, 1.0000]])
""",
    "get_device": """get_device(input)
--

The number of the device, which the CPU has not: -1 (`torch.Tensor.get_device`).

>>> torch.get_device(torch.tensor([0.25, 0.5, 1.0]))
-1
""",
    "gradient": """gradient(input, *, spacing=None, dim=None, edge_order=1)
--

Central differences along axes, one-sided at the ends (`torch.gradient`).

>>> torch.gradient(torch.tensor([0.25, 0.5, 1.0]))
[tensor([0.2500, 0.3750, 0.5000])]
""",
    "greater": """greater(input, other, *, out=None)
--

Whether elements are greater: `input > other` (`torch.greater`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.greater(x, x)
tensor([False, False, False])
""",
    "greater_equal": """greater_equal(input, other, *, out=None)
--

Whether elements are at least: `input >= other` (`torch.greater_equal`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.greater_equal(x, x)
tensor([True, True, True])
""",
    "group_norm": """group_norm(input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True)
--

Channels normalised in groups (`torch.nn.functional.group_norm`).

>>> torch.group_norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
tensor([[-1.0000,  1.0000],
        [-1.0000,  1.0000]])
""",
    "gru": """gru(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
--

A recurrent network of several layers, given its weights (`torch.gru`).
""",
    "gru_cell": """gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)
--

One step of a recurrent cell (`torch.gru_cell`).
""",
    "gt": """gt(input, other, *, out=None)
--

Whether elements are greater: `input > other` (`torch.gt`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.gt(x, x)
tensor([False, False, False])
""",
    "hardshrink": """hardshrink(input, lambd=0.5, *, out=None)
--

Each element, or zero where it is within `lambd` of it (`torch.hardshrink`).

>>> torch.hardshrink(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "heaviside": """heaviside(input, values, *, out=None)
--

0 below zero, 1 above, and `values` at zero (`torch.heaviside`).

>>> torch.heaviside(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([7.0]))
tensor([1., 1., 1.])
""",
    "histc": """histc(input, bins=100, min=0, max=0, *, out=None)
--

How many elements fall in each of equal bins (`torch.histc`).

>>> torch.histc(torch.tensor([1, 2, 3]))
tensor([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 1])
""",
    "hsplit": """hsplit(input, sections=None, *, indices=None)
--

Pieces along the second axis (`torch.hsplit`).

Called as

    hsplit(input, sections)
    hsplit(input, indices)

>>> torch.hsplit(torch.tensor([0.25, 0.5, 1.0]), 1)
(tensor([0.2500, 0.5000, 1.0000]),)
""",
    "hstack": """hstack(tensors, *, out=None)
--

Tensors side by side, along the second axis (`torch.hstack`).

>>> torch.hstack([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([1., 2.])
""",
    "hypot": """hypot(input, other, *, out=None)
--

The hypotenuse of two sides: `sqrt(input ** 2 + other ** 2)` (`torch.hypot`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.hypot(x, x)
tensor([0.3536, 0.7071, 1.4142])
""",
    "i0": """i0(input, *, out=None)
--

`torch.special.i0`, computed by SciPy.

>>> torch.i0(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.0157, 1.0635, 1.2661])
""",
    "igamma": """igamma(input, other, *, out=None)
--

The incomplete gamma function of shape `input` (`torch.special.gammainc`), computed by SciPy.

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.igamma(x, x)
tensor([0.7437, 0.6827, 0.6321])
""",
    "igammac": """igammac(input, other, *, out=None)
--

The incomplete gamma function of shape `input` (`torch.special.gammaincc`), computed by SciPy.

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.igammac(x, x)
tensor([0.2563, 0.3173, 0.3679])
""",
    "imag": """imag(input)
--

RuntimeError: no tensor is complex (`torch.imag`).
""",
    "index_add": """index_add(input, dim, index, source, *, alpha=1, out=None)
--

A copy with rows of `source`, times `alpha`, added at indices (`torch.index_add`).

>>> torch.index_add(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
tensor([15.2500,  0.5000,  1.0000])
""",
    "index_copy": """index_copy(input, dim, index, source, *, out=None)
--

A copy with rows replaced at indices (`torch.index_copy`).

>>> torch.index_copy(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
tensor([8.0000, 0.5000, 1.0000])
""",
    "index_fill": """index_fill(input, dim, index, value)
--

A copy with one value at indices (`torch.index_fill`).

>>> torch.index_fill(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), 2.0)
tensor([2.0000, 0.5000, 1.0000])
""",
    "index_put": """index_put(input, indices, values, accumulate=False)
--

A copy with values at indices, one tensor of indices an axis (`torch.index_put`).

>>> torch.index_put(torch.tensor([0.25, 0.5, 1.0]), (torch.tensor([0]),), torch.tensor([7.0]))
tensor([7.0000, 0.5000, 1.0000])
""",
    "index_put_": """index_put_(input, indices, values, accumulate=False)
--

A copy with values at indices, one tensor of indices an axis, in place (`torch.index_put_`).

>>> torch.index_put_(torch.tensor([0.25, 0.5, 1.0]), (torch.tensor([0]),), torch.tensor([7.0]))
tensor([7.0000, 0.5000, 1.0000])
""",
    "index_reduce": """index_reduce(input, dim, index, source, reduce, *, include_self=True, out=None)
--

Slices combined into those that an index names (`torch.index_reduce`).

>>> torch.index_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([3.0, 4.0]), 'prod')
tensor([12.,  1.])
""",
    "index_select": """index_select(input, dim, index, *, out=None)
--

The slices at given positions along an axis (`torch.index_select`).

>>> torch.index_select(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]))
tensor([0.2500, 0.2500])
""",
    "inner": """inner(input, other, *, out=None)
--

Sums of products over the last axes (`torch.inner`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.inner(x, x)
tensor(1.3125)
""",
    "inverse": """inverse(input, *, out=None)
--

The inverse of square matrices (`torch.inverse`).

>>> torch.inverse(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[-2.0000,  1.0000],
        [ 1.5000, -0.5000]])
""",
    "is_complex": """is_complex(input)
--

No tensor is complex (`torch.is_complex`).

>>> torch.is_complex(torch.tensor([0.25, 0.5, 1.0]))
False
""",
    "is_conj": """is_conj(input)
--

What no tensor here is: `is_inference`, `is_pinned`, `is_shared`, `is_conj`, `is_neg`.

>>> torch.is_conj(torch.tensor([0.25, 0.5, 1.0]))
False
""",
    "is_floating_point": """is_floating_point(input)
--

Whether the dtype is a floating-point one (`torch.is_floating_point`).

>>> torch.is_floating_point(torch.tensor([0.25, 0.5, 1.0]))
True
""",
    "is_neg": """is_neg(input)
--

What no tensor here is: `is_inference`, `is_pinned`, `is_shared`, `is_conj`, `is_neg`.

>>> torch.is_neg(torch.tensor([0.25, 0.5, 1.0]))
False
""",
    "is_nonzero": """is_nonzero(input)
--

Whether the one element is not zero (`torch.is_nonzero`).

>>> torch.is_nonzero(torch.tensor(2.0))
True
""",
    "is_same_size": """is_same_size(input, other)
--

Whether two tensors have one shape (`torch.is_same_size`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.is_same_size(x, x)
True
""",
    "is_signed": """is_signed(input)
--

Whether the dtype has negative numbers (`torch.is_signed`).

>>> torch.is_signed(torch.tensor([0.25, 0.5, 1.0]))
True
""",
    "is_storage": """is_storage(obj)
--

Whether an object is a storage, which there are none of (`torch.is_storage`).

>>> torch.is_storage(torch.tensor([0.25, 0.5, 1.0]))
False
""",
    "is_tensor": """is_tensor(obj)
--

Whether an object is a tensor (`torch.is_tensor`).

>>> import tapegrad
>>> tapegrad.is_tensor(tapegrad.ones(1)), tapegrad.is_tensor(1)
(True, False)
""",
    "isclose": """isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False)
--

Whether elements are close: `|input - other| <= atol + rtol * |other|` (`torch.isclose`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.isclose(x, x)
tensor([True, True, True])
""",
    "isfinite": """isfinite(input)
--

Whether each element is a number and finite (`torch.isfinite`).

>>> torch.isfinite(torch.tensor([0.25, 0.5, 1.0]))
tensor([True, True, True])
""",
    "isin": """isin(elements=None, test_elements=None, *, assume_unique=False, invert=False, out=None, element=None, test_element=None)
--

Which elements occur among `test_elements` (`torch.isin`).

Called as

    isin(elements, test_elements, *, assume_unique=False, invert=False, out=None)
    isin(element, test_elements, *, assume_unique=False, invert=False, out=None)
    isin(elements, test_element, *, assume_unique=False, invert=False, out=None)

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.isin(x, x)
tensor([True, True, True])
""",
    "isinf": """isinf(input)
--

Whether each element is infinite (`torch.isinf`).

>>> torch.isinf(torch.tensor([0.25, 0.5, 1.0]))
tensor([False, False, False])
""",
    "isnan": """isnan(input)
--

Whether each element is NaN (`torch.isnan`).

>>> torch.isnan(torch.tensor([0.25, 0.5, 1.0]))
tensor([False, False, False])
""",
    "isneginf": """isneginf(input, *, out=None)
--

Whether each element is minus infinity (`torch.isneginf`).

>>> torch.isneginf(torch.tensor([0.25, 0.5, 1.0]))
tensor([False, False, False])
""",
    "isposinf": """isposinf(input, *, out=None)
--

Whether each element is plus infinity (`torch.isposinf`).

>>> torch.isposinf(torch.tensor([0.25, 0.5, 1.0]))
tensor([False, False, False])
""",
    "isreal": """isreal(input)
--

All elements are real (`torch.isreal`).

>>> torch.isreal(torch.tensor([0.25, 0.5, 1.0]))
tensor([True, True, True])
""",
    "kron": """kron(input, other, *, out=None)
--

The Kronecker product (`torch.kron`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.kron(x, x)
tensor([0.0625, 0.1250, 0.2500, 0.1250, 0.2500, 0.5000, 0.2500, 0.5000, 1.0000])
""",
    "kthvalue": """kthvalue(input, k, dim=-1, keepdim=False, *, out=None)
--

The k-th smallest value (`torch.kthvalue`).

>>> torch.kthvalue(torch.tensor([0.25, 0.5, 1.0]), 1)
torch.return_types.kthvalue(
values=tensor(0.2500),
indices=tensor(0))
""",
    "lcm": """lcm(input, other, *, out=None)
--

`torch.lcm`, computed by NumPy.

>>> x = torch.tensor([1, 2, 3])
>>> torch.lcm(x, x)
tensor([1, 2, 3])
""",
    "ldexp": """ldexp(input, other, *, out=None)
--

`input * 2 ** other` (`torch.ldexp`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.ldexp(x, x)
tensor([0.2973, 0.7071, 2.0000])
""",
    "le": """le(input, other, *, out=None)
--

Whether elements are at most: `input <= other` (`torch.le`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.le(x, x)
tensor([True, True, True])
""",
    "lerp": """lerp(input, end, weight, *, out=None)
--

A point between two: `input + weight * (end - input)` (`torch.lerp`).

>>> torch.lerp(torch.tensor([0.25, 0.5, 1.0]), 5, 0.5)
tensor([2.6250, 2.7500, 3.0000])
""",
    "less": """less(input, other, *, out=None)
--

Whether elements are less: `input < other` (`torch.less`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.less(x, x)
tensor([False, False, False])
""",
    "less_equal": """less_equal(input, other, *, out=None)
--

Whether elements are at most: `input <= other` (`torch.less_equal`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.less_equal(x, x)
tensor([True, True, True])
""",
    "lgamma": """lgamma(input, *, out=None)
--

The logarithm of the absolute gamma function of each element (`torch.lgamma`).

>>> torch.lgamma(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.2880, 0.5724, 0.0000])
""",
    "linalg.cholesky": """cholesky(input, *, upper=False, out=None)
--

The triangular factor of a positive-definite matrix (`torch.linalg.cholesky`).

>>> torch.linalg.cholesky(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
tensor([[1.4142, 0.0000],
        [0.7071, 1.5811]])
""",
    "linalg.cholesky_ex": """cholesky_ex(input, *, upper=False, check_errors=False, out=None)
--

The triangular factor, and for each matrix the minor that is not positive or 0 (`torch.linalg.cholesky_ex`).

>>> torch.linalg.cholesky_ex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.linalg_cholesky_ex(
L=tensor([[1., 0.],
        [3., nan]]),
info=tensor(2, dtype=torch.int32))
""",
    "linalg.cond": """cond(input, p=None, *, out=None)
--

The condition number with respect to a norm (`torch.linalg.cond`).

>>> torch.linalg.cond(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(14.9330)
""",
    "linalg.cross": """cross(input, other, *, dim=-1, out=None)
--

The cross product of 3-vectors along an axis (`torch.linalg.cross`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.linalg.cross(x, x)
tensor([0., 0., 0.])
""",
    "linalg.det": """det(A, *, out=None)
--

The determinant (`torch.linalg.det`).

>>> torch.linalg.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(-2.)
""",
    "linalg.diagonal": """diagonal(A, *, offset=0, dim1=-2, dim2=-1)
--

The diagonals of matrices (`torch.linalg.diagonal`).

>>> torch.linalg.diagonal(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([1., 4.])
""",
    "linalg.eigh": """eigh(input, UPLO='L', *, out=None)
--

Eigenvalues in order and eigenvectors of symmetric matrices (`torch.linalg.eigh`).

>>> torch.linalg.eigh(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.linalg_eigh(
eigenvalues=tensor([-0.8541,  5.8541]),
eigenvectors=tensor([[-0.8507,  0.5257],
        [ 0.5257,  0.8507]]))
""",
    "linalg.eigvalsh": """eigvalsh(input, UPLO='L', *, out=None)
--

Eigenvalues of symmetric matrices, in order (`torch.linalg.eigvalsh`).

>>> torch.linalg.eigvalsh(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([-0.8541,  5.8541])
""",
    "linalg.householder_product": """householder_product(input, tau, *, out=None)
--

The first columns of a product of reflections by columns of A and `tau` (`torch.linalg.householder_product`).
""",
    "linalg.inv": """inv(A, *, out=None)
--

The inverse of a square matrix (`torch.linalg.inv`).

>>> torch.linalg.inv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[-2.0000,  1.0000],
        [ 1.5000, -0.5000]])
""",
    "linalg.inv_ex": """inv_ex(A, *, check_errors=False, out=None)
--

The inverse, and for each matrix the diagonal element that makes it singular or 0 (`torch.linalg.inv_ex`).

>>> torch.linalg.inv_ex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.linalg_inv_ex(
inverse=tensor([[-2.0000,  1.0000],
        [ 1.5000, -0.5000]]),
info=tensor(0, dtype=torch.int32))
""",
    "linalg.lstsq": """lstsq(input, b, rcond=None, *, driver=None, out=None)
--

X that makes A X - B least, residuals, ranks, singular values (`torch.linalg.lstsq`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.linalg.lstsq(x, x)
torch.return_types.linalg_lstsq(
solution=tensor([[ 1.0000e+00,  2.3842e-07],
        [-1.7881e-07,  1.0000e+00]]),
residuals=tensor([]),
rank=tensor(2),
singular_values=tensor([]))
""",
    "linalg.lu": """lu(A, *, pivot=True, out=None)
--

P, L and U with A = P L U (`torch.linalg.lu`).

>>> torch.linalg.lu(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.linalg_lu(
P=tensor([[0., 1.],
        [1., 0.]]),
L=tensor([[1.0000, 0.0000],
        [0.3333, 1.0000]]),
U=tensor([[3.0000, 4.0000],
        [0.0000, 0.6667]]))
""",
    "linalg.lu_factor": """lu_factor(A, *, pivot=True, out=None)
--

L and U in one matrix, and the row each was exchanged with, from 1 (`torch.linalg.lu_factor`).

>>> import tapegrad
>>> LU, pivots = tapegrad.linalg.lu_factor(tapegrad.tensor([[1.0, 2.0], [2.0, 2.0]]))
>>> LU, pivots
(tensor([[2.0000, 2.0000],
        [0.5000, 1.0000]]), tensor([2, 2], dtype=torch.int32))
""",
    "linalg.lu_solve": """lu_solve(LU, pivots, B, *, left=True, adjoint=False, out=None)
--

X with A X = B, by what `lu_factor` gave for A (`torch.linalg.lu_solve`).

>>> torch.linalg.lu_solve(*torch.linalg.lu_factor(2 * torch.eye(2)), torch.ones(2, 1))
tensor([[0.5000],
        [0.5000]])
""",
    "linalg.matmul": """matmul(input, other, *, out=None)
--

The matrix product of the last two axes, batches broadcast (`torch.matmul`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.linalg.matmul(x, x)
tensor(1.3125)
""",
    "linalg.matrix_exp": """matrix_exp(input, *, out=None)
--

The exponential of square matrices (`torch.linalg.matrix_exp`).

>>> torch.linalg.matrix_exp(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[ 51.9690,  74.7366],
        [112.1048, 164.0738]])
""",
    "linalg.matrix_norm": """matrix_norm(input, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None, out=None)
--

A norm of matrices (`torch.linalg.matrix_norm`).

>>> torch.linalg.matrix_norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(5.4772)
""",
    "linalg.matrix_power": """matrix_power(input, n, *, out=None)
--

A square matrix to a whole power (`torch.linalg.matrix_power`).

>>> torch.linalg.matrix_power(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
tensor([[ 7., 10.],
        [15., 22.]])
""",
    "linalg.matrix_rank": """matrix_rank(input, tol=None, hermitian=False, *, out=None, atol=None, rtol=None)
--

How many singular values are above the tolerance (`torch.linalg.matrix_rank`).

Called as

    matrix_rank(input, *, atol=None, rtol=None, hermitian=False, out=None)
    matrix_rank(input, tol, hermitian=False, *, out=None)

>>> torch.linalg.matrix_rank(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(2)
""",
    "linalg.multi_dot": """multi_dot(tensors, *, out=None)
--

A chain of matrix products in the cheapest order (`torch.linalg.multi_dot`).

>>> torch.linalg.multi_dot([torch.tensor([1.0]), torch.tensor([2.0])])
tensor(2.)
""",
    "linalg.norm": """norm(input, ord=None, dim=None, keepdim=False, *, dtype=None, out=None)
--

A vector or matrix norm (`torch.linalg.norm`).

>>> torch.linalg.norm(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.1456)
""",
    "linalg.pinv": """pinv(input, rcond=None, hermitian=False, *, out=None, atol=None, rtol=None)
--

The pseudo-inverse (`torch.linalg.pinv`); singular values up to max(atol, rtol · largest) count as zero.

Called as

    pinv(input, *, atol=None, rtol=None, hermitian=False, out=None)
    pinv(input, rcond, hermitian=False, *, out=None)

>>> torch.linalg.pinv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[-2.0000,  1.0000],
        [ 1.5000, -0.5000]])
""",
    "linalg.qr": """qr(A, mode='reduced', *, out=None)
--

Q with orthonormal columns and upper triangular R, A = Q R (`torch.linalg.qr`).

>>> torch.linalg.qr(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.linalg_qr(
Q=tensor([[-0.3162, -0.9487],
        [-0.9487,  0.3162]]),
R=tensor([[-3.1623, -4.4272],
        [ 0.0000, -0.6325]]))
""",
    "linalg.slogdet": """slogdet(A, *, out=None)
--

Sign and logarithm of the determinant (`torch.linalg.slogdet`).

>>> torch.linalg.slogdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.linalg_slogdet(
sign=tensor(-1.),
logabsdet=tensor(0.6931))
""",
    "linalg.solve": """solve(A, B, *, left=True, out=None)
--

The solution of a linear system (`torch.linalg.solve`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.linalg.solve(x, x)
tensor([[1., 0.],
        [0., 1.]])
""",
    "linalg.solve_triangular": """solve_triangular(input, B, *, upper, left=True, unitriangular=False, out=None)
--

The solution of a triangular system (`torch.linalg.solve_triangular`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.linalg.solve_triangular(x, x, upper=True)
tensor([[-0.5000,  0.0000],
        [ 0.7500,  1.0000]])
""",
    "linalg.svd": """svd(A, full_matrices=True, *, driver=None, out=None)
--

U, S and Vᵀ with A = U diag(S) Vᵀ (`torch.linalg.svd`).

>>> import tapegrad
>>> U, S, Vh = tapegrad.linalg.svd(tapegrad.tensor([[3.0, 0.0], [0.0, -2.0]]), full_matrices=False)
>>> S
tensor([3., 2.])

Signs of vectors are a matter of convention. The vectors that only `full_matrices` has are constants to
differentiation.
""",
    "linalg.svdvals": """svdvals(A, *, driver=None, out=None)
--

Singular values, largest first (`torch.linalg.svdvals`).

>>> torch.linalg.svdvals(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([5.4650, 0.3660])
""",
    "linalg.tensorinv": """tensorinv(input, ind=2, *, out=None)
--

The inverse for `tensordot` over the first `ind` axes (`torch.linalg.tensorinv`).

>>> torch.linalg.tensorinv(torch.eye(2).reshape(2, 1, 2), ind=2)
tensor([[[1.],
         [0.]],
<BLANKLINE>
        [[0.],
         [1.]]])
""",
    "linalg.tensorsolve": """tensorsolve(input, other, dims=None, *, out=None)
--

X with `tensordot(A, X, X.ndim) = B` (`torch.linalg.tensorsolve`).

>>> torch.linalg.tensorsolve(2 * torch.eye(2), torch.ones(2))
tensor([0.5000, 0.5000])
""",
    "linalg.vander": """vander(x, *, N=None)
--

Powers 0, 1, … of a vector's elements (`torch.linalg.vander`).

>>> torch.linalg.vander(torch.tensor([0.25, 0.5, 1.0]))
tensor([[1.0000, 0.2500, 0.0625],
        [1.0000, 0.5000, 0.2500],
        [1.0000, 1.0000, 1.0000]])
""",
    "linalg.vecdot": """vecdot(x, y, *, dim=-1, out=None)
--

The dot products of vectors along an axis (`torch.linalg.vecdot`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.linalg.vecdot(x, x)
tensor(1.3125)
""",
    "linalg.vector_norm": """vector_norm(input, ord=2, dim=None, keepdim=False, *, dtype=None, out=None)
--

The p-norm of rows (`torch.linalg.vector_norm`).

>>> torch.linalg.vector_norm(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.1456)
""",
    "log": """log(input, *, out=None)
--

The natural logarithm of each element (`torch.log`).

>>> torch.log(torch.tensor([0.25, 0.5, 1.0]))
tensor([-1.3863, -0.6931,  0.0000])
""",
    "log10": """log10(input, *, out=None)
--

The logarithm of each element to the base 10 (`torch.log10`).

>>> torch.log10(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.6021, -0.3010,  0.0000])
""",
    "log10_": """log10_(input)
--

The logarithm of each element to the base 10, in place (`torch.log10_`).

>>> torch.log10_(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.6021, -0.3010,  0.0000])
""",
    "log1p": """log1p(input, *, out=None)
--

`log(1 + input)`, exact for small elements (`torch.log1p`).

>>> torch.log1p(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2231, 0.4055, 0.6931])
""",
    "log1p_": """log1p_(input)
--

`log(1 + input)`, exact for small elements, in place (`torch.log1p_`).

>>> torch.log1p_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2231, 0.4055, 0.6931])
""",
    "log2": """log2(input, *, out=None)
--

The logarithm of each element to the base 2 (`torch.log2`).

>>> torch.log2(torch.tensor([0.25, 0.5, 1.0]))
tensor([-2., -1.,  0.])
""",
    "log2_": """log2_(input)
--

The logarithm of each element to the base 2, in place (`torch.log2_`).

>>> torch.log2_(torch.tensor([0.25, 0.5, 1.0]))
tensor([-2., -1.,  0.])
""",
    "log_": """log_(input)
--

The natural logarithm of each element, in place (`torch.log_`).

>>> torch.log_(torch.tensor([0.25, 0.5, 1.0]))
tensor([-1.3863, -0.6931,  0.0000])
""",
    "log_softmax": """log_softmax(input, dim, dtype=None, *, out=None)
--

The logarithm of softmax, in one step (`torch.log_softmax`).

>>> torch.log_softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([-1.4818, -1.2318, -0.7318])
""",
    "logaddexp": """logaddexp(input, other, *, out=None)
--

`log(exp(input) + exp(other))`, without overflow (`torch.logaddexp`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.logaddexp(x, x)
tensor([0.9431, 1.1931, 1.6931])
""",
    "logaddexp2": """logaddexp2(input, other, *, out=None)
--

`log2(2 ** input + 2 ** other)`, without overflow (`torch.logaddexp2`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.logaddexp2(x, x)
tensor([1.2500, 1.5000, 2.0000])
""",
    "logcumsumexp": """logcumsumexp(input, dim, *, out=None)
--

The logarithms of the sums of exponentials so far along an axis (`torch.logcumsumexp`).

>>> torch.logcumsumexp(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([0.2500, 1.0759, 1.7318])
""",
    "logdet": """logdet(input)
--

The logarithm of the determinant, NaN where that is negative (`torch.logdet`).

>>> torch.logdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(nan)
""",
    "logical_and": """logical_and(input, other, *, out=None)
--

Whether both elements are true (`torch.logical_and`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.logical_and(x, x)
tensor([True, True, True])
""",
    "logical_not": """logical_not(input, *, out=None)
--

Whether each element is false (`torch.logical_not`).

>>> torch.logical_not(torch.tensor([0.25, 0.5, 1.0]))
tensor([False, False, False])
""",
    "logical_or": """logical_or(input, other, *, out=None)
--

Whether one of two elements is true (`torch.logical_or`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.logical_or(x, x)
tensor([True, True, True])
""",
    "logical_xor": """logical_xor(input, other, *, out=None)
--

Whether just one of two elements is true (`torch.logical_xor`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.logical_xor(x, x)
tensor([False, False, False])
""",
    "logit": """logit(input, eps=None, *, out=None)
--

`log(input / (1 - input))`, of elements kept `eps` from 0 and 1 (`torch.logit`).

>>> torch.logit(torch.tensor([0.25, 0.5, 1.0]))
tensor([-1.0986,  0.0000,     inf])
""",
    "logit_": """logit_(input, eps=None)
--

`log(input / (1 - input))`, of elements kept `eps` from 0 and 1, in place (`torch.logit_`).

>>> torch.logit_(torch.tensor([0.25, 0.5, 1.0]))
tensor([-1.0986,  0.0000,     inf])
""",
    "logspace": """logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
--

Powers of a base with exponents from `start` to `end` (`torch.logspace`).

>>> torch.logspace(1, 5, 3)
tensor([1.0000e+01, 1.0000e+03, 1.0000e+05])
""",
    "logsumexp": """logsumexp(input, dim, keepdim=False, *, out=None)
--

`log(sum(exp(input)))` along axes, without overflow (`torch.logsumexp`).

>>> torch.logsumexp(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor(1.7318)
""",
    "lstm": """lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
--

A recurrent network of several layers, given its weights (`torch.lstm`).
""",
    "lstm_cell": """lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)
--

One step of a recurrent cell (`torch.lstm_cell`).
""",
    "lt": """lt(input, other, *, out=None)
--

Whether elements are less: `input < other` (`torch.lt`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.lt(x, x)
tensor([False, False, False])
""",
    "masked_fill": """masked_fill(input, mask, value)
--

A copy with `value` where the mask is true (`torch.masked_fill`).

>>> torch.masked_fill(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([True, False, True]), 2.0)
tensor([2.0000, 0.5000, 2.0000])
""",
    "masked_scatter": """masked_scatter(input, mask, source)
--

Elements of `source`, in order, where a mask holds (`torch.masked_scatter`).

>>> torch.masked_scatter(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([True, False, True]), torch.tensor([7.0, 8.0]))
tensor([7.0000, 0.5000, 8.0000])
""",
    "masked_select": """masked_select(input, mask, *, out=None)
--

The elements where a mask holds, as a vector (`torch.masked_select`).

>>> torch.masked_select(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([True, False, True]))
tensor([0.2500, 1.0000])
""",
    "matmul": """matmul(input, other, *, out=None)
--

The matrix product of the last two axes, batches broadcast (`torch.matmul`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.matmul(x, x)
tensor(1.3125)
""",
    "matrix_exp": """matrix_exp(input)
--

The exponential of square matrices (`torch.linalg.matrix_exp`).

>>> torch.matrix_exp(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[ 51.9690,  74.7366],
        [112.1048, 164.0738]])
""",
    "matrix_power": """matrix_power(input, n, *, out=None)
--

A square matrix to a whole power (`torch.linalg.matrix_power`).

>>> torch.matrix_power(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
tensor([[ 7., 10.],
        [15., 22.]])
""",
    "max": """max(input, dim=None, keepdim=False, *, out=None, other=None)
--

The greatest element; along an axis, with its places; or the greater of two tensors (`torch.max`).

Called as

    max(input, *, out=None)
    max(input, other, *, out=None)
    max(input, dim, keepdim=False, *, out=None)

>>> torch.max(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.)
""",
    "max_pool1d": """max_pool1d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False)
--

The largest element of every window (`torch.nn.functional.max_pool1d`).

>>> torch.max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
tensor([[2.],
        [4.]])
""",
    "max_pool1d_with_indices": """max_pool1d_with_indices(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False)
--

The largest element of every window, and its place (`torch.nn.functional.max_pool1d_with_indices`).

>>> torch.max_pool1d_with_indices(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
(tensor([[2.],
        [4.]]), tensor([[1],
        [1]]))
""",
    "max_pool2d": """max_pool2d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False)
--

The largest element of every window (`torch.nn.functional.max_pool2d`).

>>> torch.max_pool2d(torch.ones(1, 2, 2), 2)
tensor([[[1.]]])
""",
    "max_pool3d": """max_pool3d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False)
--

The largest element of every window (`torch.nn.functional.max_pool3d`).

>>> torch.max_pool3d(torch.ones(1, 1, 2, 2, 2), 2)
tensor([[[[[1.]]]]])
""",
    "maximum": """maximum(input, other, *, out=None)
--

The greater of two elements; NaN if one is (`torch.maximum`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.maximum(x, x)
tensor([0.2500, 0.5000, 1.0000])
""",
    "mean": """mean(input, dim=None, keepdim=False, *, dtype=None, out=None)
--

The mean of all elements, or of those along axes (`torch.mean`).

Called as

    mean(input, *, dtype=None, out=None)
    mean(input, dim, keepdim=False, *, dtype=None, out=None)

>>> torch.mean(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.5833)
""",
    "median": """median(input, dim=None, keepdim=False, *, out=None)
--

The median of all elements; along an axis, with its places (`torch.median`).

Called as

    median(input)
    median(input, dim, keepdim=False, *, out=None)

>>> torch.median(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.5000)
""",
    "meshgrid": """meshgrid(*tensors, indexing=None)
--

Coordinates of a grid, an axis a tensor (`torch.meshgrid`).

>>> torch.meshgrid(torch.tensor([1, 2]), torch.tensor([5, 6]), indexing='ij')
(tensor([[1, 1],
        [2, 2]]), tensor([[5, 6],
        [5, 6]]))
""",
    "min": """min(input, dim=None, keepdim=False, *, out=None, other=None)
--

The least element; along an axis, with its places; or the lesser of two tensors (`torch.min`).

Called as

    min(input, *, out=None)
    min(input, other, *, out=None)
    min(input, dim, keepdim=False, *, out=None)

>>> torch.min(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.2500)
""",
    "minimum": """minimum(input, other, *, out=None)
--

The lesser of two elements; NaN if one is (`torch.minimum`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.minimum(x, x)
tensor([0.2500, 0.5000, 1.0000])
""",
    "mm": """mm(input, mat2, *, out=None)
--

The product of two matrices (`torch.mm`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.mm(x, x)
tensor([[ 7., 10.],
        [15., 22.]])
""",
    "mode": """mode(input, dim=-1, keepdim=False, *, out=None)
--

The most frequent value of each row (`torch.mode`).

>>> torch.mode(torch.tensor([0.25, 0.5, 1.0]))
torch.return_types.mode(
values=tensor(0.2500),
indices=tensor(0))
""",
    "moveaxis": """moveaxis(input, source, destination)
--

Axes moved to other places (`torch.movedim`).

>>> torch.moveaxis(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
tensor([[1., 3.],
        [2., 4.]])
""",
    "movedim": """movedim(input, source, destination)
--

Axes moved to other places (`torch.movedim`).

>>> torch.movedim(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
tensor([[1., 3.],
        [2., 4.]])
""",
    "msort": """msort(input, *, out=None)
--

The elements in order along the first axis (`torch.msort`).

>>> torch.msort(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "mul": """mul(input, other, *, out=None)
--

The product of two tensors, element by element: `input * other` (`torch.mul`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.mul(x, x)
tensor([0.0625, 0.2500, 1.0000])
""",
    "multiply": """multiply(input, other, *, out=None)
--

The product of two tensors, element by element: `input * other` (`torch.multiply`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.multiply(x, x)
tensor([0.0625, 0.2500, 1.0000])
""",
    "mv": """mv(input, vec, *, out=None)
--

The product of a matrix and a vector (`torch.mv`).

>>> torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
tensor([21., 43.])
""",
    "mvlgamma": """mvlgamma(input, p, *, out=None)
--

The logarithm of the multivariate gamma function (`torch.special.multigammaln`).

>>> torch.mvlgamma(torch.tensor([0.25, 0.5, 1.0]), 2)
tensor([3.4500,    inf, 1.1447])
""",
    "nan_to_num": """nan_to_num(input, nan=None, posinf=None, neginf=None, *, out=None)
--

Each element, with numbers instead of NaN and the infinities (`torch.nan_to_num`).

>>> torch.nan_to_num(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nan_to_num_": """nan_to_num_(input, nan=None, posinf=None, neginf=None)
--

Each element, with numbers instead of NaN and the infinities, in place (`torch.nan_to_num_`).

>>> torch.nan_to_num_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nanmean": """nanmean(input, dim=None, keepdim=False, *, dtype=None, out=None)
--

The mean of what is not NaN (`torch.nanmean`).

>>> torch.nanmean(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.5833)
""",
    "nanmedian": """nanmedian(input, dim=None, keepdim=False, *, out=None)
--

The median of what is not NaN; along an axis, with its places (`torch.nanmedian`).

Called as

    nanmedian(input)
    nanmedian(input, dim, keepdim=False, *, out=None)

>>> torch.nanmedian(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.5000)
""",
    "nanquantile": """nanquantile(input, q, dim=None, keepdim=False, *, interpolation='linear', out=None)
--

quantile of what is not NaN (`torch.nanquantile`).

>>> torch.nanquantile(torch.tensor([0.25, 0.5, 1.0]), 0.5)
tensor(0.5000)
""",
    "nansum": """nansum(input, dim=None, keepdim=False, *, dtype=None, out=None)
--

The sum of all elements, or of those along axes, NaN counting as zero (`torch.nansum`).

>>> torch.nansum(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.7500)
""",
    "narrow": """narrow(input, dim, start, length)
--

A stretch along an axis (`torch.narrow`).

>>> torch.narrow(torch.tensor([0.25, 0.5, 1.0]), 0, 1, 2)
tensor([0.5000, 1.0000])
""",
    "narrow_copy": """narrow_copy(input, dim, start, length, *, out=None)
--

A copy of a stretch along an axis (`torch.narrow_copy`).

>>> torch.narrow_copy(torch.tensor([0.25, 0.5, 1.0]), 0, 1, 2)
tensor([0.5000, 1.0000])
""",
    "native_channel_shuffle": """native_channel_shuffle(input, groups)
--

Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

>>> torch.native_channel_shuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "ne": """ne(input, other, *, out=None)
--

Whether elements differ: `input != other` (`torch.ne`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.ne(x, x)
tensor([False, False, False])
""",
    "neg": """neg(input, *, out=None)
--

The negative of each element: `-input` (`torch.neg`).

>>> torch.neg(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.2500, -0.5000, -1.0000])
""",
    "neg_": """neg_(input)
--

The negative of each element: `-input`, in place (`torch.neg_`).

>>> torch.neg_(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.2500, -0.5000, -1.0000])
""",
    "negative": """negative(input, *, out=None)
--

The negative of each element: `-input` (`torch.negative`).

>>> torch.negative(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.2500, -0.5000, -1.0000])
""",
    "nextafter": """nextafter(input, other, *, out=None)
--

The number next to `input` on the way to `other` (`torch.nextafter`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nextafter(x, x)
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.adaptive_avg_pool1d": """adaptive_avg_pool1d(input, output_size)
--

Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool1d`).

>>> torch.nn.functional.adaptive_avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
tensor([[1.5000],
        [3.5000]])
""",
    "nn.functional.adaptive_avg_pool2d": """adaptive_avg_pool2d(input, output_size)
--

Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool2d`).

>>> torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 1, 4), 1)
tensor([[[1.]]])
""",
    "nn.functional.adaptive_avg_pool3d": """adaptive_avg_pool3d(input, output_size)
--

Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool3d`).

>>> torch.nn.functional.adaptive_avg_pool3d(torch.ones(1, 1, 2, 2), 1)
tensor([[[[1.]]]])
""",
    "nn.functional.adaptive_max_pool1d": """adaptive_max_pool1d(input, output_size, return_indices=False)
--

The largest elements of as many windows as asked for (`torch.nn.functional.adaptive_max_pool1d`).

>>> torch.nn.functional.adaptive_max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
tensor([[2.],
        [4.]])
""",
    "nn.functional.adaptive_max_pool1d_with_indices": """adaptive_max_pool1d_with_indices(input, output_size, return_indices=False)
--

`adaptive_max_pool1d`, with the places of its values.

>>> torch.nn.functional.adaptive_max_pool1d_with_indices(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
(tensor([[2.],
        [4.]]), tensor([[1],
        [1]]))
""",
    "nn.functional.adaptive_max_pool2d": """adaptive_max_pool2d(input, output_size, return_indices=False)
--

The largest elements of as many windows as asked for (`torch.nn.functional.adaptive_max_pool2d`).

>>> torch.nn.functional.adaptive_max_pool2d(torch.ones(1, 1, 4), 1)
tensor([[[1.]]])
""",
    "nn.functional.adaptive_max_pool2d_with_indices": """adaptive_max_pool2d_with_indices(input, output_size, return_indices=False)
--

`adaptive_max_pool2d`, with the places of its values.

>>> torch.nn.functional.adaptive_max_pool2d_with_indices(torch.ones(1, 1, 4), 1)
(tensor([[[1.]]]), tensor([[[0]]]))
""",
    "nn.functional.adaptive_max_pool3d": """adaptive_max_pool3d(input, output_size, return_indices=False)
--

The largest elements of as many windows as asked for (`torch.nn.functional.adaptive_max_pool3d`).

>>> torch.nn.functional.adaptive_max_pool3d(torch.ones(1, 1, 2, 2), 1)
tensor([[[[1.]]]])
""",
    "nn.functional.adaptive_max_pool3d_with_indices": """adaptive_max_pool3d_with_indices(input, output_size, return_indices=False)
--

`adaptive_max_pool3d`, with the places of its values.

>>> torch.nn.functional.adaptive_max_pool3d_with_indices(torch.ones(1, 1, 2, 2), 1)
(tensor([[[[1.]]]]), tensor([[[[0]]]]))
""",
    "nn.functional.affine_grid": """affine_grid(theta, size, align_corners=None)
--

Where an affine map reads, for each element of its result (`torch.nn.functional.affine_grid`).

>>> import tapegrad
>>> affine_grid(tapegrad.eye(2, 3).unsqueeze(0), (1, 1, 1, 2))
tensor([[[[-0.5000,  0.0000],
          [ 0.5000,  0.0000]]]])

`theta` is (N, 2, 3) for a `size` of (N, C, H, W), (N, 3, 4) for (N, C, D, H, W). Raises ValueError for others.
""",
    "nn.functional.alpha_dropout": """alpha_dropout(input, p=0.5, training=False, inplace=False)
--

Dropout that keeps mean and deviation, for SELU (`torch.nn.functional.alpha_dropout`).

>>> torch.nn.functional.alpha_dropout(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.avg_pool1d": """avg_pool1d(input, kernel_size, stride=(), padding=0, ceil_mode=False, count_include_pad=True)
--

The mean of every window (`torch.nn.functional.avg_pool1d`).

>>> torch.nn.functional.avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
tensor([[1.5000],
        [3.5000]])
""",
    "nn.functional.avg_pool2d": """avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)
--

The mean of every window (`torch.nn.functional.avg_pool2d`).

>>> torch.nn.functional.avg_pool2d(torch.ones(1, 2, 2), 2)
tensor([[[1.]]])
""",
    "nn.functional.avg_pool3d": """avg_pool3d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)
--

The mean of every window (`torch.nn.functional.avg_pool3d`).

>>> torch.nn.functional.avg_pool3d(torch.ones(1, 1, 2, 2, 2), 2)
tensor([[[[[1.]]]]])
""",
    "nn.functional.batch_norm": """batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05)
--

Each channel with mean zero and deviation one over the batch (`torch.nn.functional.batch_norm`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.batch_norm(x, x, x)
tensor([0., 0., 0.])
""",
    "nn.functional.bilinear": """bilinear(input1, input2, weight, bias=None)
--

x₁ᵀ W x₂ for every matrix W (`torch.nn.functional.bilinear`).

>>> torch.nn.functional.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(1, 2, 3))
tensor([[6.]])
""",
    "nn.functional.binary_cross_entropy": """binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction='mean')
--

The cross entropy of probabilities (`torch.nn.functional.binary_cross_entropy`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.binary_cross_entropy(x, x)
tensor(0.4185)
""",
    "nn.functional.binary_cross_entropy_with_logits": """binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction='mean', pos_weight=None)
--

The cross entropy of the sigmoid of `input` (`torch.nn.functional.binary_cross_entropy_with_logits`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.binary_cross_entropy_with_logits(x, x)
tensor(0.6003)
""",
    "nn.functional.celu": """celu(input, alpha=1.0, inplace=False)
--

`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))` (`torch.nn.functional.celu`).

>>> torch.nn.functional.celu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.celu_": """celu_(input, alpha=1.0)
--

`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`, in place (`torch.nn.functional.celu_`).

>>> torch.nn.functional.celu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.channel_shuffle": """channel_shuffle(input, groups)
--

Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

>>> torch.nn.functional.channel_shuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "nn.functional.conv1d": """conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
--

Kernels applied at every place of 1 axes (`torch.nn.functional.conv1d`).

>>> torch.nn.functional.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
tensor([[[2., 2.]]])
""",
    "nn.functional.conv2d": """conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
--

Kernels applied at every place of 2 axes (`torch.nn.functional.conv2d`).

>>> torch.nn.functional.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
tensor([[[[4.]]]])
""",
    "nn.functional.conv3d": """conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
--

Kernels applied at every place of 3 axes (`torch.nn.functional.conv3d`).

>>> torch.nn.functional.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
tensor([[[[[8.]]]]])
""",
    "nn.functional.conv_tbc": """conv_tbc(input, weight, bias, pad=0)
--

A convolution in one axis of (time, batch, channel) (`torch.nn.functional.conv_tbc`).

>>> torch.nn.functional.conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1))
tensor([[[2.]],
<BLANKLINE>
        [[2.]]])
""",
    "nn.functional.conv_transpose1d": """conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)
--

The adjoint of a convolution in 1 axes (`torch.nn.functional.conv_transpose1d`).

>>> torch.nn.functional.conv_transpose1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
tensor([[[1., 2., 2., 1.]]])
""",
    "nn.functional.conv_transpose2d": """conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)
--

The adjoint of a convolution in 2 axes (`torch.nn.functional.conv_transpose2d`).

>>> torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
tensor([[[[1., 2., 1.],
          [2., 4., 2.],
          [1., 2., 1.]]]])
""",
    "nn.functional.conv_transpose3d": """conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)
--

The adjoint of a convolution in 3 axes (`torch.nn.functional.conv_transpose3d`).

>>> torch.nn.functional.conv_transpose3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
tensor([[[[[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]],
<BLANKLINE>
          [[2., 4., 2.],
           [4., 8., 4.],
           [2., 4., 2.]],
<BLANKLINE>
          [[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]]]]])
""",
    "nn.functional.cosine_embedding_loss": """cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction='mean')
--

How far pairs are from being alike (target 1) or not (-1), by the cosine of their angle (`torch.nn.functional.cosine_embedding_loss`).
""",
    "nn.functional.cosine_similarity": """cosine_similarity(x1, x2, dim=1, eps=1e-08)
--

The cosine of the angle between vectors (`torch.nn.functional.cosine_similarity`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.nn.functional.cosine_similarity(x, x)
tensor([1.0000, 1.0000])
""",
    "nn.functional.cross_entropy": """cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean', label_smoothing=0.0)
--

The cross entropy of classes, or of class probabilities (`torch.nn.functional.cross_entropy`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.cross_entropy(x, x)
tensor(1.7182)
""",
    "nn.functional.ctc_loss": """ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction='mean', zero_infinity=False)
--

Minus the log-likelihood of texts, over all alignments (`torch.nn.functional.ctc_loss`).

>>> import tapegrad
>>> ctc_loss(tapegrad.zeros(2, 1, 3).log_softmax(2), tapegrad.tensor([[1]]), [2], [1])
tensor(1.0986)

`log_probs` is (T, N, C) or (T, C), `targets` (N, S) or all texts one after the other. `mean` divides each by its
length. The gradient is that of the probabilities that `log_probs` are logarithms of, as PyTorch's: it is to go on
through `log_softmax`. From Graves et al. (2006).
""",
    "nn.functional.dropout": """dropout(input, p=0.5, training=True, inplace=False)
--

Elements set to zero at random, the others scaled up (`torch.nn.functional.dropout`).

>>> import tapegrad
>>> _ = tapegrad.manual_seed(0)
>>> dropout(tapegrad.ones(4), 0.5)
tensor([0., 0., 2., 0.])
""",
    "nn.functional.dropout1d": """dropout1d(input, p=0.5, training=True, inplace=False)
--

Whole channels set to zero at random (`torch.nn.functional.dropout1d`).
""",
    "nn.functional.dropout2d": """dropout2d(input, p=0.5, training=True, inplace=False)
--

Whole channels set to zero at random (`torch.nn.functional.dropout2d`).
""",
    "nn.functional.dropout3d": """dropout3d(input, p=0.5, training=True, inplace=False)
--

Whole channels set to zero at random (`torch.nn.functional.dropout3d`).
""",
    "nn.functional.elu": """elu(input, alpha=1.0, inplace=False)
--

Each element; where it is negative, `alpha * (exp(input) - 1)` (`torch.nn.functional.elu`).

>>> torch.nn.functional.elu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.elu_": """elu_(input, alpha=1.0)
--

Each element; where it is negative, `alpha * (exp(input) - 1)`, in place (`torch.nn.functional.elu_`).

>>> torch.nn.functional.elu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.embedding": """embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False)
--

The rows of a table (`torch.nn.functional.embedding`).

>>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1.0], [3.0]]))
tensor([[3.],
        [1.]])
""",
    "nn.functional.embedding_bag": """embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode='mean', sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None)
--

Rows of a table put together by bags (`torch.nn.functional.embedding_bag`).

>>> import tapegrad
>>> embedding_bag(tapegrad.tensor([1, 2, 0]), tapegrad.eye(3), tapegrad.tensor([0, 2]), mode="sum")
tensor([[0., 1., 1.],
        [1., 0., 0.]])

`input` is (B, N), a bag a row, or flat with the `offsets` of the bags. Rows at `padding_idx` do not count, and a
bag of none is zero. Raises ValueError, RuntimeError for indices and offsets that do not fit.
""",
    "nn.functional.feature_alpha_dropout": """feature_alpha_dropout(input, p=0.5, training=False, inplace=False)
--

The same by channels (`torch.nn.functional.feature_alpha_dropout`).

>>> torch.nn.functional.feature_alpha_dropout(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.fold": """fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1)
--

Columns added up where their windows lie: the adjoint of `unfold` (`torch.nn.functional.fold`).

>>> torch.nn.functional.fold(torch.ones(1, 4, 1), output_size=(2, 2), kernel_size=(2, 2))
tensor([[[[1., 1.],
          [1., 1.]]]])
""",
    "nn.functional.fractional_max_pool2d": """fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None)
--

The largest elements of windows that lie at random (`torch.nn.functional.fractional_max_pool2d`).
""",
    "nn.functional.fractional_max_pool2d_with_indices": """fractional_max_pool2d_with_indices(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None)
--

`fractional_max_pool2d`, with the places of its values.
""",
    "nn.functional.fractional_max_pool3d": """fractional_max_pool3d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None)
--

The largest elements of windows that lie at random (`torch.nn.functional.fractional_max_pool3d`).
""",
    "nn.functional.fractional_max_pool3d_with_indices": """fractional_max_pool3d_with_indices(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None)
--

`fractional_max_pool3d`, with the places of its values.
""",
    "nn.functional.gaussian_nll_loss": """gaussian_nll_loss(input, target, var, full=False, eps=1e-06, reduction='mean')
--

The negative log-likelihood of a normal distribution (`torch.nn.functional.gaussian_nll_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.gaussian_nll_loss(x, x, x)
tensor(-0.3466)
""",
    "nn.functional.gelu": """gelu(input, approximate='none')
--

The Gaussian error linear unit (`torch.nn.functional.gelu`).

>>> torch.nn.functional.gelu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1497, 0.3457, 0.8413])
""",
    "nn.functional.glu": """glu(input, dim=-1)
--

The first half times the sigmoid of the second (`torch.nn.functional.glu`).

>>> torch.nn.functional.glu(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[0.8808],
        [2.9460]])
""",
    "nn.functional.grid_sample": """grid_sample(input, grid, mode='bilinear', padding_mode='zeros', align_corners=None)
--

Images read at places between -1 and 1 (`torch.nn.functional.grid_sample`).

>>> import tapegrad
>>> image = tapegrad.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
>>> grid_sample(image, tapegrad.zeros(1, 1, 1, 2))
tensor([[[[1.5000]]]])

`input` is (N, C, H, W), `grid` (N, H', W', 2) with x before y, or both with a depth. `mode` is `bilinear`,
`nearest` or, of images, `bicubic`; outside there is zero, the border, or a reflection.

Raises ValueError for a mode that is none, RuntimeError for shapes and dtypes that do not fit.
""",
    "nn.functional.group_norm": """group_norm(input, num_groups, weight=None, bias=None, eps=1e-05)
--

Channels normalised in groups (`torch.nn.functional.group_norm`).

>>> torch.nn.functional.group_norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
tensor([[-1.0000,  1.0000],
        [-1.0000,  1.0000]])
""",
    "nn.functional.gumbel_softmax": """gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1)
--

A softmax of noisy logits: a category that gradients go through (`torch.nn.functional.gumbel_softmax`).

>>> import tapegrad
>>> _ = tapegrad.manual_seed(0)
>>> gumbel_softmax(tapegrad.zeros(3), hard=True)
tensor([0., 0., 1.])

`hard` gives the category alone, with the gradient of the soft one. From Jang et al. (2017), and Maddison et al.
(2017).
""",
    "nn.functional.hardshrink": """hardshrink(input, lambd=0.5, *, out=None)
--

Each element, or zero where it is within `lambd` of it (`torch.nn.functional.hardshrink`).

>>> torch.nn.functional.hardshrink(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "nn.functional.hardsigmoid": """hardsigmoid(input, inplace=False)
--

`relu6(input + 3) / 6` (`torch.nn.functional.hardsigmoid`).

>>> torch.nn.functional.hardsigmoid(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5417, 0.5833, 0.6667])
""",
    "nn.functional.hardsigmoid_": """hardsigmoid_(input, inplace=False)
--

`relu6(input + 3) / 6`, in place (`torch.nn.functional.hardsigmoid_`).

>>> torch.nn.functional.hardsigmoid_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5417, 0.5833, 0.6667])
""",
    "nn.functional.hardswish": """hardswish(input, inplace=False)
--

`input * relu6(input + 3) / 6` (`torch.nn.functional.hardswish`).

>>> torch.nn.functional.hardswish(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1354, 0.2917, 0.6667])
""",
    "nn.functional.hardswish_": """hardswish_(input, inplace=False)
--

`input * relu6(input + 3) / 6`, in place (`torch.nn.functional.hardswish_`).

>>> torch.nn.functional.hardswish_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1354, 0.2917, 0.6667])
""",
    "nn.functional.hardtanh": """hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False)
--

Each element kept between `min_val` and `max_val` (`torch.nn.functional.hardtanh`).

>>> torch.nn.functional.hardtanh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.hardtanh_": """hardtanh_(input, min_val=-1.0, max_val=1.0)
--

Each element kept between `min_val` and `max_val`, in place (`torch.nn.functional.hardtanh_`).

>>> torch.nn.functional.hardtanh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.hinge_embedding_loss": """hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction='mean')
--

`input` where the target is 1, `max(0, margin - input)` where it is -1 (`torch.nn.functional.hinge_embedding_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.hinge_embedding_loss(x, x)
tensor(1.)
""",
    "nn.functional.huber_loss": """huber_loss(input, target, reduction='mean', delta=1.0, weight=None)
--

Squared near zero, linear beyond `delta` (`torch.nn.functional.huber_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.huber_loss(x, x)
tensor(0.)
""",
    "nn.functional.instance_norm": """instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05)
--

Each channel of each sample by itself (`torch.nn.functional.instance_norm`).

>>> torch.nn.functional.instance_norm(torch.ones(1, 1, 4))
tensor([[[0., 0., 0., 0.]]])
""",
    "nn.functional.interpolate": """interpolate(input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None, antialias=False)
--

An image in another size (`torch.nn.functional.interpolate`).

`mode` is "nearest", "nearest-exact" or "area", or "linear", "bilinear" and "bicubic", "trilinear" for one, two,
three axes. With `antialias` an image that becomes smaller is smoothed as it needs. Raises NotImplementedError for a
mode that the input has not the axes for, ValueError for options that do not go with it.

>>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
tensor([[[1., 1., 2., 2.]]])
""",
    "nn.functional.kl_div": """kl_div(input, target, size_average=None, reduce=None, reduction='mean', log_target=False)
--

The Kullback-Leibler divergence from log-probabilities (`torch.nn.functional.kl_div`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.kl_div(x, x)
tensor(-0.6685)
""",
    "nn.functional.l1_loss": """l1_loss(input, target, size_average=None, reduce=None, reduction='mean', weight=None)
--

The mean absolute difference (`torch.nn.functional.l1_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.l1_loss(x, x)
tensor(0.)
""",
    "nn.functional.layer_norm": """layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05)
--

Rows brought to mean 0 and variance 1, scaled and shifted (`torch.nn.functional.layer_norm`).

>>> torch.nn.functional.layer_norm(torch.tensor([0.25, 0.5, 1.0]), (3,))
tensor([-1.0690, -0.2672,  1.3362])
""",
    "nn.functional.leaky_relu": """leaky_relu(input, negative_slope=0.01, inplace=False)
--

Each element, times `negative_slope` where it is negative (`torch.nn.functional.leaky_relu`).

>>> torch.nn.functional.leaky_relu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.leaky_relu_": """leaky_relu_(input, negative_slope=0.01)
--

Each element, times `negative_slope` where it is negative, in place (`torch.nn.functional.leaky_relu_`).

>>> torch.nn.functional.leaky_relu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.linear": """linear(input, weight, bias=None)
--

`input @ weight.T + bias` (`torch.nn.functional.linear`).

>>> torch.nn.functional.linear(torch.tensor([1.0, 2.0]), torch.ones(1, 2), torch.ones(1))
tensor([4.])
""",
    "nn.functional.linear_cross_entropy": """linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction='mean', ignore_index=None, label_smoothing=0.0, options=None)
--

The cross entropy of a linear layer's logits (`torch.nn.functional.linear_cross_entropy`).

The layer's weight is (classes, …, features); `options`, which save memory in PyTorch, are taken and not needed.

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.nn.functional.linear_cross_entropy(x, x, x)
tensor(24.0037)
""",
    "nn.functional.local_response_norm": """local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0)
--

Each element divided by what its neighbouring channels hold (`torch.nn.functional.local_response_norm`).

>>> torch.nn.functional.local_response_norm(torch.ones(1, 1, 2), size=2)
tensor([[[1.0000, 1.0000]]])
""",
    "nn.functional.log_softmax": """log_softmax(input, dim=None, _stacklevel=3, dtype=None)
--

The logarithm of softmax, in one step (`torch.nn.functional.log_softmax`).

>>> torch.nn.functional.log_softmax(torch.tensor([0.25, 0.5, 1.0]))
tensor([-1.4818, -1.2318, -0.7318])
""",
    "nn.functional.logsigmoid": """logsigmoid(input)
--

The logarithm of the sigmoid (`torch.nn.functional.logsigmoid`).

>>> torch.nn.functional.logsigmoid(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.5759, -0.4741, -0.3133])
""",
    "nn.functional.lp_pool1d": """lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False)
--

The norm of every window (`torch.nn.functional.lp_pool1d`).

>>> torch.nn.functional.lp_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2.0, 2)
tensor([[2.2361],
        [5.0000]])
""",
    "nn.functional.lp_pool2d": """lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False)
--

The norm of every window (`torch.nn.functional.lp_pool2d`).

>>> torch.nn.functional.lp_pool2d(torch.ones(1, 2, 2), 2.0, 2)
tensor([[[2.]]])
""",
    "nn.functional.lp_pool3d": """lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False)
--

The norm of every window (`torch.nn.functional.lp_pool3d`).

>>> torch.nn.functional.lp_pool3d(torch.ones(1, 1, 2, 2, 2), 2.0, 2)
tensor([[[[[2.8284]]]]])
""",
    "nn.functional.margin_ranking_loss": """margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction='mean')
--

By how much the first is not above the second where the target is 1, below where it is -1 (`torch.nn.functional.margin_ranking_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.margin_ranking_loss(x, x, x)
tensor(0.)
""",
    "nn.functional.max_pool1d": """max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
--

The largest element of every window (`torch.nn.functional.max_pool1d`).

>>> torch.nn.functional.max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
tensor([[2.],
        [4.]])
""",
    "nn.functional.max_pool1d_with_indices": """max_pool1d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
--

The largest element of every window, and its place (`torch.nn.functional.max_pool1d_with_indices`).

>>> torch.nn.functional.max_pool1d_with_indices(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
(tensor([[2.],
        [4.]]), tensor([[1],
        [1]]))
""",
    "nn.functional.max_pool2d": """max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
--

The largest element of every window (`torch.nn.functional.max_pool2d`).

>>> torch.nn.functional.max_pool2d(torch.ones(1, 2, 2), 2)
tensor([[[1.]]])
""",
    "nn.functional.max_pool2d_with_indices": """max_pool2d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
--

The largest element of every window, and its place (`torch.nn.functional.max_pool2d_with_indices`).

>>> torch.nn.functional.max_pool2d_with_indices(torch.ones(1, 2, 2), 2)
(tensor([[[1.]]]), tensor([[[0]]]))
""",
    "nn.functional.max_pool3d": """max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
--

The largest element of every window (`torch.nn.functional.max_pool3d`).

>>> torch.nn.functional.max_pool3d(torch.ones(1, 1, 2, 2, 2), 2)
tensor([[[[[1.]]]]])
""",
    "nn.functional.max_pool3d_with_indices": """max_pool3d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
--

The largest element of every window, and its place (`torch.nn.functional.max_pool3d_with_indices`).

>>> torch.nn.functional.max_pool3d_with_indices(torch.ones(1, 1, 2, 2, 2), 2)
(tensor([[[[[1.]]]]]), tensor([[[[[0]]]]]))
""",
    "nn.functional.max_unpool1d": """max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None)
--

Values back at the places that max pooling took them from (`torch.nn.functional.max_unpool1d`).

>>> torch.nn.functional.max_unpool1d(torch.ones(1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64), 2)
tensor([[[1., 0.]]])
""",
    "nn.functional.max_unpool2d": """max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None)
--

Values back at the places that max pooling took them from (`torch.nn.functional.max_unpool2d`).

>>> torch.nn.functional.max_unpool2d(torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1, dtype=torch.int64), 2)
tensor([[[[1., 0.],
          [0., 0.]]]])
""",
    "nn.functional.max_unpool3d": """max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None)
--

Values back at the places that max pooling took them from (`torch.nn.functional.max_unpool3d`).

>>> torch.nn.functional.max_unpool3d(torch.ones(1, 1, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1, dtype=torch.int64), 2)
tensor([[[[[1., 0.],
           [0., 0.]],
<BLANKLINE>
          [[0., 0.],
           [0., 0.]]]]])
""",
    "nn.functional.mish": """mish(input, inplace=False)
--

`input * tanh(softplus(input))` (`torch.nn.functional.mish`).

>>> torch.nn.functional.mish(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1696, 0.3752, 0.8651])
""",
    "nn.functional.mish_": """mish_(input, inplace=False)
--

`input * tanh(softplus(input))`, in place (`torch.nn.functional.mish_`).

>>> torch.nn.functional.mish_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1696, 0.3752, 0.8651])
""",
    "nn.functional.mse_loss": """mse_loss(input, target, size_average=None, reduce=None, reduction='mean', weight=None)
--

The mean squared difference (`torch.nn.functional.mse_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.mse_loss(x, x)
tensor(0.)
""",
    "nn.functional.multi_head_attention_forward": """multi_head_attention_forward(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True, attn_mask=None, use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None, average_attn_weights=True, is_causal=False)
--

What `nn.MultiheadAttention` computes (`torch.nn.functional.multi_head_attention_forward`).

Queries are (L, N, E) or (L, E), keys and values (S, N, …) or (S, …). The result, and the weights, of each head or
their mean, unless `need_weights` is False.
""",
    "nn.functional.multi_margin_loss": """multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction='mean')
--

By how much other classes come near the right one (`torch.nn.functional.multi_margin_loss`).

>>> torch.nn.functional.multi_margin_loss(torch.tensor([[0.1, 0.9]]), torch.tensor([1]))
tensor(0.1000)
""",
    "nn.functional.multilabel_margin_loss": """multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction='mean')
--

multi_margin_loss for several right classes, -1 after the last (`torch.nn.functional.multilabel_margin_loss`).

>>> torch.nn.functional.multilabel_margin_loss(torch.tensor([0.1, 0.9]), torch.tensor([1, -1]))
tensor(0.1000)
""",
    "nn.functional.multilabel_soft_margin_loss": """multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction='mean')
--

The mean over classes of their cross entropies (`torch.nn.functional.multilabel_soft_margin_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.multilabel_soft_margin_loss(x, x)
tensor(0.6003)
""",
    "nn.functional.native_channel_shuffle": """native_channel_shuffle(input, groups)
--

Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

>>> torch.nn.functional.native_channel_shuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "nn.functional.nll_loss": """nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean')
--

The negative log-likelihood of classes (`torch.nn.functional.nll_loss`).

>>> torch.nn.functional.nll_loss(torch.tensor([[-0.5, -1.0]]), torch.tensor([0]))
tensor(0.5000)
""",
    "nn.functional.normalize": """normalize(input, p=2.0, dim=1, eps=1e-12, out=None)
--

Rows divided by their norm (`torch.nn.functional.normalize`).

>>> torch.nn.functional.normalize(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[0.4472, 0.8944],
        [0.6000, 0.8000]])
""",
    "nn.functional.one_hot": """one_hot(tensor, num_classes=-1)
--

Ones where a class is (`torch.nn.functional.one_hot`).

>>> torch.nn.functional.one_hot(torch.tensor([1, 2, 3]))
tensor([[0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1]])
""",
    "nn.functional.pad": """pad(input, pad, mode='constant', value=None)
--

An array with a border (`torch.nn.functional.pad`).

>>> import tapegrad
>>> x = tapegrad.arange(3.0).reshape(1, 3)
>>> tapegrad.nn.functional.pad(x, (2, 1), mode="reflect")
tensor([[2., 1., 0., 1., 2., 1.]])

`pad` has two numbers an axis, the last axis first; negative ones cut. `mode` is "constant", "reflect",
"replicate" or "circular"; all but the first take two or three axes, four, or five, as PyTorch does. Raises
RuntimeError for a border that does not fit the axis, NotImplementedError for shapes that a mode does not take.
""",
    "nn.functional.pairwise_distance": """pairwise_distance(x1, x2, p=2.0, eps=1e-06, keepdim=False)
--

The norms of differences (`torch.nn.functional.pairwise_distance`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.pairwise_distance(x, x)
tensor(1.7321e-06)
""",
    "nn.functional.pdist": """pdist(input, p=2.0)
--

Distances of every pair of rows (`torch.nn.functional.pdist`).

>>> torch.nn.functional.pdist(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([2.8284])
""",
    "nn.functional.pixel_shuffle": """pixel_shuffle(input, upscale_factor)
--

Channels spread over finer rows and columns (`torch.nn.functional.pixel_shuffle`).

>>> torch.nn.functional.pixel_shuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "nn.functional.pixel_unshuffle": """pixel_unshuffle(input, downscale_factor)
--

Blocks of rows and columns as channels (`torch.nn.functional.pixel_unshuffle`).

>>> torch.nn.functional.pixel_unshuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "nn.functional.poisson_nll_loss": """poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction='mean')
--

The negative log-likelihood of a Poisson distribution (`torch.nn.functional.poisson_nll_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.poisson_nll_loss(x, x)
tensor(1.4462)
""",
    "nn.functional.prelu": """prelu(input, weight)
--

Leaky ReLU with a slope a channel (`torch.nn.functional.prelu`).

>>> torch.nn.functional.prelu(torch.tensor([-1.0, 2.0]), torch.tensor([0.25]))
tensor([-0.2500,  2.0000])
""",
    "nn.functional.relu": """relu(input, inplace=False)
--

Each element, or zero where it is negative (`torch.nn.functional.relu`).

>>> torch.nn.functional.relu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.relu6": """relu6(input, inplace=False)
--

Each element kept between 0 and 6 (`torch.nn.functional.relu6`).

>>> torch.nn.functional.relu6(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.relu6_": """relu6_(input, inplace=False)
--

Each element kept between 0 and 6, in place (`torch.nn.functional.relu6_`).

>>> torch.nn.functional.relu6_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.relu_": """relu_(input)
--

Each element, or zero where it is negative, in place (`torch.nn.functional.relu_`).

>>> torch.nn.functional.relu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.rms_norm": """rms_norm(input, normalized_shape, weight=None, eps=None)
--

The last axes divided by their root mean square (`torch.nn.functional.rms_norm`).

>>> torch.nn.functional.rms_norm(torch.tensor([0.25, 0.5, 1.0]), (3,))
tensor([0.3780, 0.7559, 1.5119])
""",
    "nn.functional.rrelu": """rrelu(input, lower=0.125, upper=0.3333333333333333, training=False, inplace=False)
--

Leaky, with a slope drawn for each element (`torch.nn.functional.rrelu`); their mean when not training.

>>> torch.nn.functional.rrelu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.rrelu_": """rrelu_(input, lower=0.125, upper=0.3333333333333333, training=False)
--

Leaky ReLU with slopes drawn between `lower` and `upper`, in place (`torch.nn.functional.rrelu_`).

>>> torch.nn.functional.rrelu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "nn.functional.scaled_dot_product_attention": """scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False)
--

`softmax(query @ key.mT · scale + mask) @ value` (`torch.nn.functional.scaled_dot_product_attention`).

>>> import tapegrad
>>> q = tapegrad.tensor([[1.0, 0.0]])
>>> scaled_dot_product_attention(q, tapegrad.eye(2), tapegrad.tensor([[1.0], [0.0]]), scale=0.0)
tensor([[0.5000]])

Queries are (…, L, E), keys (…, S, E), values (…, S, Ev); `scale` is 1/√E. A mask of bools says where to look, one
of floats is added; `is_causal` looks at the keys up to the query's own place. Where nothing may be looked at the
result is zero. Under `enable_gqa` some heads of keys and values serve several of queries.

Raises RuntimeError for dtypes or shapes that do not fit.
""",
    "nn.functional.selu": """selu(input, inplace=False)
--

ELU with the constants that keep mean and variance through many layers (`torch.nn.functional.selu`).

>>> torch.nn.functional.selu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2627, 0.5254, 1.0507])
""",
    "nn.functional.selu_": """selu_(input)
--

ELU with the constants that keep mean and variance through many layers, in place (`torch.nn.functional.selu_`).

>>> torch.nn.functional.selu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2627, 0.5254, 1.0507])
""",
    "nn.functional.sigmoid": """sigmoid(input)
--

`1 / (1 + exp(-input))` (`torch.nn.functional.sigmoid`).

>>> torch.nn.functional.sigmoid(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5622, 0.6225, 0.7311])
""",
    "nn.functional.sigmoid_": """sigmoid_(input)
--

`1 / (1 + exp(-input))`, in place (`torch.nn.functional.sigmoid_`).

>>> torch.nn.functional.sigmoid_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5622, 0.6225, 0.7311])
""",
    "nn.functional.silu": """silu(input, inplace=False)
--

`input * sigmoid(input)` (`torch.nn.functional.silu`).

>>> torch.nn.functional.silu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1405, 0.3112, 0.7311])
""",
    "nn.functional.silu_": """silu_(input, inplace=False)
--

`input * sigmoid(input)`, in place (`torch.nn.functional.silu_`).

>>> torch.nn.functional.silu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1405, 0.3112, 0.7311])
""",
    "nn.functional.smooth_l1_loss": """smooth_l1_loss(input, target, size_average=None, reduce=None, reduction='mean', beta=1.0)
--

Squared where the difference is below `beta`, absolute beyond (`torch.nn.functional.smooth_l1_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.smooth_l1_loss(x, x)
tensor(0.)
""",
    "nn.functional.soft_margin_loss": """soft_margin_loss(input, target, size_average=None, reduce=None, reduction='mean')
--

`log(1 + exp(-target * input))` (`torch.nn.functional.soft_margin_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.soft_margin_loss(x, x)
tensor(0.5172)
""",
    "nn.functional.softmax": """softmax(input, dim=None, _stacklevel=3, dtype=None)
--

Exponentials along an axis, scaled so that they add up to one (`torch.nn.functional.softmax`).

>>> torch.nn.functional.softmax(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2272, 0.2918, 0.4810])
""",
    "nn.functional.softmin": """softmin(input, dim=None, _stacklevel=3, dtype=None)
--

softmax of the negative (`torch.nn.functional.softmin`).

>>> torch.nn.functional.softmin(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.4442, 0.3460, 0.2098])
""",
    "nn.functional.softplus": """softplus(input, beta=1, threshold=20, *, out=None)
--

`log(1 + exp(beta * input)) / beta`; the element itself above `threshold` (`torch.nn.functional.softplus`).

>>> torch.nn.functional.softplus(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.8259, 0.9741, 1.3133])
""",
    "nn.functional.softshrink": """softshrink(input, lambd=0.5, *, out=None)
--

Each element moved by `lambd` towards zero (`torch.nn.functional.softshrink`).

>>> torch.nn.functional.softshrink(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.0000, 0.0000, 0.5000])
""",
    "nn.functional.softsign": """softsign(input)
--

`input / (1 + |input|)` (`torch.nn.functional.softsign`).

>>> torch.nn.functional.softsign(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2000, 0.3333, 0.5000])
""",
    "nn.functional.tanh": """tanh(input)
--

The hyperbolic tangent of each element (`torch.nn.functional.tanh`).

>>> torch.nn.functional.tanh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2449, 0.4621, 0.7616])
""",
    "nn.functional.tanh_": """tanh_(input)
--

The hyperbolic tangent of each element, in place (`torch.nn.functional.tanh_`).

>>> torch.nn.functional.tanh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2449, 0.4621, 0.7616])
""",
    "nn.functional.tanhshrink": """tanhshrink(input)
--

`input - tanh(input)` (`torch.nn.functional.tanhshrink`).

>>> torch.nn.functional.tanhshrink(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.0051, 0.0379, 0.2384])
""",
    "nn.functional.threshold": """threshold(input, threshold, value, inplace=False)
--

Each element, or `value` where it is not above `threshold` (`torch.nn.functional.threshold`).

>>> torch.nn.functional.threshold(torch.tensor([0.25, 0.5, 1.0]), 0.5, 2.0)
tensor([2., 2., 1.])
""",
    "nn.functional.threshold_": """threshold_(input, threshold, value)
--

Each element, or `value` where it is not above `threshold`, in place (`torch.nn.functional.threshold_`).

>>> torch.nn.functional.threshold_(torch.tensor([0.25, 0.5, 1.0]), 0.5, 2.0)
tensor([2., 2., 1.])
""",
    "nn.functional.triplet_margin_loss": """triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-06, swap=False, size_average=None, reduce=None, reduction='mean')
--

By how much the negative is not farther than the positive (`torch.nn.functional.triplet_margin_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.triplet_margin_loss(x, x, x)
tensor(1.)
""",
    "nn.functional.triplet_margin_with_distance_loss": """triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction='mean')
--

The same by any distance (`torch.nn.functional.triplet_margin_with_distance_loss`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.nn.functional.triplet_margin_with_distance_loss(x, x, x)
tensor(1.)
""",
    "nn.functional.unfold": """unfold(input, kernel_size, dilation=1, padding=0, stride=1)
--

Every window as a column (`torch.nn.functional.unfold`).

>>> torch.nn.functional.unfold(torch.ones(1, 2, 2), 2)
tensor([[1.],
        [1.],
        [1.],
        [1.]])
""",
    "nn.functional.upsample": """upsample(input, size=None, scale_factor=None, mode='nearest', align_corners=None)
--

An image in another size (`torch.nn.functional.interpolate`).

`mode` is "nearest", "nearest-exact" or "area", or "linear", "bilinear" and "bicubic", "trilinear" for one, two,
three axes. With `antialias` an image that becomes smaller is smoothed as it needs. Raises NotImplementedError for a
mode that the input has not the axes for, ValueError for options that do not go with it.

>>> torch.nn.functional.upsample(torch.tensor([[[1.0, 2.0]]]), 4)
tensor([[[1., 1., 2., 2.]]])
""",
    "nn.functional.upsample_bilinear": """upsample_bilinear(input, size=None, scale_factor=None)
--

`interpolate` of one mode (`torch.nn.functional.upsample_bilinear`).

>>> torch.nn.functional.upsample_bilinear(torch.ones(1, 1, 1, 1), (1, 2))
tensor([[[[1., 1.]]]])
""",
    "nn.functional.upsample_nearest": """upsample_nearest(input, size=None, scale_factor=None)
--

`interpolate` of one mode (`torch.nn.functional.upsample_nearest`).

>>> torch.nn.functional.upsample_nearest(torch.tensor([[[1.0, 2.0]]]), 4)
tensor([[[1., 1., 2., 2.]]])
""",
    "nonzero": """nonzero(input, *, as_tuple=False, out=None)
--

The positions of elements that are not zero (`torch.nonzero`).

>>> torch.nonzero(torch.tensor([0.25, 0.5, 1.0]))
tensor([[0],
        [1],
        [2]])
""",
    "norm": """norm(input, p='fro', dim=None, keepdim=False, out=None, dtype=None)
--

A vector norm, or for `p="nuc"` a matrix norm (`torch.norm`).

>>> torch.norm(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.1456)
""",
    "not_equal": """not_equal(input, other, *, out=None)
--

Whether elements differ: `input != other` (`torch.not_equal`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.not_equal(x, x)
tensor([False, False, False])
""",
    "numel": """numel(input)
--

The number of elements (`torch.numel`).

>>> torch.numel(torch.tensor([0.25, 0.5, 1.0]))
3
""",
    "outer": """outer(input, vec2, *, out=None)
--

Every product of two vectors' elements (`torch.outer`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.outer(x, x)
tensor([[0.0625, 0.1250, 0.2500],
        [0.1250, 0.2500, 0.5000],
        [0.2500, 0.5000, 1.0000]])
""",
    "pairwise_distance": """pairwise_distance(x1, x2, p=2.0, eps=1e-06, keepdim=False)
--

The norms of differences (`torch.nn.functional.pairwise_distance`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.pairwise_distance(x, x)
tensor(1.7321e-06)
""",
    "pdist": """pdist(input, p=2.0)
--

Distances of every pair of rows (`torch.nn.functional.pdist`).

>>> torch.pdist(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([2.8284])
""",
    "permute": """permute(input, dims)
--

Axes in another order (`torch.permute`).

>>> torch.permute(torch.tensor([0.25, 0.5, 1.0]), (0,))
tensor([0.2500, 0.5000, 1.0000])
""",
    "pinverse": """pinverse(input, rcond=1e-15)
--

The pseudo-inverse (`torch.pinverse`).

>>> torch.pinverse(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[-2.0000,  1.0000],
        [ 1.5000, -0.5000]])
""",
    "pixel_shuffle": """pixel_shuffle(input, upscale_factor)
--

Channels spread over finer rows and columns (`torch.nn.functional.pixel_shuffle`).

>>> torch.pixel_shuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "pixel_unshuffle": """pixel_unshuffle(input, downscale_factor)
--

Blocks of rows and columns as channels (`torch.nn.functional.pixel_unshuffle`).

>>> torch.pixel_unshuffle(torch.ones(1, 1, 4), 1)
tensor([[[1., 1., 1., 1.]]])
""",
    "polygamma": """polygamma(n, input, *, out=None)
--

The n-th derivative of the digamma function (`torch.special.polygamma`).

>>> torch.polygamma(2, torch.tensor([0.25, 0.5, 1.0]))
tensor([-129.3277,  -16.8288,   -2.4041])
""",
    "positive": """positive(input)
--

The tensor itself (`torch.positive`).

>>> torch.positive(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "pow": """pow(input, exponent, *, out=None)
--

Each element to a power: `input ** exponent` (`torch.pow`).

>>> torch.pow(torch.tensor([0.25, 0.5, 1.0]), 2)
tensor([0.0625, 0.2500, 1.0000])
""",
    "prelu": """prelu(input, weight)
--

Leaky ReLU with a slope a channel (`torch.nn.functional.prelu`).

>>> torch.prelu(torch.tensor([-1.0, 2.0]), torch.tensor([0.25]))
tensor([-0.2500,  2.0000])
""",
    "prod": """prod(input, dim=None, keepdim=False, *, dtype=None, out=None)
--

The product of all elements, or of those along an axis (`torch.prod`).

Called as

    prod(input, *, dtype=None)
    prod(input, dim, keepdim=False, *, dtype=None, out=None)

>>> torch.prod(torch.tensor([0.25, 0.5, 1.0]))
tensor(0.1250)
""",
    "put": """put(input, index, source, accumulate=False)
--

Elements written at positions in the flattened tensor (`torch.put`).

>>> torch.put(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
tensor([8.0000, 0.5000, 1.0000])
""",
    "quantile": """quantile(input, q, dim=None, keepdim=False, *, interpolation='linear', out=None)
--

Values below which given shares of a row lie (`torch.quantile`).

>>> torch.quantile(torch.tensor([0.25, 0.5, 1.0]), 0.5)
tensor(0.5000)
""",
    "rad2deg": """rad2deg(input, *, out=None)
--

Radians as degrees (`torch.rad2deg`).

>>> torch.rad2deg(torch.tensor([0.25, 0.5, 1.0]))
tensor([14.3239, 28.6479, 57.2958])
""",
    "rad2deg_": """rad2deg_(input)
--

Radians as degrees, in place (`torch.rad2deg_`).

>>> torch.rad2deg_(torch.tensor([0.25, 0.5, 1.0]))
tensor([14.3239, 28.6479, 57.2958])
""",
    "ravel": """ravel(input)
--

All elements along one axis (`torch.ravel`).

>>> torch.ravel(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "real": """real(input)
--

The tensor itself: it is real (`torch.real`).

>>> torch.real(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "reciprocal": """reciprocal(input, *, out=None)
--

One over each element: `1 / input` (`torch.reciprocal`).

>>> torch.reciprocal(torch.tensor([0.25, 0.5, 1.0]))
tensor([4., 2., 1.])
""",
    "reciprocal_": """reciprocal_(input)
--

One over each element: `1 / input`, in place (`torch.reciprocal_`).

>>> torch.reciprocal_(torch.tensor([0.25, 0.5, 1.0]))
tensor([4., 2., 1.])
""",
    "relu": """relu(input)
--

Each element, or zero where it is negative (`torch.relu`).

>>> torch.relu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "relu_": """relu_(input)
--

Each element, or zero where it is negative, in place (`torch.relu_`).

>>> torch.relu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "remainder": """remainder(input, other, *, out=None)
--

The remainder of a division that is rounded down; it has the sign of `other`: `input % other` (`torch.remainder`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.remainder(x, x)
tensor([0., 0., 0.])
""",
    "renorm": """renorm(input, p, dim, maxnorm, *, out=None)
--

Slices along an axis scaled down to a norm of at most `maxnorm` (`torch.renorm`).

>>> torch.renorm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2, 0, 1.0)
tensor([[0.4472, 0.8944],
        [0.6000, 0.8000]])
""",
    "repeat_interleave": """repeat_interleave(input, repeats, dim=None, *, output_size=None)
--

Each slice repeated in place (`torch.repeat_interleave`); of `repeats` alone, its places repeated.

Called as

    repeat_interleave(input, repeats, dim=None, *, output_size=None)
    repeat_interleave(repeats, *, output_size=None)

>>> torch.repeat_interleave(torch.tensor([0.25, 0.5, 1.0]), 2)
tensor([0.2500, 0.2500, 0.5000, 0.5000, 1.0000, 1.0000])
""",
    "reshape": """reshape(input, shape)
--

The same elements in another shape; a view where it can be (`torch.reshape`).

>>> torch.reshape(torch.tensor([0.25, 0.5, 1.0]), (3, 1))
tensor([[0.2500],
        [0.5000],
        [1.0000]])
""",
    "resolve_conj": """resolve_conj(input)
--

The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).

>>> torch.resolve_conj(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "resolve_neg": """resolve_neg(input)
--

The tensor itself: it is real, and nothing is put off (`conj`, `resolve_conj`, `resolve_neg`).

>>> torch.resolve_neg(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "result_type": """result_type(tensor=None, other=None, *, scalar=None, scalar1=None, scalar2=None)
--

The dtype of an operation on two tensors or numbers (`torch.result_type`).

>>> import tapegrad
>>> tapegrad.result_type(tapegrad.tensor([1, 2], dtype=tapegrad.int8), 300)
torch.int8

Called as

    result_type(tensor, other)
    result_type(scalar, tensor)
    result_type(scalar1, scalar2)
""",
    "rms_norm": """rms_norm(input, normalized_shape, weight=None, eps=None)
--

The last axes divided by their root mean square (`torch.nn.functional.rms_norm`).

>>> torch.rms_norm(torch.tensor([0.25, 0.5, 1.0]), (3,))
tensor([0.3780, 0.7559, 1.5119])
""",
    "rnn_relu": """rnn_relu(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
--

A recurrent network of several layers, given its weights (`torch.rnn_relu`).
""",
    "rnn_relu_cell": """rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)
--

One step of a recurrent cell (`torch.rnn_relu_cell`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.rnn_relu_cell(x, x, x, x)
tensor([[10., 22.],
        [22., 50.]])
""",
    "rnn_tanh": """rnn_tanh(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
--

A recurrent network of several layers, given its weights (`torch.rnn_tanh`).
""",
    "rnn_tanh_cell": """rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)
--

One step of a recurrent cell (`torch.rnn_tanh_cell`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.rnn_tanh_cell(x, x, x, x)
tensor([[1., 1.],
        [1., 1.]])
""",
    "roll": """roll(input, shifts, dims=())
--

Elements moved along axes, coming in again at the other end (`torch.roll`).

>>> torch.roll(torch.tensor([0.25, 0.5, 1.0]), 1)
tensor([1.0000, 0.2500, 0.5000])
""",
    "rot90": """rot90(input, k=1, dims=(0, 1))
--

A quarter turn, `k` times (`torch.rot90`).

>>> torch.rot90(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[2., 4.],
        [1., 3.]])
""",
    "round": """round(input, *, out=None, decimals=None)
--

Each element rounded to `decimals` places, halves to even numbers (`torch.round`).

Called as

    round(input, *, out=None)
    round(input, *, decimals, out=None)

>>> torch.round(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "round_": """round_(input, *, decimals=None)
--

Each element rounded to `decimals` places, halves to even numbers, in place (`torch.round_`).

Called as

    round_(input)
    round_(input, *, decimals)

>>> torch.round_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "row_stack": """row_stack(tensors, *, out=None)
--

Tensors below each other, along the first axis (`torch.row_stack`).

>>> torch.row_stack([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([[1.],
        [2.]])
""",
    "rsqrt": """rsqrt(input, *, out=None)
--

One over the square root of each element (`torch.rsqrt`).

>>> torch.rsqrt(torch.tensor([0.25, 0.5, 1.0]))
tensor([2.0000, 1.4142, 1.0000])
""",
    "rsqrt_": """rsqrt_(input)
--

One over the square root of each element, in place (`torch.rsqrt_`).

>>> torch.rsqrt_(torch.tensor([0.25, 0.5, 1.0]))
tensor([2.0000, 1.4142, 1.0000])
""",
    "rsub": """rsub(input, other, alpha=1)
--

`other - alpha * input` (`torch.rsub`).

Called as

    rsub(input, other, *, alpha=1)
    rsub(input, other, alpha=1)

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.rsub(x, x)
tensor([0., 0., 0.])
""",
    "scatter": """scatter(input, dim, index, src=None, *, out=None, reduce=None, value=None)
--

A copy with elements replaced, along an axis, where an index says (`torch.scatter`).

Called as

    scatter(input, dim, index, src, *, out=None)
    scatter(input, dim, index, src, *, reduce, out=None)
    scatter(input, dim, index, value, *, out=None)
    scatter(input, dim, index, value, *, reduce, out=None)

>>> torch.scatter(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
tensor([8.0000, 0.5000, 1.0000])
""",
    "scatter_add": """scatter_add(input, dim, index, src, *, out=None)
--

Elements added at given positions along an axis (`torch.scatter_add`).

>>> torch.scatter_add(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]))
tensor([15.2500,  0.5000,  1.0000])
""",
    "scatter_reduce": """scatter_reduce(input, dim, index, src, reduce, *, include_self=True, out=None)
--

Elements combined at given positions along an axis (`torch.scatter_reduce`).

>>> torch.scatter_reduce(torch.tensor([0.25, 0.5, 1.0]), 0, torch.tensor([0, 0]), torch.tensor([7.0, 8.0]), 'sum')
tensor([15.2500,  0.5000,  1.0000])
""",
    "searchsorted": """searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None)
--

Where values would be inserted into sorted rows (`torch.searchsorted`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.searchsorted(x, x)
tensor([0, 1, 2])
""",
    "select": """select(input, dim, index)
--

One position along an axis, which goes away (`torch.select`).

>>> torch.select(torch.tensor([0.25, 0.5, 1.0]), 0, 0)
tensor(0.2500)
""",
    "select_scatter": """select_scatter(input, src, dim, index)
--

A copy with one slice replaced (`torch.select_scatter`).

>>> torch.select_scatter(torch.ones(1, 3), torch.tensor([7.0, 8.0, 9.0]), 0, 0)
tensor([[7., 8., 9.]])
""",
    "selu": """selu(input)
--

ELU with the constants that keep mean and variance through many layers (`torch.selu`).

>>> torch.selu(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2627, 0.5254, 1.0507])
""",
    "selu_": """selu_(input)
--

ELU with the constants that keep mean and variance through many layers, in place (`torch.selu_`).

>>> torch.selu_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2627, 0.5254, 1.0507])
""",
    "sgn": """sgn(input, *, out=None)
--

The sign of each element: -1, 0 or 1 (`torch.sgn`).

>>> torch.sgn(torch.tensor([0.25, 0.5, 1.0]))
tensor([1., 1., 1.])
""",
    "sigmoid": """sigmoid(input, *, out=None)
--

`1 / (1 + exp(-input))` (`torch.sigmoid`).

>>> torch.sigmoid(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5622, 0.6225, 0.7311])
""",
    "sigmoid_": """sigmoid_(input)
--

`1 / (1 + exp(-input))`, in place (`torch.sigmoid_`).

>>> torch.sigmoid_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5622, 0.6225, 0.7311])
""",
    "sign": """sign(input, *, out=None)
--

The sign of each element: -1, 0 or 1 (`torch.sign`).

>>> torch.sign(torch.tensor([0.25, 0.5, 1.0]))
tensor([1., 1., 1.])
""",
    "signbit": """signbit(input, *, out=None)
--

Whether the sign of each element is minus, that of zeros included (`torch.signbit`).

>>> torch.signbit(torch.tensor([0.25, 0.5, 1.0]))
tensor([False, False, False])
""",
    "sin": """sin(input, *, out=None)
--

The sine of each element (`torch.sin`).

>>> torch.sin(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2474, 0.4794, 0.8415])
""",
    "sin_": """sin_(input)
--

The sine of each element, in place (`torch.sin_`).

>>> torch.sin_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2474, 0.4794, 0.8415])
""",
    "sinc": """sinc(input, *, out=None)
--

`sin(pi * input) / (pi * input)`, and 1 at zero (`torch.sinc`).

>>> torch.sinc(torch.tensor([0.25, 0.5, 1.0]))
tensor([ 9.0032e-01,  6.3662e-01, -2.7828e-08])
""",
    "sinc_": """sinc_(input)
--

`sin(pi * input) / (pi * input)`, and 1 at zero, in place (`torch.sinc_`).

>>> torch.sinc_(torch.tensor([0.25, 0.5, 1.0]))
tensor([ 9.0032e-01,  6.3662e-01, -2.7828e-08])
""",
    "sinh": """sinh(input, *, out=None)
--

The hyperbolic sine of each element (`torch.sinh`).

>>> torch.sinh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2526, 0.5211, 1.1752])
""",
    "sinh_": """sinh_(input)
--

The hyperbolic sine of each element, in place (`torch.sinh_`).

>>> torch.sinh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2526, 0.5211, 1.1752])
""",
    "slice_scatter": """slice_scatter(input, src, dim=0, start=None, end=None, step=1, *, out=None)
--

A copy with a stretch replaced (`torch.slice_scatter`).

>>> torch.slice_scatter(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([7.0, 8.0, 9.0]))
tensor([7., 8., 9.])
""",
    "slogdet": """slogdet(input, *, out=None)
--

Sign and logarithm of the determinant (`torch.linalg.slogdet`).

>>> torch.slogdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.linalg_slogdet(
sign=tensor(-1.),
logabsdet=tensor(0.6931))
""",
    "softmax": """softmax(input, dim, dtype=None, *, out=None)
--

Exponentials along an axis, scaled so that they add up to one (`torch.softmax`).

>>> torch.softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([0.2272, 0.2918, 0.4810])
""",
    "sort": """sort(input, dim=-1, descending=False, *, out=None, stable=None)
--

Values in order, and where they were (`torch.sort`).

Called as

    sort(input, *, stable, dim=-1, descending=False, out=None)
    sort(input, dim=-1, descending=False, *, out=None)

>>> torch.sort(torch.tensor([0.25, 0.5, 1.0]))
torch.return_types.sort(
values=tensor([0.2500, 0.5000, 1.0000]),
indices=tensor([0, 1, 2]))
""",
    "special.digamma": """digamma(input, *, out=None)
--

The derivative of the logarithm of the gamma function (`torch.special.digamma`).

>>> torch.special.digamma(torch.tensor([0.25, 0.5, 1.0]))
tensor([-4.2275, -1.9635, -0.5772])
""",
    "special.entr": """entr(input, *, out=None)
--

The entropy of each element: `-input * log(input)` (`torch.special.entr`).

>>> torch.special.entr(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.3466, 0.3466, -0.0000])
""",
    "special.erf": """erf(input, *, out=None)
--

The error function of each element (`torch.special.erf`).

>>> torch.special.erf(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2763, 0.5205, 0.8427])
""",
    "special.erfc": """erfc(input, *, out=None)
--

One minus the error function of each element (`torch.special.erfc`).

>>> torch.special.erfc(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.7237, 0.4795, 0.1573])
""",
    "special.erfcx": """erfcx(input, *, out=None)
--

`torch.special.erfcx`, computed by SciPy.

>>> torch.special.erfcx(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.7703, 0.6157, 0.4276])
""",
    "special.erfinv": """erfinv(input, *, out=None)
--

The inverse of the error function (`torch.special.erfinv`).

>>> torch.special.erfinv(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2253, 0.4769,    inf])
""",
    "special.exp2": """exp2(input, *, out=None)
--

2 to the power of each element (`torch.special.exp2`).

>>> torch.special.exp2(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.1892, 1.4142, 2.0000])
""",
    "special.expit": """expit(input, *, out=None)
--

`1 / (1 + exp(-input))` (`torch.special.expit`).

>>> torch.special.expit(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5622, 0.6225, 0.7311])
""",
    "special.expm1": """expm1(input, *, out=None)
--

`exp(input) - 1`, exact for small elements (`torch.special.expm1`).

>>> torch.special.expm1(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2840, 0.6487, 1.7183])
""",
    "special.gammainc": """gammainc(input, other, *, out=None)
--

The incomplete gamma function of shape `input` (`torch.special.gammainc`), computed by SciPy.

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.special.gammainc(x, x)
tensor([0.7437, 0.6827, 0.6321])
""",
    "special.gammaincc": """gammaincc(input, other, *, out=None)
--

The incomplete gamma function of shape `input` (`torch.special.gammaincc`), computed by SciPy.

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.special.gammaincc(x, x)
tensor([0.2563, 0.3173, 0.3679])
""",
    "special.gammaln": """gammaln(input, *, out=None)
--

The logarithm of the absolute gamma function of each element (`torch.special.gammaln`).

>>> torch.special.gammaln(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.2880, 0.5724, 0.0000])
""",
    "special.i0": """i0(input, *, out=None)
--

`torch.special.i0`, computed by SciPy.

>>> torch.special.i0(torch.tensor([0.25, 0.5, 1.0]))
tensor([1.0157, 1.0635, 1.2661])
""",
    "special.i0e": """i0e(input, *, out=None)
--

`torch.special.i0e`, computed by SciPy.

>>> torch.special.i0e(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.7910, 0.6450, 0.4658])
""",
    "special.i1": """i1(input, *, out=None)
--

`torch.special.i1`, computed by SciPy.

>>> torch.special.i1(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.1260, 0.2579, 0.5652])
""",
    "special.i1e": """i1e(input, *, out=None)
--

`torch.special.i1e`, computed by SciPy.

>>> torch.special.i1e(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.0981, 0.1564, 0.2079])
""",
    "special.log1p": """log1p(input, *, out=None)
--

`log(1 + input)`, exact for small elements (`torch.special.log1p`).

>>> torch.special.log1p(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2231, 0.4055, 0.6931])
""",
    "special.log_ndtr": """log_ndtr(input, *, out=None)
--

`torch.special.log_ndtr`, computed by SciPy.

>>> torch.special.log_ndtr(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.5130, -0.3689, -0.1728])
""",
    "special.log_softmax": """log_softmax(input, dim, *, dtype=None)
--

The logarithm of softmax, in one step (`torch.special.log_softmax`).

>>> torch.special.log_softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([-1.4818, -1.2318, -0.7318])
""",
    "special.logit": """logit(input, eps=None, *, out=None)
--

`log(input / (1 - input))`, of elements kept `eps` from 0 and 1 (`torch.special.logit`).

>>> torch.special.logit(torch.tensor([0.25, 0.5, 1.0]))
tensor([-1.0986,  0.0000,     inf])
""",
    "special.logsumexp": """logsumexp(input, dim, keepdim=False, *, out=None)
--

`log(sum(exp(input)))` along axes, without overflow (`torch.special.logsumexp`).

>>> torch.special.logsumexp(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor(1.7318)
""",
    "special.multigammaln": """multigammaln(input, p, *, out=None)
--

The logarithm of the multivariate gamma function (`torch.special.multigammaln`).

>>> torch.special.multigammaln(torch.tensor([0.25, 0.5, 1.0]), 2)
tensor([3.4500,    inf, 1.1447])
""",
    "special.ndtr": """ndtr(input, *, out=None)
--

The normal distribution's share below (`torch.special.ndtr`).

>>> torch.special.ndtr(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5987, 0.6915, 0.8413])
""",
    "special.ndtri": """ndtri(input, *, out=None)
--

`torch.special.ndtri`, computed by SciPy.

>>> torch.special.ndtri(torch.tensor([0.25, 0.5, 1.0]))
tensor([-0.6745,  0.0000,     inf])
""",
    "special.polygamma": """polygamma(n, input, *, out=None)
--

The n-th derivative of the digamma function (`torch.special.polygamma`).

>>> torch.special.polygamma(2, torch.tensor([0.25, 0.5, 1.0]))
tensor([-129.3277,  -16.8288,   -2.4041])
""",
    "special.psi": """psi(input, *, out=None)
--

The derivative of the logarithm of the gamma function (`torch.special.psi`).

>>> torch.special.psi(torch.tensor([0.25, 0.5, 1.0]))
tensor([-4.2275, -1.9635, -0.5772])
""",
    "special.round": """round(input, *, decimals=0, out=None)
--

Each element rounded to `decimals` places, halves to even numbers (`torch.special.round`).

>>> torch.special.round(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "special.sinc": """sinc(input, *, out=None)
--

`sin(pi * input) / (pi * input)`, and 1 at zero (`torch.special.sinc`).

>>> torch.special.sinc(torch.tensor([0.25, 0.5, 1.0]))
tensor([ 9.0032e-01,  6.3662e-01, -2.7828e-08])
""",
    "special.softmax": """softmax(input, dim, dtype=None)
--

Exponentials along an axis, scaled so that they add up to one (`torch.special.softmax`).

>>> torch.special.softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([0.2272, 0.2918, 0.4810])
""",
    "special.xlog1py": """xlog1py(input, other, *, out=None)
--

`input * log1p(other)`, and zero where `input` is (`torch.special.xlog1py`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.special.xlog1py(x, x)
tensor([0.0558, 0.2027, 0.6931])
""",
    "special.xlogy": """xlogy(input, other, *, out=None)
--

`input * log(other)`, and zero where `input` is (`torch.special.xlogy`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.special.xlogy(x, x)
tensor([-0.3466, -0.3466,  0.0000])
""",
    "split": """split(tensor, split_size_or_sections, dim=0)
--

Pieces of equal or given lengths along an axis (`torch.split`).

>>> torch.split(torch.tensor([0.25, 0.5, 1.0]), 2)
(tensor([0.2500, 0.5000]), tensor([1.]))
""",
    "split_with_sizes": """split_with_sizes(input, split_sizes, dim=0)
--

Pieces of given lengths along an axis (`torch.split_with_sizes`).

>>> torch.split_with_sizes(torch.tensor([0.25, 0.5, 1.0]), (1, 2))
(tensor([0.2500]), tensor([0.5000, 1.0000]))
""",
    "sqrt": """sqrt(input, *, out=None)
--

The square root of each element (`torch.sqrt`).

>>> torch.sqrt(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5000, 0.7071, 1.0000])
""",
    "sqrt_": """sqrt_(input)
--

The square root of each element, in place (`torch.sqrt_`).

>>> torch.sqrt_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.5000, 0.7071, 1.0000])
""",
    "square": """square(input, *, out=None)
--

The square of each element: `input * input` (`torch.square`).

>>> torch.square(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.0625, 0.2500, 1.0000])
""",
    "square_": """square_(input)
--

The square of each element: `input * input`, in place (`torch.square_`).

>>> torch.square_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.0625, 0.2500, 1.0000])
""",
    "squeeze": """squeeze(input, dim=None)
--

Axes of size one left out (`torch.squeeze`).

Called as

    squeeze(input)
    squeeze(input, dim)
    squeeze(input, dim)

>>> torch.squeeze(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "stack": """stack(tensors, dim=0, *, out=None)
--

Tensors of one shape along a new axis (`torch.stack`).

>>> import tapegrad
>>> tapegrad.stack([tapegrad.zeros(2), tapegrad.ones(2)], dim=1)
tensor([[0., 1.],
        [0., 1.]])
""",
    "std": """std(input, dim=None, unbiased=True, keepdim=False, *, out=None, correction=None)
--

The standard deviation of all elements, or of those along axes (`torch.std`).

Called as

    std(input, dim, unbiased=True, keepdim=False, *, out=None)
    std(input, dim=None, *, correction=None, keepdim=False, out=None)
    std(input, unbiased=True)

>>> torch.std(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor(0.3819)
""",
    "std_mean": """std_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None)
--

The standard deviation and the mean (`torch.std_mean`).

Called as

    std_mean(input, dim, unbiased=True, keepdim=False)
    std_mean(input, dim=None, *, correction=None, keepdim=False)
    std_mean(input, unbiased=True)

>>> torch.std_mean(torch.tensor([0.25, 0.5, 1.0]), 0)
(tensor(0.3819), tensor(0.5833))
""",
    "sub": """sub(input, other, *, alpha=1, out=None)
--

The difference of two tensors, the second times `alpha`: `input - alpha * other` (`torch.sub`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.sub(x, x)
tensor([0., 0., 0.])
""",
    "subtract": """subtract(input, other, alpha=1, *, out=None)
--

The difference of two tensors, the second times `alpha`: `input - alpha * other` (`torch.subtract`).

Called as

    subtract(input, other, *, alpha=1, out=None)
    subtract(input, other, alpha=1)

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.subtract(x, x)
tensor([0., 0., 0.])
""",
    "sum": """sum(input, dim=None, keepdim=False, *, dtype=None, out=None)
--

The sum of all elements, or of those along axes (`torch.sum`).

Called as

    sum(input, *, dtype=None)
    sum(input, dim, keepdim=False, *, dtype=None, out=None)

>>> torch.sum(torch.tensor([0.25, 0.5, 1.0]))
tensor(1.7500)
""",
    "svd": """svd(input, some=True, compute_uv=True, *, out=None)
--

U, S and V with input = U diag(S) Vᵀ (`torch.svd`).

>>> torch.svd(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
torch.return_types.svd(
U=tensor([[-0.4046,  0.9145],
        [-0.9145, -0.4046]]),
S=tensor([5.4650, 0.3660]),
V=tensor([[-0.5760, -0.8174],
        [-0.8174,  0.5760]]))
""",
    "swapaxes": """swapaxes(input, axis0, axis1)
--

Two axes exchanged (`torch.swapaxes`).

>>> torch.swapaxes(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
tensor([[1., 3.],
        [2., 4.]])
""",
    "swapdims": """swapdims(input, dim0, dim1)
--

Two axes exchanged (`torch.swapdims`).

>>> torch.swapdims(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
tensor([[1., 3.],
        [2., 4.]])
""",
    "t": """t(input)
--

A matrix transposed (`torch.t`).

>>> torch.t(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "take": """take(input, index, *, out=None)
--

Elements at positions in the flattened tensor (`torch.take`).

>>> torch.take(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0, 0]))
tensor([0.2500, 0.2500])
""",
    "take_along_dim": """take_along_dim(input, indices, dim=None, *, out=None)
--

gather with broadcasting (`torch.take_along_dim`).

>>> torch.take_along_dim(torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0, 2]))
tensor([0.2500, 1.0000])
""",
    "tan": """tan(input, *, out=None)
--

The tangent of each element (`torch.tan`).

>>> torch.tan(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2553, 0.5463, 1.5574])
""",
    "tan_": """tan_(input)
--

The tangent of each element, in place (`torch.tan_`).

>>> torch.tan_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2553, 0.5463, 1.5574])
""",
    "tanh": """tanh(input, *, out=None)
--

The hyperbolic tangent of each element (`torch.tanh`).

>>> torch.tanh(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2449, 0.4621, 0.7616])
""",
    "tanh_": """tanh_(input)
--

The hyperbolic tangent of each element, in place (`torch.tanh_`).

>>> torch.tanh_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2449, 0.4621, 0.7616])
""",
    "tensor_split": """tensor_split(input, tensor_indices_or_sections=None, dim=0, *, sections=None, indices=None)
--

Nearly equal pieces, or pieces that end at given places (`torch.tensor_split`).

Called as

    tensor_split(input, tensor_indices_or_sections, dim=0)
    tensor_split(input, sections, dim=0)
    tensor_split(input, indices, dim=0)

>>> torch.tensor_split(torch.tensor([0.25, 0.5, 1.0]), torch.tensor(2))
(tensor([0.2500, 0.5000]), tensor([1.]))
""",
    "tensordot": """tensordot(a, b, dims=2, out=None)
--

Sums of products over chosen axes (`torch.tensordot`).

>>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
>>> torch.tensordot(x, x)
tensor(30.)
""",
    "threshold": """threshold(input, threshold, value, *, out=None)
--

Each element, or `value` where it is not above `threshold` (`torch.threshold`).

>>> torch.threshold(torch.tensor([0.25, 0.5, 1.0]), 0.5, 2.0)
tensor([2., 2., 1.])
""",
    "tile": """tile(input, dims)
--

repeat with missing leading counts (`torch.tile`).

>>> torch.tile(torch.tensor([0.25, 0.5, 1.0]), (0,))
tensor([])
""",
    "to_dlpack": """to_dlpack(tensor)
--

A DLPack capsule on a tensor's memory (`torch.utils.dlpack.to_dlpack`); `from_dlpack` takes the tensor itself.

>>> torch.from_dlpack(torch.to_dlpack(torch.ones(2)))
tensor([1., 1.])
""",
    "topk": """topk(input, k, dim=-1, largest=True, sorted=True, *, out=None)
--

The `k` largest or smallest values, in order (`torch.topk`).

>>> torch.topk(torch.tensor([0.25, 0.5, 1.0]), 1)
torch.return_types.topk(
values=tensor([1.]),
indices=tensor([2]))
""",
    "trace": """trace(input)
--

The sum of a matrix's diagonal (`torch.trace`).

>>> torch.trace(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(5.)
""",
    "transpose": """transpose(input, dim0, dim1)
--

Two axes swapped (`torch.transpose`).

>>> torch.transpose(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 0, 1)
tensor([[1., 3.],
        [2., 4.]])
""",
    "trapezoid": """trapezoid(y, x=None, *, dim=-1, dx=1)
--

The integral by the trapezoid rule (`torch.trapezoid`).

Called as

    trapezoid(y, x, *, dim=-1)
    trapezoid(y, *, dx=1, dim=-1)

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.trapezoid(x, x)
tensor(0.4688)
""",
    "trapz": """trapz(y, x=None, *, dim=-1, dx=1)
--

The integral by the trapezoid rule (`torch.trapezoid`).

Called as

    trapz(y, x, *, dim=-1)
    trapz(y, *, dx=1, dim=-1)

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.trapz(x, x)
tensor(0.4688)
""",
    "tril": """tril(input, diagonal=0, *, out=None)
--

A matrix's lower triangle, zeros above (`torch.tril`).

>>> torch.tril(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[1., 0.],
        [3., 4.]])
""",
    "tril_indices": """tril_indices(row, col, offset=0, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
--

Rows and columns of a matrix's triangle (`torch.tril_indices`).

>>> torch.tril_indices(2, 2)
tensor([[0, 1, 1],
        [0, 0, 1]])
""",
    "triu": """triu(input, diagonal=0, *, out=None)
--

A matrix's upper triangle, zeros below (`torch.triu`).

>>> torch.triu(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor([[1., 2.],
        [0., 4.]])
""",
    "triu_indices": """triu_indices(row, col, offset=0, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False)
--

Rows and columns of a matrix's triangle (`torch.triu_indices`).

>>> torch.triu_indices(2, 2)
tensor([[0, 0, 1],
        [0, 1, 1]])
""",
    "true_divide": """true_divide(input, other, *, out=None)
--

The quotient of two tensors, without rounding: `input / other` (`torch.true_divide`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.true_divide(x, x)
tensor([1., 1., 1.])
""",
    "trunc": """trunc(input, *, out=None)
--

Each element without its fraction (`torch.trunc`).

>>> torch.trunc(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "trunc_": """trunc_(input)
--

Each element without its fraction, in place (`torch.trunc_`).

>>> torch.trunc_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 1.])
""",
    "unbind": """unbind(input, dim=0)
--

The slices along an axis (`torch.unbind`).

>>> torch.unbind(torch.tensor([0.25, 0.5, 1.0]))
(tensor(0.2500), tensor(0.5000), tensor(1.))
""",
    "unflatten": """unflatten(input, dim, sizes)
--

An axis split into several (`torch.unflatten`).

>>> torch.unflatten(torch.tensor([0.25, 0.5, 1.0]), 0, (3, 1))
tensor([[0.2500],
        [0.5000],
        [1.0000]])
""",
    "unique": """unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None)
--

Distinct elements, or distinct slices along `dim` (`torch.unique`).

>>> torch.unique(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "unique_consecutive": """unique_consecutive(input, return_inverse=False, return_counts=False, dim=None)
--

The first of each run of equal elements, or equal slices (`torch.unique_consecutive`).

>>> torch.unique_consecutive(torch.tensor([0.25, 0.5, 1.0]))
tensor([0.2500, 0.5000, 1.0000])
""",
    "unravel_index": """unravel_index(indices, shape)
--

Positions in a flattened array as positions along axes (`torch.unravel_index`).

>>> torch.unravel_index(torch.tensor([0, 2]), (2, 2))
(tensor([0, 1]), tensor([0, 0]))
""",
    "unsafe_chunk": """unsafe_chunk(input, chunks, dim=0)
--

At most `chunks` pieces of equal length (`torch.chunk`).

>>> torch.unsafe_chunk(torch.tensor([0.25, 0.5, 1.0]), 2)
(tensor([0.2500, 0.5000]), tensor([1.]))
""",
    "unsafe_split": """unsafe_split(input, split_size, dim=0)
--

Pieces of equal or given lengths along an axis (`torch.split`).

>>> torch.unsafe_split(torch.tensor([0.25, 0.5, 1.0]), 2)
(tensor([0.2500, 0.5000]), tensor([1.]))
""",
    "unsqueeze": """unsqueeze(input, dim)
--

An axis of size one put in (`torch.unsqueeze`).

>>> torch.unsqueeze(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor([[0.2500, 0.5000, 1.0000]])
""",
    "vander": """vander(x, N=None, increasing=False)
--

Powers of a vector's elements, the highest first (`torch.vander`).

>>> torch.vander(torch.tensor([0.25, 0.5, 1.0]))
tensor([[0.0625, 0.2500, 1.0000],
        [0.2500, 0.5000, 1.0000],
        [1.0000, 1.0000, 1.0000]])
""",
    "var": """var(input, dim=None, unbiased=True, keepdim=False, *, out=None, correction=None)
--

The variance of all elements, or of those along axes (`torch.var`).

Called as

    var(input, dim, unbiased=True, keepdim=False, *, out=None)
    var(input, dim=None, *, correction=None, keepdim=False, out=None)
    var(input, unbiased=True)

>>> torch.var(torch.tensor([0.25, 0.5, 1.0]), 0)
tensor(0.1458)
""",
    "var_mean": """var_mean(input, dim=None, unbiased=True, keepdim=False, *, correction=None)
--

The variance and the mean (`torch.var_mean`).

Called as

    var_mean(input, dim, unbiased=True, keepdim=False)
    var_mean(input, dim=None, *, correction=None, keepdim=False)
    var_mean(input, unbiased=True)

>>> torch.var_mean(torch.tensor([0.25, 0.5, 1.0]), 0)
(tensor(0.1458), tensor(0.5833))
""",
    "vdot": """vdot(input, other, *, out=None)
--

The inner product of two vectors (`torch.vdot`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.vdot(x, x)
tensor(1.3125)
""",
    "view_as_real": """view_as_real(input)
--

RuntimeError: no tensor is complex (`torch.view_as_real`).
""",
    "vsplit": """vsplit(input, sections=None, *, indices=None)
--

Pieces along the first axis (`torch.vsplit`).

Called as

    vsplit(input, sections)
    vsplit(input, indices)

>>> torch.vsplit(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
(tensor([[1., 2.],
        [3., 4.]]),)
""",
    "vstack": """vstack(tensors, *, out=None)
--

Tensors below each other, along the first axis (`torch.vstack`).

>>> torch.vstack([torch.tensor([1.0]), torch.tensor([2.0])])
tensor([[1.],
        [2.]])
""",
    "where": """where(condition, input=None, other=None, *, out=None)
--

Elements of `input` where `condition` holds, of `other` elsewhere (`torch.where`).

Called as

    where(condition)
    where(condition, input, other, *, out=None)

>>> torch.where(torch.tensor([True, False, True]))
(tensor([0, 2]),)
""",
    "xlogy": """xlogy(input, other, *, out=None)
--

`input * log(other)`, and zero where `input` is (`torch.xlogy`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.xlogy(x, x)
tensor([-0.3466, -0.3466,  0.0000])
""",
    "xlogy_": """xlogy_(input, other)
--

`input * log(other)`, and zero where `input` is, in place (`torch.xlogy_`).

>>> x = torch.tensor([0.25, 0.5, 1.0])
>>> torch.xlogy_(x, x)
tensor([-0.3466, -0.3466,  0.0000])
""",
    "zero_": """zero_(input)
--

Zeros over what is there, in place (`torch.zero_`).

>>> torch.zero_(torch.tensor([0.25, 0.5, 1.0]))
tensor([0., 0., 0.])
""",
}
