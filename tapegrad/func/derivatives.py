"""Derivatives of functions of tensors, as functions (`torch.func`).

One differentiation is a `_Level`: it gives the function inputs that nobody else has, differentiates what comes out,
and lets results out without those inputs in their history. Levels nest, for what is let out of an inner one is a
function of the outer one's inputs.
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import creation, dispatch
from tapegrad.autograd import engine, kept_values, modes, recorded_adjoints
from tapegrad.autograd.marking import now, reaches_beyond
from tapegrad.autograd.recorded_replay import ADD
from tapegrad.lazy_modules import lazy
from tapegrad.machine.live import call, machine
from tapegrad.tape import history, hooks
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]
_swept: Any = lazy("tapegrad.lanes", "sweeps")["sweeps"]


class _Level:
    """One differentiation: the inputs of a function, its outputs, and whether they depend on more than the inputs."""

    __slots__ = ("elsewhere", "fresh", "inputs", "only", "outer", "since", "spec")

    def __init__(self, inputs: Any) -> None:
        self.outer = modes.is_grad_enabled()  # whether anybody outside records
        self.since = now()  # what the inputs of this level are younger than
        self.fresh: list[Any] = []
        self.elsewhere = False
        self.only: Any = None  # the output, if there is one
        if type(inputs) is Tensor:
            self.inputs: list[Any] = [self.own(inputs)]
            self.spec = _LEAF
            return
        leaves, self.spec = tree_flatten(inputs)
        for x in leaves:
            if not isinstance(x, Tensor):
                raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        self.inputs = [self.own(x) for x in leaves]

    def own(self, x: Any) -> Any:
        """What the function is given for an argument: of a batch, each lane has a gradient of its own."""
        if not (self.outer and x.requires_grad):
            return self.leaf(x)
        seen = x.view_as(x) if dispatch.lanes is None else dispatch.lanes.spread(x.view_as(x))
        history.give(_bare(seen))
        return seen

    def leaf(self, x: Any) -> Any:
        """A tensor of this level only."""
        made = x.detach() if dispatch.lanes is None else dispatch.lanes.spread(x.detach())
        if type(made) is not Tensor or hooks.leaves_gone_on() or not call.leaf_on(made):
            made.requires_grad_()
        self.fresh.append(made)
        return made

    def arguments(self) -> Any:
        """What the function is called with."""
        return self.inputs[0] if self.spec is _LEAF else tree_unflatten(self.inputs, self.spec)

    def left_with(self, outputs: Sequence[Any]) -> None:
        """Take note of the outputs: derivatives are recorded if these depend on what others differentiate by."""
        self.elsewhere = self.outer and any(map(self._reaches_out, outputs))
        self.only = outputs[0] if len(outputs) == 1 else None

    def _reaches_out(self, y: Any) -> bool:
        """Whether a tensor's history has leaves that are not of this level."""
        if not y.requires_grad:
            return False
        if not self.fresh:
            return True
        return reaches_beyond(_bare(y), [*map(_bare, self.fresh)], self.since)

    def out(self, x: Any) -> Any:
        """A value as those outside see it: with a history only where that is theirs."""
        if isinstance(x, Tensor) and x.requires_grad and not (
                self.elsewhere if x is self.only else self.outer and self._reaches_out(x)):
            return x.detach()
        return x

    def grad(self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], record: bool,
             retain: bool = True) -> list[Any]:
        """Cotangents of the inputs, zero where there are none."""
        pairs = [(y, c) for y, c in zip(outputs, cotangents) if y.requires_grad]
        if not pairs or not inputs:
            return [creation.zeros_like(x) for x in inputs]
        ys, cs = zip(*pairs)
        found: Any = engine.run(ys, cs, retain or record, record, inputs, accumulate=False, allow_unused=True,
                           since=self.since)
        return [creation.zeros_like(x) if g is None else g for x, g in zip(inputs, found)]

    def slope(self, value: Any) -> Any:
        """The gradient of one number by the one input, as those outside see it; None where it takes more than that."""
        if self.spec is not _LEAF or not engine.is_native():
            return None
        (x,) = self.inputs
        done = call.slope(recorded_adjoints.rule, ADD, *self.since, self.outer, value, x)
        if done is None:
            return None
        (found, others), self.only = done, value
        self.elsewhere = bool(others & 1)
        if found is None:
            return creation.zeros_like(x)
        return found if others != 1 or not found.requires_grad else found.detach()

    def finished(self, found: Sequence[Any], spec: TreeSpec) -> Any:
        return tree_unflatten(map(self.out, found), spec)


