"""Native functions do what the compiled function does: called from Python, Numba, SciPy and C, in any thread."""
from __future__ import annotations

import math
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from scipy import LowLevelCallable, integrate

import tapegrad as torch
from tapegrad.machine.kernels.products import gemm

f64 = torch.float64


def compiled(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    made = torch.compile(function, **options)
    for _ in range(2):
        made(*args)
    assert made.reason is None
    return made


def randn(*shape: int, dtype: Any = f64) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(7))


def recursion(x: torch.Tensor) -> torch.Tensor:
    for _ in range(700):
        x = x - 0.01 * torch.sin(x)
    return x


WEIGHT = randn(6, 5)
PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "scalars": (lambda x, y: torch.exp(-x * x) * torch.sin(y), (randn(), randn())),
    "a vector": (lambda x: (x * x).sum(), (randn(7),)),
    "float32": (lambda x: torch.tanh(x) * 2, (randn(3, 5, dtype=torch.float32),)),
    "halves": (lambda x: x * 2, (randn(9).half(),)),
    "whole numbers": (lambda x: x * x + 1, (torch.arange(6),)),
    "truth": (lambda x: x > 0, (randn(6),)),
    "a truth of one": (lambda x, y: torch.where(y, x, -x), (randn(), torch.tensor(True))),
    "broadcast": (lambda x, y: x + y, (randn(3, 1), randn(4))),
    "several": (lambda x: (x + 1, (x * 2).sum(), x.argmax()), (randn(5),)),
    "the same twice": (lambda x: (lambda y: (y, y))(x + 1), (randn(5),)),
    "the argument": (lambda x: (x, x + 1), (randn(5),)),
    "what is read by name": (lambda x: (WEIGHT, x + 1), (randn(5),)),
    "a part": (lambda x: (x + 1)[2:5], (randn(3, 8),)),
    "columns": (lambda x: (x * 2).t(), (randn(3, 4),)),
    "expanded": (lambda x: x.sum().expand(3, 2), (randn(4),)),
    "empty": (lambda x: x * 2, (randn(0, 3),)),
    "softmax": (lambda x: torch.softmax(x, -1), (randn(6, 9),)),
    "products": (lambda x: torch.tanh(x @ WEIGHT), (randn(4, 6),)),
    "large": (lambda x: torch.cumsum((x @ x).exp(), 0), (randn(70, 70) * 0.01,)),
    "cut for threads": (lambda x: (x * x + x).sum(0).sqrt(), (randn(600, 400),)),
    "indices": (lambda x, i: x[i].sum(0), (randn(5, 3), torch.tensor([0, 4, -1]))),
    "weighted sums and picked columns": (lambda f, x, w, i: -((f @ x * w[:, None]).sum(0) * 2)[:, i], (
        randn(6, 3, 4), randn(4, 300), randn(6, 300), torch.arange(2000) % 300)),
    "sorting": (lambda x: torch.sort(x).values, (randn(9),)),
    "cholesky": (lambda x: torch.linalg.cholesky(x @ x.t() + torch.eye(4, dtype=f64)), (randn(4, 4),)),
    "solve": (lambda x, y: torch.linalg.solve(x, y), (randn(4, 4), randn(4))),
    "a loop": (recursion, (randn(),)),
    "a loop of vectors": (recursion, (randn(3),)),
    "a branch": (lambda x: x * 2 if x.sum() > 0 else -x, (randn(4).abs(),)),
    "keywords": (lambda x, *, scale: x * scale, (randn(4),)),
    "lists": (lambda xs, how: xs[0] * xs[1]["y"] if how == "times" else None, ([randn(4), {"y": randn(4)}], "times")),
    "powers": (lambda x: 2.0 ** x + x ** 0.5 + x ** 2, (randn(9).abs(),)),
    "convolution": (lambda x, k: torch.nn.functional.conv1d(x, k), (randn(1, 2, 9), randn(3, 2, 3))),
    "requires grad": (lambda x: (x * x).sum(), (randn(4).requires_grad_(),)),
}


def leaves(args: Any) -> list[Any]:
    return [x for x in torch.utils._pytree.tree_leaves(args) if isinstance(x, torch.Tensor)]


