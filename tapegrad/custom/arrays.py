"""Functions of arrays as operations: structured ones, whose kernel calls what Numba compiled.

Their operands have the same loops, which the call sees to, so that a batch of samples (`vmap`) is a loop more. Several
results, of which the tape knows none, are one: their cores laid side by side, which views take apart. So are the
gradients that `vjp` returns.
"""
from __future__ import annotations

import inspect
import itertools
import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import creation, dispatch, dtypes, errors, shapes
from tapegrad.custom.signatures import Core, Signature
from tapegrad.dtypes import dtype
from tapegrad.machine.kernels import structural
from tapegrad.machine.planning import Step, byte_strides, thread_cuts
from tapegrad.ops import declaration
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.ops.scalar import whole
from tapegrad.ops.traced_functions import with_parameters
from tapegrad.tensor import Tensor

MOST = 8  # operands and results: pointers of a kernel, and what backward reads of them


class Arrays:
    """A function of arrays that Numba compiles, and its signature."""

    name: str
    signature: Signature
    slope: bool
    plain: Any
    function: Any
    fills: bool

    def __init__(self, function: Any, name: str, signature: Signature, parameters: Sequence[str], slope: bool = False
                 ) -> None:
        import numba

        self.name, self.signature, self.slope = name, signature, slope
        self.plain = function
        alone: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # kernels call it, and nobody else
        self.function = function if hasattr(function, "py_func") else numba.njit(error_model="numpy", **alone)(function)
        given, wanted = len(parameters), len(signature.operands)
        self.fills = given == wanted + len(signature.results)
        if given != wanted and not self.fills:
            raise TypeError(f"{name}() takes {given} arguments, and its signature {signature.text} has {wanted} "
                            "operands")
        if wanted + len(signature.results) > MOST:
            raise TypeError(f"{name}() may have {MOST} operands and results, not {wanted + len(signature.results)}")
        self._kernels: dict[tuple[dtype, ...], tuple[int, dtype, bool]] = {}
        # One for steps that do the same, which compiled programs do once.
        self._nests: weakref.WeakValueDictionary[bytes, Any] = weakref.WeakValueDictionary()

    def lower(self, builder: Any, *operands: Any) -> Any:
        """Its step, as a structured rule."""
        cores = self.signature.operands
        sizes = self.signature.sizes(self.name, [x.shape for x in operands])
        made = self.signature.result_shapes(self.name, sizes)
        loop = operands[0].shape[:operands[0].ndim - len(cores[0])] if operands else ()
        address, of, shared = self._kernel(tuple(x.dtype for x in operands))
        core = made[0] if len(made) == 1 else (sum(map(math.prod, made)),)
        out = builder.result(of, (*loop, *core))
        given = [_ready(builder, x, len(loop)) for x in operands]
        sizes_of_cores = [n for shape in (*made, *(x.shape[len(loop):] for x in given)) for n in shape]
        words = [len(loop), len(sizes_of_cores), *loop, *sizes_of_cores]
        for x in (out, *given):
            words += [*byte_strides(x.layout, x.layout.strides[:len(loop)]), *[0] * len(sizes_of_cores)]
        nest = np.array(words, "i8")
        nest = self._nests.setdefault(nest.tobytes(), nest)
        cut = None
        if shared:
            cut = thread_cuts.cut_calls(nest, sum(math.prod(x.shape[len(loop):]) for x in (out, *given)))
        builder.steps.append(Step(address, 0, nest, tuple(x.pointer for x in (out, *given)), cut=cut))
        return out

    def fits(self, operands: Sequence[Any], given: dict[str, Any]) -> bool:
        """Whether operands have loops alike, and cores that the signature allows."""
        loops = {tuple(x.shape[:len(x.shape) - len(core)]) for x, core in zip(operands, self.signature.operands)}
        try:
            self.signature.sizes(self.name, [x.shape for x in operands])
        except ValueError:
            return False
        return len(loops) <= 1

    def _kernel(self, given: tuple[dtype, ...]) -> tuple[int, dtype, bool]:
        if given not in self._kernels:
            signature = self.signature
            self._kernels[given] = structural.array_function(
                self.function, self.name, self.fills, [*map(len, signature.results)],
                [*zip(given, map(len, signature.operands))], self.slope)
        return self._kernels[given]

    def why(self, operands: Sequence[Any]) -> Exception | None:
        """What is wrong with a call that failed: the function is called again, one sample after the other."""
        cores = self.signature.operands
        arrays = [np.ascontiguousarray(x.detach().numpy()) for x in operands]
        loop = operands[0].shape[:operands[0].ndim - len(cores[0])]
        wanted = self.signature.result_shapes(self.name, self.signature.sizes(self.name, [x.shape for x in operands]))
        for at in np.ndindex(*loop):
            sample = [a[at] for a in arrays]
            if self.fills:
                sample += [np.zeros(shape or (1,), arrays[0].dtype) for shape in wanted]
            try:
                found = self.plain(*sample)
            except Exception as why:
                return why
            several = found if len(wanted) > 1 else (found,)
            for k, (r, shape) in enumerate(zip(several, wanted) if not self.fills else ()):
                if np.shape(r) != shape:
                    return ValueError(f"{self.name}: result {k} has shape {np.shape(r)}, with gufunc signature "
                                      f"{self.signature.text} it must be {shape}")
        return None