_LEAF = tree_flatten(0)[1]


def _one(y: Any) -> Any:
    """The cotangent of a number that is derived; of a batch, each lane has its own."""
    return None if dispatch.lanes is None else creation.ones_like(y)


def _bare(x: Any) -> Any:
    """The tensor that has the history of one."""
    return x if dispatch.lanes is None else dispatch.lanes.under(x)


def _chosen(args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, tuple[int, ...]]:
    """The arguments to differentiate by, one or a tuple, and their positions."""
    if type(argnums) is int:
        if -len(args) <= argnums < len(args):
            return args[argnums], (argnums % len(args),)
        positions: tuple[int, ...] = (argnums,)
    elif isinstance(argnums, tuple):
        if not argnums:
            raise RuntimeError("argnums must be non-empty")
        if not all(type(j) is int for j in argnums):
            raise RuntimeError("argnums elements must be int, got: "
                               f"{next(type(j) for j in argnums if type(j) is not int)}")
        positions = argnums
    else:
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    for j in positions:
        if not -len(args) <= j < len(args):
            raise RuntimeError(f"Got argnum={j}, but only {len(args)} positional inputs")
    positions = tuple(j % len(args) for j in positions)
    if len(set(positions)) != len(positions):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return (args[positions[0]] if type(argnums) is int else tuple(args[j] for j in positions)), positions


def _called(func: Function, level: _Level, args: tuple[Any, ...], positions: tuple[int, ...], argnums: Argnums,
            kwargs: dict[str, Any]) -> Any:
    given = list(args)
    replaced = level.arguments()
    for j, x in zip(positions, (replaced,) if type(argnums) is int else replaced):
        given[j] = x
    return func(*given, **kwargs)


def _with_aux(output: Any, has_aux: bool, of: str) -> tuple[Any, Any]:
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(f"{of}: output of function f should be a tuple: (output, aux) if has_aux is True")
    for x in tree_flatten(output[1])[0]:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(x)}")
    return output


def _tensors(output: Any, of: str) -> tuple[list[Any], TreeSpec]:
    """The leaves of what a function returned, which must be tensors."""
    if type(output) is Tensor:
        return [output], _LEAF
    leaves, spec = tree_flatten(output)
    for x in leaves:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{of}: expected f(*primals) to return only tensors, got unsupported type {type(x)}")
    return leaves, spec


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The gradient of a function that returns one number, as a function of the same arguments (`torch.func.grad`).

    >>> import tapegrad as torch
    >>> grad(grad(lambda x: x ** 3))(torch.tensor(2.0))
    tensor(12.)

    `argnums` says which arguments it is taken by: nested containers of tensors, of floating-point dtypes. With
    `has_aux` the function returns (output, aux), and its gradient (gradient, aux). RuntimeError where it does not
    return a tensor without axes.
    """
    if isinstance(func, machine.CompiledBase):
        return func.transformed(grad, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = _derived(func, args, kwargs, argnums, has_aux, False)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The gradient of a function and its value, as a function of the same arguments (`torch.func.grad_and_value`).

    >>> import tapegrad as torch
    >>> grad_and_value(lambda x: (x ** 2).sum())(torch.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))

    With `has_aux`, (gradient, (value, aux)).
    """
    if isinstance(func, machine.CompiledBase):
        return func.transformed(grad_and_value, argnums, has_aux)

    @functools.wraps(func)
    def valued(*args: Any, **kwargs: Any) -> Any:
        return _derived(func, args, kwargs, argnums, has_aux, True)

    return valued


def derived(function: Any) -> tuple[Function, Argnums, bool] | None:
    """What `grad` or `grad_and_value` was given, and whether the value is asked for; None of others, and with aux."""
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is None or code not in _DERIVED or not cells:
        return None
    given = dict(zip(code.co_freevars, [cell.cell_contents for cell in cells]))
    return None if given["has_aux"] else (given["func"], given["argnums"], bool(_DERIVED.index(code)))