def same(found: Any, wanted: Any) -> None:
    found = found if isinstance(found, tuple) else (found,)
    wanted = leaves(wanted)
    assert len(found) == len(wanted)
    for f, w in zip(found, wanted):
        w = w.detach().contiguous().numpy()
        assert np.shape(f) == w.shape
        assert np.array(f, w.dtype).tobytes() == w.tobytes()


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_does_what_the_function_does_to_the_bit(name: str) -> None:
    function, args = PROGRAMS[name]
    if name == "keywords":
        made, x = torch.compile(function), args[0]
        for _ in range(2):
            wanted = made(x, scale=torch.ones(4, dtype=f64) * 3)
        same(made.native.run(x, np.full(4, 3.0)), wanted)
        return
    made = compiled(function, *args)
    same(made.native.run(*leaves(args)), made(*args))


GRADIENTS = ["scalars", "a vector", "softmax", "products", "large", "cut for threads", "indices", "cholesky", "solve",
             "a loop", "a loop of vectors", "powers", "convolution", "float32", "broadcast"]


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_autograds(name: str) -> None:
    function, args = PROGRAMS[name]
    made = compiled(lambda *args: (function(*args) ** 2).sum(), *args)
    for _ in range(2):
        value, gradients = made.grad(*args)
    points = [a.clone().requires_grad_(a.dtype.is_floating_point) for a in args]
    wanted = (function(*points) ** 2).sum()
    wanted.backward()
    of_floats = [p.grad for p in points if p.requires_grad]
    for g, w in zip(gradients, of_floats):
        torch.testing.assert_close(g, w)
    same(made.grad.native.run(*args), (value, *gradients))


def test_a_gradient_is_compiled_like_the_function_itself() -> None:
    made = compiled(lambda x, i: x.take(i).sum(), randn(4), torch.tensor([1, 1]))
    value, gradient = made.grad.native.run([1.0, 2.0, 3.0, 4.0], [3, 1])
    assert value == 6 and gradient.tolist() == [0, 1, 0, 1]
    assert compiled(lambda x: x, randn()).grad.native.run(2.0) == (2.0, 1.0)
    assert compiled(lambda x: torch.ones(()), randn(2)).grad.native.run([2.0, 1.0])[1].tolist() == [0, 0]


def test_a_gradient_of_arguments_with_names_is_compiled_too() -> None:
    x, y = randn(3), randn(2)
    f = torch.compile(lambda p, *, y: (p["a"] * 2).sum() + y.prod())
    for _ in range(3):
        f({"a": x}, y=y)
    value, *found = f.grad.native.run(x.numpy(), y.numpy())  # in the order of the parameters
    assert value == pytest.approx(f({"a": x}, y=y).item())
    same(tuple(found), (torch.full((3,), 2.0, dtype=f64), y.flip(0)))


def test_a_gradient_whose_program_hangs_on_values_has_to_be_called() -> None:
    made = compiled(lambda x: x * 2 if x > 0 else -x, torch.tensor(1.0, dtype=f64))
    with pytest.raises(RuntimeError, match="depends on values"):
        _ = made.grad.native
    made.grad(torch.tensor(-1.0, dtype=f64)), made.grad(torch.tensor(-1.0, dtype=f64))
    assert made.grad.native.run(-3.0) == (3.0, -1.0)
    with pytest.raises(RuntimeError, match="not made for"):
        made.grad.native.run(3.0)


def test_a_gradient_is_of_one_number() -> None:
    with pytest.raises(RuntimeError, match=r"must return one number as a tensor, not a tensor of shape \(3,\)"):
        torch.compile(lambda x: x * 2).grad(randn(3))
    with pytest.raises(RuntimeError, match="not a tuple"):
        torch.compile(lambda x: (x.sum(), 1)).grad(randn(3))


# ---------------------------------------------------------------- Numba

def test_numba_calls_it_with_numbers() -> None:
    function, args = PROGRAMS["scalars"]
    made = compiled(function, *args)
    value, both = made.native, made.grad.native

    @numba.njit(nogil=True)
    def use(x: float, y: float) -> Any:
        return value(x, y), both(x, y)

    x, y = (a.item() for a in args)
    assert use(x, y) == (value.run(x, y), both.run(x, y))
    assert value.signature() == numba.float64(numba.float64, numba.float64)

    @numba.njit
    def apply(f: Any, x: float, y: float) -> Any:
        return f(x, y)

    assert apply(value, x, y) == value.run(x, y)

    @numba.cfunc("float64(float64)")
    def back(x: float) -> float:
        return value(x, 2.0)

    assert back.ctypes(0.5) == value.run(0.5, 2.0)