def _ready(builder: Any, x: Any, loops: int) -> Any:
    """An operand whose cores are contiguous: a copy where they are not, of what loops repeat one."""
    shape, strides = x.shape, x.layout.strides
    if all(n == 1 or s == t for n, s, t in zip(
            shape[loops:], strides[loops:], shapes.contiguous_strides(shape[loops:]))) or 0 in shape:
        return x
    for d in range(loops):
        if strides[d] == 0 and shape[d] > 1:
            x = x.narrow(d, 0, 1)
    kept = builder.room_for(x.dtype, x.shape)
    builder.copy(kept.place(), x.place())
    return kept.expand(*shape)


def parts(packed: Any, loops: int, cores: Sequence[Sequence[int]]) -> list[Any]:
    """The values whose cores lie side by side in one."""
    if len(cores) == 1:
        return [packed]
    made, start = [], 0
    for core in cores:
        size = math.prod(core)
        made.append(packed.narrow(-1 % packed.ndim, start, size).reshape(*packed.shape[:loops], *core))
        start += size
    return made


# ---------------------------------------------------------------- declarations


def declared(function: Any, vjp: Any, jvp: Any, called: str, text: Any) -> tuple[Operation, list[str], Any]:
    """The operation of a function of arrays, the names of its operands, and the function that is called."""
    signature = Signature.parsed(text)
    names = parameters(function, "the function")
    held = Arrays(function, called, signature, names)
    names = names[:len(signature.operands)]
    several = len(signature.results) > 1
    gradient_names = [f"g{k}" for k in range(len(signature.results))] if several else ["g"]
    result_names = [f"out{k}" for k in range(len(signature.results))] if several else ["out"]
    if {*gradient_names, *result_names, "g", "out"} & {*names}:
        raise TypeError(f"{called}() must take arrays, of which none may be called "
                        f"{' or '.join([*gradient_names, *result_names])}; it takes {', '.join(names)}")
    cores = dict(zip(names, signature.operands))
    cores.update(zip(gradient_names, signature.results))
    cores.update(zip(result_names, signature.results))
    rule = recorded = pushed = None
    if jvp is not None:
        pushed = _Pushed(jvp, held, names, result_names, cores)
    if vjp is not None:
        rule, recorded = _adjoint(vjp, held, names, gradient_names, result_names, cores, pushed)
    op = _declare(called, held, names, rule, recorded)
    op.tangent = pushed
    return op, names, Call(op, held, names)


