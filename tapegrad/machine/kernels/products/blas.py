"""BLAS and LAPACK: the very library numba calls, found through SciPy's Cython interface, and told our thread count.

BLAS does the products of hosts that `gemm` and `gemv` have no kernels for, and brings LAPACK, which all need.
A kernel here has the same signature as an emitted loop nest. Its `nest` words are

    [batches, m, n, k, trans_a, trans_b, lda, ldb, ldc, batch strides of c, a, b in bytes]

for the column-major product c[m, n] = a[m, k] b[k, n]; `plans` swaps the operands of a row-major one.
SciPy is imported at the first of these and not before.
"""
from __future__ import annotations

import ctypes
import functools

from tapegrad.dtypes import dtype, float64
from tapegrad.machine.kernels.products import product_writer
from tapegrad.machine.llvm import cache, jit

_IR = """
declare void @{routine}(ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr)
@letters = internal constant [2 x i8] c"NT"
@one = internal constant {t} 1.0
@zero = internal constant {t} 0.0

define internal void @run(ptr %pointers, ptr %nest, ptr %beta) {{
entry:
  %ints = alloca [9 x i32]
{unpack}
  %batches = load i64, ptr %nest
  %ta = load i32, ptr %i4
  %tb = load i32, ptr %i5
  %la = getelementptr i8, ptr @letters, i32 %ta
  %lb = getelementptr i8, ptr @letters, i32 %tb
  %sc.p = getelementptr i64, ptr %nest, i64 9
  %sa.p = getelementptr i64, ptr %nest, i64 10
  %sb.p = getelementptr i64, ptr %nest, i64 11
  %sc = load i64, ptr %sc.p
  %sa = load i64, ptr %sa.p
  %sb = load i64, ptr %sb.p
  %a.p = getelementptr ptr, ptr %pointers, i64 1
  %b.p = getelementptr ptr, ptr %pointers, i64 2
  %c0 = load ptr, ptr %pointers
  %a0 = load ptr, ptr %a.p
  %b0 = load ptr, ptr %b.p
  %none = icmp sle i64 %batches, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [0, %entry], [%i.next, %loop]
  %c = phi ptr [%c0, %entry], [%c.next, %loop]
  %a = phi ptr [%a0, %entry], [%a.next, %loop]
  %b = phi ptr [%b0, %entry], [%b.next, %loop]
  call void @{routine}(ptr %la, ptr %lb, ptr %i1, ptr %i2, ptr %i3, ptr @one, ptr %a, ptr %i6, ptr %b, ptr %i7, """ \
    """ptr %beta, ptr %c, ptr %i8)
  %c.next = getelementptr i8, ptr %c, i64 %sc
  %a.next = getelementptr i8, ptr %a, i64 %sa
  %b.next = getelementptr i8, ptr %b, i64 %sb
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %batches
  br i1 %more, label %loop, label %done
done:
  ret void
}}
define i32 @store(ptr %pointers, ptr %nest) {{
  call void @run(ptr %pointers, ptr %nest, ptr @zero)
  ret i32 0
}}
define i32 @add(ptr %pointers, ptr %nest) {{
  call void @run(ptr %pointers, ptr %nest, ptr @one)
  ret i32 0
}}
"""


def _address(routine: str) -> int:
    from scipy.linalg import cython_blas, cython_lapack

    capsule = {**cython_lapack.__pyx_capi__, **cython_blas.__pyx_capi__}[routine]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, name(capsule))


@functools.cache
def _library() -> ctypes.CDLL:
    """SciPy's extension module as a C library: names are looked up in the BLAS it was linked with, too."""
    from scipy.linalg import cython_blas

    return ctypes.CDLL(cython_blas.__file__)


@functools.cache
def _numpys() -> ctypes.CDLL:
    """The same for NumPy's, which Python that runs as a kernel may call."""
    from numpy.linalg import _umath_linalg

    return ctypes.CDLL(_umath_linalg.__file__)


_wanted = 0


def set_num_threads(number: int) -> None:
    """Tell BLAS how many threads to use, now or when it is first needed; a BLAS that cannot be told is left alone."""
    global _wanted
    _wanted = number
    if _library.cache_info().currsize:
        _tell()


def _entry(library: ctypes.CDLL, verb: str) -> int:
    """The address of OpenBLAS's `set_num_threads` or `get_num_threads` in a library, or 0."""
    for name in (f"scipy_openblas_{verb}_num_threads", f"scipy_openblas_{verb}_num_threads64_",
                 f"openblas_{verb}_num_threads"):
        if hasattr(library, name):
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    return 0


def _tell() -> None:
    for library in (_library(), _numpys()):
        address = _entry(library, "set")
        if address:
            ctypes.CFUNCTYPE(None, ctypes.c_int)(address)(_wanted)


@functools.cache
def counts_threads() -> bool:
    """Let kernels ask SciPy's BLAS how many threads it uses, and tell it; whether that is possible."""
    _library()
    _tell()
    addresses = [_entry(_library(), verb) for verb in ("get", "set")]
    if not all(addresses):
        return False
    jit.define_symbol("tapegrad_blas_threads", addresses[0])
    jit.define_symbol("tapegrad_set_blas_threads", addresses[1])
    return True


@functools.cache
def define_routine(name: str, of: dtype) -> str:
    """Let kernels call a routine of BLAS or LAPACK by the symbol returned."""
    _library()
    _tell()
    routine = f"{'d' if of is float64 else 's'}{name}"
    jit.define_symbol(f"tapegrad_{routine}", _address(routine))
    return f"tapegrad_{routine}"


def define_routines(of: dtype) -> None:
    """Those that jitted kernels are written with."""
    for name in ("getrf", "potrf", "trsm"):
        define_routine(name, of)


@functools.cache
def room(name: str, of: dtype, takes: str, words: tuple[int, ...]) -> int:
    """How many elements of work a LAPACK routine wants for these sizes: asked by -1 for the last."""
    ints = (ctypes.c_int32 * len(words))(*words[:-1], -1)
    element = ctypes.c_double if of is float64 else ctypes.c_float
    # A place for each pointer, and in the end one number among them, at that of the work.
    found = (element * (16 // ctypes.sizeof(element) * len(takes)))()
    arguments = [ctypes.addressof(ints) + 4 * takes[:k].count("w") if kind == "w" else ctypes.addressof(found) + 16 * k
                 for k, kind in enumerate(takes)]
    prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(takes))
    prototype(_address(f"{'d' if of is float64 else 's'}{name}"))(*arguments)
    return int(max(found)) + 1


@functools.cache
def gemm(of: dtype) -> tuple[int, int]:
    """The addresses of the kernels that store and that add a matrix product."""
    routine = "dgemm" if of is float64 else "sgemm"
    _library()
    _tell()
    symbol = f"tapegrad_{routine}"
    jit.define_symbol(symbol, _address(routine))
    unpack = "\n".join(
        f"  %w{i}.p = getelementptr i64, ptr %nest, i64 {i}\n  %w{i} = load i64, ptr %w{i}.p\n"
        f"  %t{i} = trunc i64 %w{i} to i32\n  %i{i} = getelementptr [9 x i32], ptr %ints, i32 0, i32 {i}\n"
        f"  store i32 %t{i}, ptr %i{i}" for i in range(1, 9)
    )
    text = _IR.format(routine=symbol, t="double" if of is float64 else "float", unpack=unpack)
    code = cache.obtain(text, lambda: jit.compile_ir(text, 1))
    found = jit.load_object(routine, code, ["store", "add"])
    return product_writer.known(of, found["store"], found["add"])