def test_numba_calls_it_with_arrays_of_the_right_size() -> None:
    made = compiled(lambda x, s: ((x * s).sum(), x.t() * s), randn(2, 3), torch.tensor(2.0, dtype=f64))
    value = made.native

    @numba.njit
    def use(x: Any, s: float, out: Any) -> float:
        return value(x, s, out)

    x, out = np.arange(6.0).reshape(2, 3), np.zeros((3, 2))
    assert use(x, 3.0, out) == 45 and np.array_equal(out, x.T * 3)
    x.setflags(write=False)
    assert use(x, 3.0, out) == 45
    assert math.isnan(use(np.zeros((2, 4)), 3.0, out))
    assert math.isnan(use(x, 3.0, np.zeros((2, 3))))
    whole = compiled(lambda x: x * 2, torch.arange(3)).native

    @numba.njit
    def status(x: Any, out: Any) -> int:
        return whole(x, out)

    out = np.zeros(3, "i8")
    assert status(np.arange(3), out) == 0 and out.tolist() == [0, 2, 4]
    assert status(np.arange(4), out) == 4


def test_numba_is_told_by_nan_where_a_check_fails() -> None:
    made = compiled(lambda x: torch.sqrt(x) if x > 0 else x, torch.tensor(2.0, dtype=f64)).native
    assert math.isnan(numba.njit(lambda x: made(x))(-2.0))
    assert numba.njit(lambda x: made(x))(4.0) == 2


def test_calls_beside_each_other_do_not_meet() -> None:
    made = compiled(lambda x: torch.cumsum((x @ x).exp(), 0).sum(), randn(70, 70) * 0.01).grad.native
    assert made.workspace > 1 << 14
    points = [(randn(70, 70) * 0.01 * k).numpy() for k in range(8)]
    wanted = [made.run(p)[1] for p in points]
    found: dict[int, Any] = {}

    @numba.njit(nogil=True)
    def many(p: Any, out: Any) -> float:
        s = 0.0
        for _ in range(20):
            s = made(p, out)
        return s

    def work(k: int) -> None:
        many(points[k], found.setdefault(k, np.zeros((70, 70))))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(np.array_equal(found[k], wanted[k]) for k in range(8))


def test_prange() -> None:
    made = compiled(lambda x: (x * x).sum() * 0.5, randn(3)).grad.native

    @numba.njit(parallel=True, nogil=True)
    def rows(xs: Any, gs: Any, values: Any) -> None:
        for i in numba.prange(len(xs)):
            values[i] = made(xs[i], gs[i])

    xs = np.random.default_rng(0).normal(size=(50, 3))
    gs, values = np.zeros_like(xs), np.zeros(50)
    rows(xs, gs, values)
    assert np.array_equal(gs, xs) and np.allclose(values, (xs ** 2).sum(1) / 2)


# ---------------------------------------------------------------- SciPy and C

def test_scipy_takes_it_for_a_low_level_callable() -> None:
    of_one = compiled(lambda x: torch.exp(-x * x), torch.tensor(1.0, dtype=f64)).native
    assert isinstance(of_one, LowLevelCallable)
    assert integrate.quad(of_one, 0, 1)[0] == pytest.approx(math.erf(1) * math.sqrt(math.pi) / 2)
    two = compiled(lambda x, y: x * torch.exp(-y), torch.tensor(1.0, dtype=f64), torch.tensor(1.0, dtype=f64)).native
    assert integrate.quad(two, 0, 1, args=(0.0,))[0] == pytest.approx(0.5)
    vector = compiled(lambda x: x[0] * torch.exp(-x[1]), torch.ones(2, dtype=f64)).native
    assert integrate.nquad(vector, [[0, 1], [0, 1]])[0] == pytest.approx((1 - math.exp(-1)) / 2)
    with pytest.raises(ValueError, match="signature"):
        integrate.quad(compiled(lambda x: x * 2, torch.ones(2)).native, 0, 1)