def parameters(function: Any, what: str) -> list[str]:
    plain = getattr(function, "py_func", function)
    if not inspect.isfunction(plain):
        raise TypeError(f"custom_op(): {what} must be a Python function, or one of Numba's, not a "
                        f"{type(function).__name__}")
    found = inspect.signature(plain).parameters.values()
    if any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in found):
        raise TypeError(f"custom_op(): {what} may have plain parameters only")
    return [p.name for p in found]


def _declare(called: str, held: Arrays, names: Sequence[str], rule: Any = None, recorded: Any = None) -> Operation:
    every = (f"custom.{called}{f'_{n}' if n else ''}" for n in itertools.count())
    free = next(n for n in every if dict.get(REGISTRY, n) is None)
    node = "".join(part[:1].upper() + part[1:] for part in called.rstrip("_").split("_")) + "Backward0"
    forward = with_parameters(held.lower, ["builder", *names])
    return declaration.structured(free, forward, rule, method=False, grad_name=node, refused=rule is None,
                                  recorded=recorded, fits=held.fits)


def _helper(function: Any, what: str, called: str, known: Sequence[str], cores: dict[str, Core],
            results: Sequence[Core], rule_of: Callable[[list[str]], Any] | None = None
            ) -> tuple[list[str], Arrays, Operation]:
    """A part of a rule, as an operation on what its parameters name; `rule_of` these is its adjoint."""
    names = parameters(function, what)
    count = len(names)
    if [*names[-len(results):]] and not {*names[count - len(results):]} & {*known}:
        count -= len(results)  # those that it fills
    unknown = {*names[:count]} - {*known}
    if unknown or not count:
        raise TypeError(f"{called}(): {what} asks for {', '.join(sorted(unknown)) or 'nothing'}; it may ask for "
                        f"{', '.join(known)}")
    text = "{}->{}".format(*[",".join(f"({','.join(core)})" for core in side) for side in (
        [cores[n] for n in names[:count]], results)])
    held = Arrays(function, f"{called}_{what}", Signature(text, tuple(cores[n] for n in names[:count]), tuple(results)),
                  names, slope=True)
    rule = None if rule_of is None else rule_of(names[:count])
    return names[:count], held, _declare(f"{called}_{what}", held, [f"{n}_" for n in names[:count]], rule)


