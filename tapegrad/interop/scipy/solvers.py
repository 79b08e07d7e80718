"""SciPy's solvers, each with the derivatives of a function of tensors filled in."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import tapegrad
from tapegrad.compiler import Compiled
from tapegrad.interop.scipy import objectives
from tapegrad.interop.scipy.objectives import Array, Objective

_PRODUCTS = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}  # methods that want Hessian products
_HESSIANS = {"dogleg", "trust-exact"}  # those that want the matrix
_WITHOUT = {"nelder-mead", "powell", "cobyla", "cobyqa"}  # those that want no derivative
_IMPLICIT = {"Radau", "BDF", "LSODA"}


def minimize(fun: Objective, x0: Any, args: Any = (), method: str | None = None, *, constraints: Any = (),
             progress: bool = False, callback: Any = None, **options: Any) -> Any:
    """`scipy.optimize.minimize`, with the gradient, and the Hessian or its products where the method wants them.

    >>> import numpy as np
    >>> found = minimize(lambda x: ((x - 3) ** 2).sum(), np.zeros(2), method="trust-ncg")
    >>> found.x.round(6)
    array([3., 3.])

    `fun` takes a float64 tensor of one axis, then `args`, and returns one number. Functions in `constraints` (SciPy's
    dicts, or `NonlinearConstraint`) take that tensor too, and get their Jacobians. `progress` shows iterations by tqdm,
    if that is installed. With `jac=True` it is SciPy's function, of arrays, that gives the value and the gradient (as
    `interop.dask.value_and_grad` does). Other arguments are SciPy's. Raises ValueError for an objective that is not
    one number.
    """
    from scipy import optimize

    given = _arguments(args)
    start = _point(x0)
    name = (method or "").lower()
    both = options.get("jac") is True
    if "hess" not in options and "hessp" not in options and not both:
        if name in _PRODUCTS:
            options["hessp"] = objectives.hessp(fun)
        elif name in _HESSIANS:
            options["hess"] = _hessian(fun)
    several = constraints if isinstance(constraints, (list, tuple)) else [constraints]
    if several:
        options["constraints"] = [_constraint(c) for c in several]
    if both:
        objective: Callable[..., Any] = fun
    elif name in _WITHOUT or callable(options.get("jac")):
        value = objectives.evaluated(lambda x, *args: objectives.number(fun(x, *args)))

        def objective(x: Array, *args: Any) -> Any:
            return float(value(x, *args)[0])
    else:
        objective = objectives.value_and_grad(fun)
        options["jac"] = True
    with _Progress(progress, "minimize") as shown:
        return optimize.minimize(objective, start, given, method, callback=shown.callback(callback), **options)


def least_squares(fun: Objective, x0: Any, args: Any = (), *, sparse: bool = False, **options: Any) -> Any:
    """`scipy.optimize.least_squares`, with the Jacobian: `fun` takes a float64 tensor of one axis, and gives residuals.

    >>> import numpy as np
    >>> found = least_squares(lambda x: 10 * (x[1:] - x[:-1] ** 2), np.array([0.5, 2.0]))
    >>> bool(found.cost < 1e-12)
    True

    `sparse` finds out which elements are zero, and computes the others in a few sweeps (`tapegrad.sparse`).
    """
    from scipy import optimize

    jac = options.pop("jac", None) or (objectives.sparse_jac(fun) if sparse else objectives.dense_jac(fun))
    return optimize.least_squares(objectives.evaluated(fun), _point(x0), jac, args=_arguments(args), **options)


def root(fun: Objective, x0: Any, args: Any = (), method: str = "hybr", **options: Any) -> Any:
    """`scipy.optimize.root`, with the Jacobian for the methods that take it (hybr, lm).

    >>> import numpy as np
    >>> root(lambda x: x ** 2 - 2, np.array([1.0, 3.0])).x.round(6)
    array([1.414214, 1.414214])
    """
    from scipy import optimize

    start, values, given = _point(x0), objectives.evaluated(fun), _arguments(args)
    found = values(start, *given)
    if found.shape != start.shape:
        raise ValueError(f"a root of {len(start)} unknowns wants as many equations, not {len(found)}")
    if method in ("hybr", "lm") and "jac" not in options:
        options["jac"] = objectives.dense_jac(fun)
    return optimize.root(values, start, given, method, **options)


def root_scalar(fun: Objective, args: Any = (), method: str | None = None, **options: Any) -> Any:
    """`scipy.optimize.root_scalar`, with first and second derivatives where the method takes them.

    >>> float(root_scalar(lambda x: x.exp() - 2, x0=1.0, method="newton").root)
    0.693147180559945...

    `fun` takes a float64 tensor without axes. Without a method it is SciPy's for a bracket, and Newton's for an `x0`.
    """
    from scipy import optimize

    if method is None and "bracket" not in options and "x1" not in options:
        method = "newton"
    derivatives: list[Objective] = [fun]
    for k in range({"newton": 1, "halley": 2}.get(method or "", 0)):
        derivatives.append(tapegrad.func.grad(derivatives[k]))
    for name, derivative in zip(("fprime", "fprime2"), derivatives[1:]):
        options.setdefault(name, _of_number(derivative))
    return optimize.root_scalar(_of_number(fun), args=_arguments(args), method=method, **options)


def solve_ivp(fun: Objective, t_span: Any, y0: Any, method: str = "RK45", *, args: Any = (), **options: Any) -> Any:
    """`scipy.integrate.solve_ivp`, with the Jacobian for implicit methods: `fun(t, y, *args)` of float64 tensors.

    >>> import numpy as np
    >>> found = solve_ivp(lambda t, y: -50 * y, (0.0, 1.0), np.ones(1), "Radau", rtol=1e-8, atol=1e-10)
    >>> bool(abs(found.y[0, -1] - np.exp(-50)) < 1e-8)
    True
    """
    from scipy import integrate

    takers = [integrate.solve_ivp, integrate.RK45, integrate.Radau, integrate.BDF, integrate.LSODA,
              *([method] if isinstance(method, type) else [])]
    unknown = options.keys() - {name for taker in takers for name in inspect.signature(taker).parameters}
    if unknown:  # SciPy warns
        raise TypeError(f"solve_ivp() got an unexpected keyword argument {min(unknown)!r}")
    start, given = _point(y0), _arguments(args)

    def moved(y: Any, t: Any, *args: Any) -> Any:
        return fun(t, y, *args)

    values = objectives.evaluated(moved)
    found = values(start, _time(t_span[0]), *given)
    if found.shape != start.shape:
        raise ValueError(f"the derivative of {len(start)} numbers is as many, not {len(found)}")
    if getattr(method, "__name__", method) in _IMPLICIT and "jac" not in options:
        jacobian = objectives.dense_jac(moved)
        options["jac"] = lambda t, y: jacobian(y, _time(t), *given)
    return integrate.solve_ivp(lambda t, y: values(y, _time(t), *given), t_span, start, method, **options)


def quad(fun: Objective, a: float, b: float, args: Any = (), **options: Any) -> Any:
    """`scipy.integrate.quad` of a function of float64 numbers, as native code (see `Compiled.native`).

    >>> import tapegrad
    >>> quad(lambda x: tapegrad.exp(-x * x), -10.0, 10.0)[0]
    1.7724538509055...

    A function that cannot be native, or whose branches go both ways, is called from Python.
    """
    from scipy import integrate

    numbers = tuple(float(n) for n in _arguments(args))
    function = fun if isinstance(fun, Compiled) else Compiled(fun)
    middle = (a + b) / 2 if np.isfinite(a + b) else 0.5
    given = [tapegrad.tensor(n, dtype=tapegrad.float64) for n in (middle, *numbers)]
    for _ in range(2):
        found = function(*given)
    objectives.number(found, "integrand")
    try:
        native = function.native
        if native.interface.scipy is not None and not native.checks:
            return integrate.quad(native, a, b, numbers, **options)
    except RuntimeError:
        pass  # the reason is for those who ask for `native`
    return integrate.quad(_of_number(function), a, b, numbers, **options)


def approx_fprime(xk: Any, f: Objective, epsilon: Any = None, *args: Any) -> Array:
    """`scipy.optimize.approx_fprime`, exact: the gradient of one number, the Jacobian of several. No step is taken.

    >>> import numpy as np
    >>> approx_fprime(np.array([1.0, 2.0]), lambda x: (x ** 3).sum())
    array([ 3., 12.])
    """
    point = _point(xk)
    found = objectives.dense_jac(f)(point, *args)
    return found[0] if len(found) == 1 and f(tapegrad.tensor(point), *_tensors(args)).ndim == 0 else found


def differential_evolution(func: Objective, bounds: Any, args: Any = (), *, polish: bool = True, progress: bool = False,
                           callback: Any = None, **options: Any) -> Any:
    """`scipy.optimize.differential_evolution` of a whole population at once, polished with exact gradients.

    >>> found = differential_evolution(lambda x: ((x - 1) ** 2).sum(), [(-5, 5)] * 3, seed=0)
    >>> found.x.round(4)
    array([1., 1., 1.])

    `func` takes a float64 tensor of one axis, and is mapped over candidates (`vmap`).
    """
    from scipy import optimize

    given = _arguments(args)
    limits = bounds if isinstance(bounds, optimize.Bounds) else optimize.Bounds(*np.array([*bounds], float).T)
    one = func(tapegrad.tensor((limits.lb + limits.ub) / 2), *_tensors(given))  # of many SciPy would tell nothing
    if objectives.number(one).ndim != one.ndim:
        raise ValueError(f"the objective must return one number without axes, not a tensor of shape {tuple(one.shape)}")
    several = Compiled(lambda xs: tapegrad.vmap(lambda x: func(x, *_tensors(given)))(xs), dynamic=True)

    def values(xs: Array) -> Array:
        columns = np.ascontiguousarray(np.atleast_2d(xs.T))
        found = several(tapegrad.tensor(columns))
        return found.numpy() if xs.ndim > 1 else found.numpy()[0]

    with _Progress(progress, "differential_evolution") as shown:
        found = optimize.differential_evolution(values, bounds, vectorized=True, updating="deferred", polish=False,
                                                callback=shown.callback(callback), **options)
    if polish and not options.get("constraints"):
        better = minimize(func, found.x, args, "L-BFGS-B", bounds=limits)
        if better.fun < found.fun:
            found.x, found.fun, found.jac = better.x, better.fun, better.jac
            found.nfev += better.nfev
    return found


# ---------------------------------------------------------------------------------------------------- what they share

def _arguments(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


def _tensors(args: Sequence[Any]) -> list[Any]:
    return [tapegrad.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args]


def _point(x0: Any) -> Array:
    found = np.atleast_1d(np.array(x0.detach().numpy() if isinstance(x0, tapegrad.Tensor) else x0, float))
    if found.ndim != 1:
        raise ValueError(f"the point to start from must have one axis, not shape {found.shape}: the function may "
                         "reshape it")
    return found


def _time(t: Any) -> Any:
    return tapegrad.tensor(float(t), dtype=tapegrad.float64)


def _of_number(function: Objective) -> Callable[..., float]:
    compiled = function if isinstance(function, Compiled) else Compiled(function)

    def value(x: float, *args: Any) -> float:
        found = compiled(tapegrad.tensor(float(x), dtype=tapegrad.float64), *[
            tapegrad.tensor(a, dtype=tapegrad.float64) if isinstance(a, float) else a for a in _tensors(args)])
        return float(objectives.number(found, "function").item())

    return value


def _hessian(function: Objective) -> Callable[..., Array]:
    return objectives.dense_jac(lambda x, *args: tapegrad.func.grad(lambda x: objectives.number(function(x, *args)))(x))


def _constraint(constraint: Any) -> Any:
    """A constraint with its Jacobian, and as a function of arrays."""
    from scipy import optimize

    if isinstance(constraint, Mapping):
        fun = constraint["fun"]
        return {"jac": objectives.dense_jac(fun), **constraint, "fun": objectives.evaluated(fun)}
    if isinstance(constraint, optimize.NonlinearConstraint):
        jac = constraint.jac if callable(constraint.jac) else objectives.dense_jac(constraint.fun)
        hess = constraint.hess

        def product(x: Array, v: Array) -> Array:
            weights = tapegrad.tensor(np.asarray(v, float))
            return _hessian(lambda x: (objectives._vector(constraint.fun(x)) * weights).sum())(x)

        return optimize.NonlinearConstraint(objectives.evaluated(constraint.fun), constraint.lb, constraint.ub, jac,
                                            hess if callable(hess) else product, constraint.keep_feasible)
    return constraint


class _Progress:
    """Iterations counted at the terminal, by tqdm where that is installed."""

    def __init__(self, wanted: bool, title: str) -> None:
        self._bar: Any = None
        if wanted:
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self._bar = tqdm(desc=title, unit=" iterations")

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def callback(self, given: Any) -> Any:
        if self._bar is None:
            return given

        def called(intermediate_result: Any) -> Any:  # some methods give the point alone
            self._bar.update()
            if given is None:
                return None
            if [*inspect.signature(given).parameters] == ["intermediate_result"]:
                return given(intermediate_result=intermediate_result)
            return given(getattr(intermediate_result, "x", intermediate_result))

        return called