MAIN = """
#include <stdio.h>
#include "rosen.h"
int main(void) {
    double x[3] = {0.5, 1.0, 2.0}, value, gradient[3];
    int32_t status = rosen(x, &value, gradient, 0);
    printf("%d %.17g %.17g %.17g %.17g\\n", status, value, gradient[0], gradient[1], gradient[2]);
    return 0;
}
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
def test_an_object_file_needs_nothing_else(tmp_path: Any) -> None:
    shift = torch.tensor([1.0, 2.0], dtype=f64)

    def rosen(x: torch.Tensor) -> torch.Tensor:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (shift - x[:-1]).exp()).sum()

    made = compiled(rosen, randn(3))
    header = made.grad.export(tmp_path / "rosen.o", name="rosen")
    assert header.name == "rosen.h" and "const double *x" in header.read_text()
    (tmp_path / "main.c").write_text(MAIN)
    flags = ["-lm"] if "-lmvec" not in header.read_text() else ["-lmvec", "-lm"]
    subprocess.run(["gcc", "-Wall", "-Werror", "main.c", "rosen.o", *flags, "-o", "main"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split()
    value, gradient = made.grad.native.run([0.5, 1.0, 2.0])
    assert printed[0] == "0" and [*map(float, printed[1:])] == [value, *gradient]


@pytest.mark.parametrize("compiler", ["gcc -std=gnu17", "g++ -std=gnu++17"])
def test_names_that_c_has_other_uses_for(compiler: str, tmp_path: Any) -> None:
    program, *options = compiler.split()
    if shutil.which(program) is None:
        pytest.skip("no compiler")

    def double(xor: Any, unix: Any, NULL: Any, int32_t: Any, workspace: Any) -> Any:
        return (xor + unix) * NULL - int32_t / workspace

    made = compiled(double, *[torch.tensor(1.0, dtype=f64) for _ in range(5)])
    header = compiled(double, *[torch.ones(2, dtype=f64) for _ in range(5)]).export(tmp_path / "double.o")
    assert "int32_t double_(const double *xor_, const double *unix_, const double *NULL_," in header.read_text()
    made.export(tmp_path / "numbers.o", "numbers")
    main = tmp_path / f"main.{'c' if program == 'gcc' else 'cpp'}"
    main.write_text('#include <stdio.h>\n#include "double.h"\n#include "numbers.h"\n')
    subprocess.run([program, *options, "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", main.name],
                   cwd=tmp_path, check=True)


def test_a_header_does_not_replace_the_object_file(tmp_path: Any) -> None:
    f = compiled(lambda x: x * 2, randn(3))
    with pytest.raises(ValueError, match="header"):
        f.native.export(tmp_path / "f.h")
    assert not [*tmp_path.iterdir()]


def test_what_is_called_like_a_function_of_c_needs_another_name(tmp_path: Any) -> None:
    def exp(x: torch.Tensor) -> torch.Tensor:
        return torch.exp(x)

    made = compiled(exp, torch.tensor(1.0, dtype=f64))
    assert made.native.run(0.0) == 1
    for name in (None, "index", "malloc"):  # its object file would stand in for C's own
        with pytest.raises(ValueError, match=f"called {name or 'exp'}: export"):
            made.export(tmp_path / "exp.o", name)
    assert "double mine_value(double x)" in made.export(tmp_path / "exp.o", "mine").read_text()
    with pytest.raises(RuntimeError, match=r"calls potrf.*, which is not known as text"):
        compiled(torch.linalg.cholesky, torch.eye(2, dtype=f64)).export(tmp_path / "c.o")


# ---------------------------------------------------------------- what is refused, and what goes stale

REFUSED: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "random": (lambda x: x + torch.randn(3), (torch.ones(3),), "draws random numbers"),
    "in place": (lambda x: x.add_(1), (torch.ones(3),), "writes to tensors"),
    "a view": (lambda x: x[1:], (torch.ones(3),), "return a copy"),
    "no tensor": (lambda x: None, (torch.ones(3),), "returns no tensor"),
    "strides": (lambda x: x + 1, (torch.ones(3, 4).t().clone(memory_format=torch.preserve_format),),
                "x is not contiguous"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    function, args, why = REFUSED[name]
    with pytest.raises(RuntimeError, match=why):
        _ = compiled(function, *args).native


def test_refused_otherwise() -> None:
    with pytest.raises(RuntimeError, match="nothing is compiled yet"):
        _ = torch.compile(lambda x: x).native
    written = torch.compile(lambda x: print(end="") or x)
    with pytest.warns(UserWarning, match="runs as it is written"):
        written(torch.ones(1))
    with pytest.raises(RuntimeError, match="print"):
        _ = written.native
    varying = torch.compile(lambda x, s: x * s)
    for k in range(5):
        varying(torch.ones(2), k + 0.5)
    with pytest.raises(RuntimeError, match="as tensors without axes"):
        _ = varying.native
    leaf = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="gradients"):
        step = torch.compile(lambda x: (leaf * x).sum().backward())
        for _ in range(4):
            step(torch.ones(3))
        _ = step.native
    made = compiled(lambda x: x + 1, torch.ones(3, dtype=f64)).native
    with pytest.raises(ValueError, match=r"x must have shape \(3,\)"):
        made.run(np.ones(4))
    with pytest.raises(TypeError, match="x must be float64"):
        made.run(torch.ones(3))
    with pytest.raises(TypeError, match="takes 1 argument"):
        made.run()
    with pytest.raises(TypeError, match="float16"):
        compiled(lambda x: x + 1, torch.ones(3).half()).native.signature()


def test_text_that_is_passed_is_no_number_that_varies() -> None:
    made = compiled(lambda x, what: x * len(what) if what != "Masked(which=0)" else x, randn(3), "Masked(which=0)")
    assert made.native.run([1.0, 2.0, 3.0]).tolist() == [1, 2, 3]
    assert made.grad is not None


def test_tensors_are_read_where_they_lie_and_values_are_as_they_were() -> None:
    weight, scale = torch.ones(3, dtype=f64), [2.0]
    made = compiled(lambda x: (x * weight).sum() * scale[0], randn(3))
    native = made.native
    assert native.run(np.ones(3)) == 6 and native.is_current() and made.native is native
    weight.fill_(5)
    assert native.run(np.ones(3)) == 30
    scale[0] = 3.0
    assert not native.is_current() and native.run(np.ones(3)) == 30
    with pytest.raises(RuntimeError, match="call it again"):
        _ = made.native
    made(randn(3)), made(randn(3)), made(randn(3))
    assert made.native.run(np.ones(3)) == 45
    weight.data = torch.zeros(3, dtype=f64)
    with pytest.raises(RuntimeError, match="take `native` anew"):
        native.run(np.ones(3))


def test_an_index_out_of_range_is_a_status() -> None:
    made = compiled(lambda x, i: x[i], randn(4), torch.tensor([0, 1])).native
    assert made.run([1.0, 2.0, 3.0, 4.0], [3, -1]).tolist() == [4, 4]
    with pytest.raises(RuntimeError, match="a step failed"):
        made.run([1.0, 2.0, 3.0, 4.0], [4, 0])


EXPORTED = ["products", "large", "indices", "softmax", "columns", "what is read by name", "a loop of vectors",
            "a branch", "weighted sums and picked columns"]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
@pytest.mark.parametrize("name", EXPORTED)
def test_an_object_file_does_the_same(name: str, tmp_path: Any) -> None:
    """Loaded into a process that has neither, by ctypes alone."""
    function, args = PROGRAMS[name]
    made = compiled(function, *args)
    given = leaves(args)
    wanted = [w.detach().contiguous().numpy() for w in leaves(made(*args))]
    theirs = {"large": "scan"}  # a running sum is numba's
    if gemm.kernels(torch.float32) is None:
        theirs |= dict.fromkeys(("products", "large", EXPORTED[-1]), "gemm")  # and a product BLAS's
    if name in theirs:
        with pytest.raises(RuntimeError, match=rf"{theirs[name]}.*not known as text"):
            made.export(tmp_path / "f.o", "f")
        return
    header = made.export(tmp_path / "f.o", "f").read_text()
    flags = ["-lm"] if "-lmvec" not in header else ["-lmvec", "-lm"]
    subprocess.run(["gcc", "-shared", "f.o", *flags, "-o", "f.so"], cwd=tmp_path, check=True)
    for i, a in enumerate(given):
        np.ascontiguousarray(a.numpy()).tofile(tmp_path / f"in{i}")
    sizes = [w.nbytes for w in wanted]
    code = (f"import ctypes, sys\nf = ctypes.CDLL('./f.so').f\n"
            f"ins = [ctypes.create_string_buffer(open(f'in{{i}}', 'rb').read()) for i in range({len(given)})]\n"
            f"outs = [ctypes.create_string_buffer(n) for n in {sizes}]\n"
            "assert f(*ins, *outs, None) == 0\n"
            "assert not any(m in sys.modules for m in ('numpy', 'numba', 'tapegrad'))\n"
            "for i, o in enumerate(outs): open(f'out{i}', 'wb').write(o.raw)\n")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env={})
    for i, w in enumerate(wanted):
        assert (tmp_path / f"out{i}").read_bytes()[:w.nbytes] == w.tobytes()