def _adjoint(vjp: Any, held: Arrays, names: Sequence[str], gradients: Sequence[str], results: Sequence[str],
             cores: dict[str, Core], pushed: _Pushed | None) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The adjoint rule, by the kernel of `vjp`; and as it is recorded, followed where that is possible."""
    def rule_of(asked: list[str]) -> Any:
        return None if pushed is None else pushed.transposed(asked, gradients)

    asked, helper, op = _helper(vjp, "vjp", held.name, [*gradients, *results, *names], cores,
                                [cores[n] for n in names], rule_of)
    wanted = ["g", *(["out"] if {*asked} & {*results} else []), *names]

    def values(given: Sequence[Any]) -> tuple[int, dict[str, Any]]:
        known = dict(zip(wanted, given))
        first = known[names[0]]
        loops = len(first.shape) - len(cores[names[0]])
        sizes = held.signature.sizes(held.name, [known[n].shape for n in names])
        made = held.signature.result_shapes(held.name, sizes)
        for several, one in ((gradients, "g"), (results, "out")):
            if one in known:
                known.update(zip(several, parts(known[one], loops, made)))
        return loops, known

    def by_kernel(*given: Any) -> tuple[Any, ...]:
        loops, known = values(given)
        found = getattr(whole, op.name)(*[known[n] for n in asked])
        return tuple(p if known[n].dtype.is_floating_point else None for n, p in zip(
            names, parts(found, loops, [known[n].shape[loops:] for n in names])))

    followed = Followed(getattr(vjp, "py_func", vjp), helper, names, asked)

    def recorded(*given: Any) -> tuple[Any, ...]:
        loops, known = values(given)
        found = by_kernel(*given)
        return followed(loops, known, found)

    return with_parameters(by_kernel, wanted), with_parameters(recorded, wanted)


class Followed:
    """A `vjp` run on tensors, where it can be: what it does is then recorded, and has derivatives.

    NumPy and this library do not mean the same by every word (`std`), so that what it gave is compared with what
    Numba's code gives, the first time for each kind of operands.
    """

    function: Callable[..., Any]
    helper: Arrays
    names: Sequence[str]
    asked: Sequence[str]

    def __init__(self, function: Callable[..., Any], helper: Arrays, names: Sequence[str], asked: Sequence[str]
                 ) -> None:
        self.function, self.helper, self.names, self.asked = function, helper, names, asked
        self.found: dict[Any, bool] = {}

    def __call__(self, loops: int, known: dict[str, Any], by_kernel: tuple[Any, ...]) -> tuple[Any, ...]:
        given = [known[n] for n in self.asked]
        key = loops, *[(x.dtype, tuple(x.shape)) for x in given]
        if self.helper.fills or self.found.get(key) is False:
            return by_kernel
        from tapegrad import batching

        function = self._on_samples
        for _ in range(loops):
            function = batching.vmap(function)
        try:
            found = [x if b is not None else None for x, b in zip(function(*given), by_kernel)]
        except Exception:
            self.found[key] = False
            return by_kernel
        if key not in self.found:
            self.found[key] = all(b is None or _alike(x, b) for x, b in zip(found, by_kernel))
            if not self.found[key]:
                return by_kernel
        return tuple(found)

    def _on_samples(self, *given: Any) -> tuple[Any, ...]:
        found = self.function(*given)
        several = found if isinstance(found, tuple) else (found,)
        if len(several) != len(self.names) or not all(isinstance(x, Tensor) for x in several):
            raise TypeError("it returns no tensors")
        return several


def _alike(x: Any, wanted: Any) -> bool:
    if x.dtype is not wanted.dtype or x.shape != wanted.shape:
        return False
    tolerance = 1e-3 if x.dtype.itemsize < 4 else 1e-4 if x.dtype.itemsize == 4 else 1e-9
    a, b = (t.detach().numpy() for t in (x, wanted))
    return bool(np.allclose(a, b, tolerance, tolerance, equal_nan=True))


class _Pushed:
    """The tangent of the results: what `jvp` gives of operands and of tangents, which it calls x and x_dot."""

    def __init__(self, jvp: Any, held: Arrays, names: Sequence[str], results: Sequence[str], cores: dict[str, Core]
                 ) -> None:
        self.dots = {f"{n}_dot": n for n in names}
        self.held, self.names, self.results, self.cores = held, names, results, cores
        self.asked, _, self.op = _helper(jvp, "jvp", held.name, [*names, *self.dots, *results], {
            **cores, **{d: cores[n] for d, n in self.dots.items()}}, held.signature.results)

    def __call__(self, given: Sequence[Any], tangents: Sequence[Any], made: Any) -> Any:
        """As `tangents` asks for it."""
        known = dict(zip(self.names, given))
        loops = len(given[0].shape) - len(self.cores[self.names[0]])
        known.update({d: given[0].new_zeros(known[n].shape, dtype=made.dtype) if t is None else t.to(made.dtype)
                      for (d, n), t in zip(self.dots.items(), tangents)})
        known.update(zip(self.results, parts(made, loops, self._result_shapes(known))))
        return dispatch.apply(self.op, [known[n] for n in self.asked])

    def _result_shapes(self, known: dict[str, Any]) -> list[shapes.Shape]:
        signature = self.held.signature
        return signature.result_shapes(self.held.name, signature.sizes(
            self.held.name, [known[n].shape for n in self.names]))

    def transposed(self, asked: Sequence[str], gradients: Sequence[str]) -> Any:
        """The adjoint of `vjp`: linear in its cotangents, it gives these tangents, as forward mode has them that is
        made of two sweeps; by anything else it is refused, when that is asked for. None where it is not called with
        all that `jvp` asks for.
        """
        if {*self.asked} - {*self.dots} - {*asked} or {*self.names} - {*asked}:
            return None
        missing = whole_refusal(f"{self.held.name}_vjp")

        def rule(g: Any, *given: Any) -> tuple[Any, ...]:
            known = dict(zip(asked, given))
            loops = len(known[self.names[0]].shape) - len(self.cores[self.names[0]])
            dots = parts(g, loops, [known[n].shape[loops:] for n in self.names])
            tangent = getattr(whole, self.op.name)(*[{**known, **dict(zip(self.dots, dots))}[n] for n in self.asked])
            found = dict(zip(gradients, parts(tangent, loops, self._result_shapes(known))))
            return tuple(found[n] if n in found else getattr(whole, missing)(x) if x.dtype.is_floating_point else None
                         for n, x in zip(asked, given))

        return with_parameters(rule, ["g", *[f"{n}_" for n in asked]])


def whole_refusal(name: str) -> str:
    """An operation that stands for a derivative that there is none of: who computes it is told so."""
    def refuse(*_: Any) -> Any:
        raise RuntimeError(errors.NO_DERIVATIVE.format(f"custom.{name}"))

    free = f"custom.refused_{len(REGISTRY)}"
    declaration.structured(free, lambda builder, x: builder.called(refuse, x.dtype, x.shape, x), method=False,
                           refused=True, fits=lambda operands, given: True)
    return free


# ---------------------------------------------------------------- calls


class Call:
    """What a call does: operands of one floating dtype and of the same loops, the operation, and its results."""

    op: Operation
    held: Arrays
    names: Sequence[str]

    def __init__(self, op: Operation, held: Arrays, names: Sequence[str]) -> None:
        self.op, self.held, self.names = op, held, names

    def __call__(self, _: Any, given: Sequence[Any]) -> Any:
        held, cores = self.held, self.held.signature.operands
        operands = self._promoted(given)
        sizes = held.signature.sizes(held.name, [x.shape for x in operands])
        loops = [tuple(x.shape[:x.ndim - len(core)]) for x, core in zip(operands, cores)]
        try:
            loop = shapes.broadcast(loops)
        except RuntimeError:
            raise ValueError(f"{held.name}: operands could not be broadcast together with loop dimensions "
                             f"{' '.join(map(str, loops))}, with gufunc signature {held.signature.text}") from None
        operands = [x if own == loop else x.expand(*loop, *x.shape[x.ndim - len(core):])
                    for x, own, core in zip(operands, loops, cores)]
        try:
            found = dispatch.apply(self.op, operands)
        except errors.FunctionRaised as failed:
            why = held.why(operands)
            if why is None:
                raise
            raise why from failed
        made = parts(found, len(loop), held.signature.result_shapes(held.name, sizes))
        return made[0] if len(made) == 1 else tuple(made)

    def _promoted(self, given: Sequence[Any]) -> list[Any]:
        """Floating-point operands in the dtype of all of them; whole numbers stay what they are: places, counts."""
        for j, x in enumerate(given):
            if not isinstance(x, (Tensor, bool, int, float, np.generic)):
                raise TypeError(f"{self.held.name}(): argument '{self.names[j]}' (position {j + 1}) must be Tensor, "
                                f"not {type(x).__name__}")
        common: dtype | None = None
        for x in given:
            if isinstance(x, Tensor) and x.dtype.is_floating_point:
                common = x.dtype if common is None else dtypes.promote(common, x.dtype)
        made = []
        for x in given:
            if not isinstance(x, Tensor):
                floats = isinstance(x, (float, np.floating))
                x = creation.tensor(x, dtype=(common or dtypes.float64) if floats else None)
            made.append(x if common is None or not x.dtype.is_floating_point else x.to(common))
        return made