_DERIVED: list[Any] = [f(grad).__code__ for f in (grad, grad_and_value)]


def _derived(func: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Argnums, has_aux: bool,
             asks_value: bool) -> Any:
    """The gradient of a number, and that, with aux beside it; the number is for those who ask for it."""
    of = "grad_and_value(f)(*args)"
    by, positions = _chosen(args, argnums)
    level = _Level(by)
    with modes.enable_grad():
        value, aux = _with_aux(_called(func, level, args, positions, argnums, kwargs), has_aux, of)
        if not isinstance(value, Tensor):
            raise RuntimeError(f"{of}: Expected f(*args) to return a Tensor, got {type(value)}")
        if value.ndim:
            raise RuntimeError(f"{of}: Expected f(*args) to return a scalar Tensor, got tensor with {value.ndim} "
                               "dims. Maybe you wanted to use the vjp or jacrev APIs instead?")
        if not has_aux and (slope := level.slope(value)) is not None:
            return slope, level.out(value) if asks_value else None
        level.left_with([value])
        left = tree_map(level.out, (value, aux)) if has_aux else level.out(value)  # before the graph is let go
        found = level.grad([value], level.inputs, [_one(value)], level.elsewhere, retain=False)
    return level.finished(found, level.spec), left


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """The value of a function, and a function from cotangents of it to cotangents of its arguments (`torch.func.vjp`).

    >>> import tapegrad as torch
    >>> value, back = vjp(lambda x: x ** 2, torch.tensor([1.0, 2.0]))
    >>> value, back(torch.tensor([1.0, 10.0]))
    (tensor([1., 4.]), (tensor([ 2., 40.]),))

    Cotangents are built and shaped like the value; RuntimeError for others. What `back` returns is a tuple, of one for
    each argument. With `has_aux`, aux is the third result.
    """
    level = _Level(primals)
    with modes.enable_grad():
        output, aux = _with_aux(func(*level.arguments()), has_aux, "vjp(f, *primals)")
        outputs, spec = _tensors(output, "vjp(f, *primals)")
        level.left_with(outputs)
        value = level.finished(outputs, spec)

    def back(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, found_spec = tree_flatten(cotangents)
        if found_spec != spec:
            raise RuntimeError("Expected pytree structure of cotangents to be the same as pytree structure of outputs "
                               f"to the function. cotangents: {_shown(found_spec)}, primal output: {_shown(spec)}")
        for j, (c, y) in enumerate(zip(given, outputs)):
            if c.shape != y.shape:
                raise RuntimeError(f"Mismatch in shape: grad_output[{j}] has a shape of {c.shape} and output[{j}] has "
                                   f"a shape of {y.shape}.")
        record = modes.is_grad_enabled() if create_graph is None else create_graph
        record = record and (level.elsewhere or any(c.requires_grad for c in given))
        with modes.enable_grad():
            found = level.grad(outputs, level.inputs, given, record, retain_graph)
        return level.finished(found, level.spec)

    return (value, back, tree_map(level.out, aux)) if has_aux else (value, back)


def _shown(spec: TreeSpec) -> str:
    """A structure as its errors show it: containers with `*` for each leaf."""
    return repr(tree_unflatten([_Star()] * spec.num_leaves, spec))


class _Star:
    def __repr__(self) -> str:
        return "*"


class _Linearised:
    """A function at a point, and its derivative along directions there.

    A derivative along a direction is the gradient of a gradient: the first is linear in its cotangent.
    """

    def __init__(self, func: Function, inputs: Any, call: Callable[[_Level], Any], has_aux: bool, of: str) -> None:
        self.level = level = _Level(inputs)
        with modes.enable_grad():
            with kept_values.keeping(level.since, level.inputs, level.fresh):
                output, aux = _with_aux(call(level), has_aux, of)
            outputs, self.spec = _tensors(output, of)
            level.left_with(outputs)
            self.outputs = outputs
            self.single = not has_aux and self.spec.is_leaf() and not outputs[0].ndim
        self.aux = tree_map(level.out, aux) if has_aux else None

    @functools.cached_property
    def value(self) -> Any:
        return self.level.finished(self.outputs, self.spec)

    @functools.cached_property
    def back(self) -> tuple[list[Any], list[Any]]:
        """Cotangents, and the gradient as a function of them."""
        cotangents = [self.level.leaf(y) if y.requires_grad else y for y in self.outputs]
        with modes.enable_grad():
            return cotangents, self.level.grad(self.outputs, self.level.inputs, cotangents, True)

    def along(self, directions: Sequence[Any]) -> list[Any]:
        """The derivatives of the outputs along one direction an input."""
        cotangents, back = self.back
        asked = [j for j, y in enumerate(self.outputs) if y.requires_grad]
        record = modes.is_grad_enabled() and (self.level.elsewhere or any(d.requires_grad for d in directions))
        with modes.enable_grad():
            made = iter(self.level.grad(back, [cotangents[j] for j in asked], directions, record))
            found = [next(made) if j in asked else creation.zeros_like(y) for j, y in enumerate(self.outputs)]
        return [self.level.out(x) for x in found]


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of a function, and its derivative along a direction (`torch.func.jvp`).

    >>> import tapegrad as torch
    >>> jvp(lambda x: x ** 2, (torch.tensor([1.0, 2.0]),), (torch.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))

    `primals` and `tangents` are tuples, built and shaped alike; RuntimeError for others. With `strict`, RuntimeError
    for an output that does not depend on the primals. With `has_aux`, aux is the third result.
    """
    of = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{of}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    leaves, spec = tree_flatten(primals)
    directions, found_spec = tree_flatten(tangents)
    if spec != found_spec:
        raise RuntimeError(f"{of}: Expected primals and tangents to have the same python structure. For example, if "
                           f"primals is a tuple of 3 tensors, tangents also must be. Got primals with structure {spec} "
                           f"and tangents with structure {found_spec}")
    for x, d in zip(leaves, directions):
        if x.shape != d.shape:
            raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original "
                               f"Tensor, this is not supported. Tensor is of size {list(x.shape)} while the given "
                               f"forward gradient is of size {list(d.shape)}.")
    at = _Linearised(func, primals, lambda level: func(*level.arguments()), has_aux, of)
    if strict and not all(y.requires_grad for y in at.outputs):
        raise RuntimeError(f"{of}: The output of f is independent of the inputs. This is not allowed with strict=True.")
    tangent = tree_unflatten(at.along(directions), at.spec)
    return (at.value, tangent, at.aux) if has_aux else (at.value, tangent)


def linearize(func: Function, *primals: Any) -> Any:
    """The value of a function, and its derivative as a linear function of directions (`torch.func.linearize`).

    >>> import tapegrad as torch
    >>> value, along = linearize(lambda x: x ** 2, torch.tensor([1.0, 2.0]))
    >>> along(torch.tensor([1.0, 0.0])), along(torch.tensor([0.0, 1.0]))
    (tensor([2., 0.]), tensor([0., 4.]))

    The function is run once; RuntimeError for directions that are not built like the primals.
    """
    at = _Linearised(func, primals, lambda level: func(*level.arguments()), False, "linearize(f, *primals)")
    _ = at.back  # here, and not in a batch that directions may be of

    def along(*tangents: Any) -> Any:
        directions, spec = tree_flatten(tangents)
        if spec != at.level.spec:
            raise RuntimeError(f"Expected the tangents {spec} to have the same argspec as the primals {at.level.spec}")
        return tree_unflatten(at.along(directions), at.spec)

    return at.value, along


def _check_chunks(name: str, chunk_size: int | None) -> None:
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"{name}: `chunk_size` should be greater than 0.")


def _basis(x: Any) -> Any:
    """The tensors shaped like one that are one at one element, and zero elsewhere, along a first axis."""
    n = x.numel()
    return creation.eye(n, dtype=x.dtype).reshape(n, *x.shape)


def jacrev(func: Function, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
           _preallocate_and_copy: bool = False) -> Function:
    """All derivatives of a function's outputs, a backward for each element of them (`torch.func.jacrev`).

    >>> import tapegrad as torch
    >>> jacrev(lambda x: x ** 2)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])

    Built like the output, each part built like the arguments that `argnums` names: of the output's shape, then the
    argument's. `chunk_size` changes no value. With `has_aux`, (derivatives, aux).
    """
    _check_chunks("jacrev", chunk_size)
    if isinstance(func, machine.CompiledBase):
        return func.transformed(jacrev, argnums, has_aux=has_aux, chunk_size=chunk_size)

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        by, positions = _chosen(args, argnums)
        level = _Level(by)
        with modes.enable_grad():
            output, aux = _with_aux(_called(func, level, args, positions, argnums, kwargs), has_aux, "jacrev(f)(*args)")
            outputs, spec = _tensors(output, "vjp(f, *primals)")
            level.left_with(outputs)
            found = []
            for y in outputs:
                if y.numel() == 1:
                    parts = level.grad([y], level.inputs, [_one(y)], level.elsewhere)
                elif y.requires_grad and y.numel():
                    parts = _swept.together(
                        lambda each, y=y: level.grad([y], level.inputs, each, level.elsewhere), [_basis(y)], chunk_size)
                else:
                    parts = [x.new_zeros((y.numel(), *x.shape)) for x in level.inputs]
                found.append(level.finished(
                    [part.reshape((*y.shape, *x.shape)) for part, x in zip(parts, level.inputs)], level.spec))
        jac = tree_unflatten(found, spec)
        return (jac, tree_map(level.out, aux)) if has_aux else jac

    return jacobian


def jacfwd(func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error") -> Function:
    """All derivatives of a function's outputs, along each element of its inputs (`torch.func.jacfwd`).

    >>> import tapegrad as torch
    >>> jacfwd(lambda x: torch.stack([x[0] * x[1], x[0], x[1]]))(torch.tensor([2.0, 3.0]))
    tensor([[3., 2.],
            [1., 0.],
            [0., 1.]])

    What `jacrev` returns, with less work where outputs have more elements than inputs. The function is run once, so
    that `randomness` changes nothing.
    """
    if isinstance(func, machine.CompiledBase):
        return func.transformed(jacfwd, argnums, has_aux, randomness=randomness)

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        by, positions = _chosen(args, argnums)
        at = _Linearised(func, by, lambda level: _called(func, level, args, positions, argnums, kwargs), has_aux,
                         "jvp(f, primals, tangents)")
        inputs = at.level.inputs
        if at.single and len(inputs) == 1:
            (x,), (y,) = inputs, at.outputs
            if y.requires_grad and x.dtype is y.dtype:
                with modes.enable_grad():
                    slope = at.level.slope(y)
                if slope is not None:
                    return slope
        kinds = {x.dtype for x in (*inputs, *at.outputs)}
        if len(kinds) == 1 and all(y.numel() == 1 and y.requires_grad for y in at.outputs):  # a gradient is all of them
            with modes.enable_grad():
                rows = [at.level.grad([y], inputs, [_one(y)], at.level.elsewhere) for y in at.outputs]
            numbers = [at.level.finished([g.reshape((*y.shape, *g.shape)) if y.ndim else g for g in row], at.level.spec)
                       for y, row in zip(at.outputs, rows)]
            jac = tree_unflatten(numbers, at.spec)
            return (jac, at.aux) if has_aux else jac
        _ = at.back  # of this level, whoever asks for it
        still = [creation.zeros_like(x) for x in inputs]
        columns = [_swept.together(
            lambda each, j=j: at.along([*still[:j], *each, *still[j + 1:]]), [_basis(x)]) if x.numel() else [
            y.new_zeros((0, *y.shape)) for y in at.outputs] for j, x in enumerate(inputs)]
        found = [tree_unflatten([
            of[i].movedim(0, -1).reshape((*y.shape, *x.shape)) for x, of in zip(inputs, columns)], at.level.spec)
            for i, y in enumerate(at.outputs)]
        jac = tree_unflatten(found, at.spec)
        return (jac, at.aux) if has_aux else jac

    return jacobian


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """All second derivatives of a function's outputs, as a function of the same arguments (`torch.func.hessian`).

    >>> import tapegrad as torch
    >>> hessian(lambda x: (x ** 3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    if isinstance(func, machine.CompiledBase):
        return func.transformed(hessian, argnums)
    return jacrev(jacrev(func, argnums), argnums)
