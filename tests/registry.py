"""Samples for every operation of the registry: what the table-driven tests run on.

`samples(op, dtype)` yields calls of an operation: operands as arrays with a memory layout each, and attributes. They
follow from the declaration (arity, `domain`, `special`) and from small tables here: `ATTRIBUTES` says what to try
beyond the defaults in the rule's signature, `VIEWS` and `STRUCTURED` which shapes suit which attributes. An operation
in none of them may declare `samples=`, a function that returns [(shapes of the operands, attributes), …].
"""
from __future__ import annotations

import inspect
import itertools
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import tapegrad
from tapegrad import dispatch, dtypes
from tapegrad.autograd import modes
from tapegrad.creation import from_array
from tapegrad.ops.declaration import REGISTRY, Operation, operations

SHAPES = [(), (1,), (5,), (3, 4), (2, 3, 4), (0,), (3, 0)]
BROADCASTS = [((), ()), ((3, 4), ()), ((), (5,)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((2, 3, 4), (3, 1)), ((5,), (1,)),
              ((3, 4), (3, 4)), ((0,), (1,)), ((3, 0), ()), ((2, 3, 4), (2, 3, 4)), ((40,), (40,))]
TRIPLES = [((), (), ()), ((3, 4), (3, 4), (3, 4)), ((3, 4), (4,), ()), ((3, 1), (1, 4), (2, 1, 1)), ((0,), (), (1,))]

ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "to_copy": [{"dtype": tapegrad.float64}, {"dtype": tapegrad.float32}],
    "logit": [{"eps": None}, {"eps": 0.3}],
    "elu": [{"alpha": 1.0, "scale": 1.0, "input_scale": 1.0}, {"alpha": 0.5, "scale": 2.0, "input_scale": 1.5}],
    "threshold": [{"threshold": 1.0, "value": -2.0}],
    "nan_to_num": [{"nan": 0.0, "posinf": 3.0, "neginf": -3.0}],
}

VIEWS: dict[str, list[tuple[tuple[int, ...], dict[str, Any]]]] = {
    "view": [((3, 4), {"size": (2, 6)}), ((), {"size": (1, 1)}), ((2, 3, 4), {"size": (6, 4)}),
             ((0,), {"size": (3, 0)})],
    "transpose": [((3, 4), {"dim0": 0, "dim1": 1}), ((2, 3, 4), {"dim0": 2, "dim1": 0})],
    "t": [((3, 4), {"dim0": 0, "dim1": 1}), ((5,), {"dim0": 0, "dim1": 0})],
    "permute": [((2, 3, 4), {"dims": (2, 0, 1)}), ((), {"dims": ()})],
    "expand": [((3, 1), {"size": (2, 3, 4)}), ((), {"size": (3,)}), ((3, 4), {"size": (3, 4)}), ((1,), {"size": (0,)})],
    "select": [((3, 4), {"dim": 0, "index": 2}), ((2, 3, 4), {"dim": 1, "index": 1}), ((5,), {"dim": 0, "index": 0})],
    "slice": [((5,), {"dim": 0, "start": 1, "end": 5, "step": 2}),
              ((3, 4), {"dim": 1, "start": 1, "end": 3, "step": 1}),
              ((5,), {"dim": 0, "start": 2, "end": 2, "step": 1})],
    "unsqueeze": [((3, 4), {"dim": 1}), ((), {"dim": 0}), ((5,), {"dim": 1})],
    "squeeze": [((3, 1, 4), {"dim": (1,)}), ((1, 1), {"dim": (0,)}), ((3, 4), {"dim": ()})],
    "diagonal": [((3, 4), {"offset": o, "dim1": 0, "dim2": 1}) for o in (0, 1, -2, 7)]
    + [((2, 3, 3), {"offset": 0, "dim1": 2, "dim2": 1})],
    "unfold": [((5,), {"dimension": 0, "size": 3, "step": 1}), ((3, 4), {"dimension": 1, "size": 2, "step": 2})],
    "alias": [((3, 4), {}), ((), {})],
    "seen": [((2, 3), {"loose": False})],
    "as_strided": [((3, 4), {"size": (2, 2), "stride": (4, 2), "storage_offset": 1, "frame": (4, 1)}),
                   ((5,), {"size": (3, 2), "stride": (1, 1), "storage_offset": 1, "frame": (1,)})],
}
VIEWS |= {"unsafe_view": VIEWS["view"], "_reshape_alias": VIEWS["view"], "squeeze_all": VIEWS["squeeze"],
          "squeeze_multiple": VIEWS["squeeze"], "unsafe_squeeze": VIEWS["squeeze"], "detach": VIEWS["alias"],
          **{name: [((3, 4), {"count": 3})] for name in ("_unbind", "_split", "_split_with_sizes")},
          "_enter": [((3, 4), {"name": "CompositeBackward0"})],
          "_leave": [((3, 4), {"name": "CompositeBackward0", "number": 0, "count": 2})],
          "_operand": [((3, 4), {"name": "CompositeBackward0", "number": 0})],
          "_composed": [((3, 4), {"name": "CompositeBackward0", "count": 1})],
          "unbind": VIEWS["select"], "split": VIEWS["slice"], "split_with_sizes": VIEWS["slice"]}
VIEWS |= {f"{name}_": VIEWS[name] for name in ("t", "transpose", "unsqueeze", "squeeze", "squeeze_all",
                                               "squeeze_multiple", "as_strided")}

STRUCTURED: dict[str, list[tuple[tuple[tuple[int, ...], ...], dict[str, Any]]]] = {
    "mm": [(((3, 4), (4, 2)), {}), (((1, 4), (4, 1)), {}), (((3, 0), (0, 2)), {}), (((0, 4), (4, 2)), {}),
           (((1, 1), (1, 5)), {})],
    "bmm": [(((2, 3, 4), (2, 4, 5)), {}), (((1, 3, 1), (1, 1, 2)), {}), (((0, 3, 4), (0, 4, 2)), {})],
    "mv": [(((3, 4), (4,)), {}), (((1, 1), (1,)), {}), (((3, 0), (0,)), {})],
    "cat": [(((3, 4), (3, 2)), {"dim": 1}), (((2,), (3,), (1,)), {"dim": 0}), (((5,),), {"dim": 0}),
            (((0, 4), (2, 4)), {"dim": 0})],
    "stack": [(((3, 4), (3, 4)), {"dim": 1}), (((), (), ()), {"dim": 0}), (((5,),), {"dim": 1}),
              (((0, 2), (0, 2)), {"dim": 2})],
    "embed": [(((3,), ), {"shape": (3, 4), "of": "select", "given": (("dim", 1), ("index", 2))}),
              (((2, 3, 4),), {"shape": (3, 1), "of": "expand", "given": (("size", (2, 3, 4)),)})],
}

DTYPES = {"b": (tapegrad.bool,), "i": (tapegrad.int64,), "f": (tapegrad.float32, tapegrad.float64)}


class Operand(NamedTuple):
    """An array and how it lies in memory: contiguous, transposed, strided or expanded."""

    array: np.ndarray[Any, Any]
    layout: str = "contiguous"

    def tensor(self, requires_grad: bool = False) -> Any:
        """A leaf with these values in this layout."""
        a = self.array
        with modes.no_grad():
            if self.layout == "transposed":
                made = from_array(np.ascontiguousarray(a.T)).permute(*reversed(range(a.ndim)))
            elif self.layout == "strided":
                wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1] + 1), a.dtype)
                wide[..., 1::2] = a
                made = from_array(wide)[..., 1::2]
            elif self.layout == "expanded":
                made = from_array(a[:1]).expand(*a.shape)
            else:
                made = from_array(a)
        return made.detach().requires_grad_(requires_grad)


class Sample(NamedTuple):
    """One call of an operation. `smooth`: not at a point where the derivative is a matter of convention."""

    op: Operation
    operands: tuple[Any, ...]
    attributes: dict[str, Any]
    smooth: bool = True

    def __repr__(self) -> str:
        said = [f"{o.array.dtype}{list(o.array.shape)} {o.layout}" if isinstance(o, Operand) else repr(o)
                for o in self.operands]
        return f"{self.op.name}({', '.join(said)}) {self.attributes or ''}"

    def consistent(self) -> Sample:
        """With the factors of its matrix, where an operation is given both; or with the record of its steps."""
        if self.op.name == "_recurrent_shown":
            *given, _ = self.operands
            record = REGISTRY["_recurrent_steps"].column(*self.arrays[:-1], **self._of_steps)
            return self._replace(operands=(*given, Operand(record)))
        if self.op.name == "_attention":
            weights = REGISTRY["_attention_weights"].column(self.arrays[0], **self.attributes)
            return self._replace(operands=(self.operands[0], Operand(weights)))
        if self.op.operands[-1] != "factors":
            return self
        op, given = self._factoring()
        made = Operand(op.column(self.operands[0].array, **given))
        return self._replace(operands=(*self.operands[:-1], made))

    @property
    def arrays(self) -> list[Any]:
        return [o.array if isinstance(o, Operand) else o for o in self.operands]

    def tensors(self, requires_grad: bool = False) -> list[Any]:
        return [o.tensor(requires_grad and o.array.dtype.kind == "f") if isinstance(o, Operand) else o
                for o in self.operands]

    @property
    def _of_steps(self) -> dict[str, Any]:
        return {name: self.attributes[name] for name in REGISTRY["_recurrent_steps"].attributes}

    def _factoring(self) -> tuple[Operation, dict[str, Any]]:
        """The operation that makes the factors this one is given."""
        if self.op.name == "linalg_svd_values":
            return REGISTRY["linalg_svd_factors"], {"complete": False}
        if self.op.name == "linalg_eigh_values":
            return REGISTRY["linalg_eigh_factors"], self.attributes
        return REGISTRY["linalg_lu"], {}

    def run(self, operands: list[Any]) -> Any:
        """The operation as the machine runs it; factors follow their matrix, and where they are its L and U they are
        no variables."""
        if self.op.name == "_recurrent_shown":
            *given, _ = operands
            operands = [*given, dispatch.apply(REGISTRY["_recurrent_steps"], given, tuple(self._of_steps.items()))]
        if self.op.name == "_attention":
            weights = dispatch.apply(REGISTRY["_attention_weights"], operands[:1], tuple(self.attributes.items()))
            operands = [operands[0], weights]
        if self.op.operands[-1] == "factors":
            op, given = self._factoring()
            x = operands[0].detach() if op.name == "linalg_lu" else operands[0]
            operands = [*operands[:-1], dispatch.apply(op, (x,), tuple(given.items()))]
        attributes = tuple(self.attributes.items())
        if self.op.kind == "view":
            return dispatch.apply_view(self.op, operands[0], attributes)
        if self.op.inplace_of is not None:
            return dispatch.apply_inplace(self.op, operands, attributes)
        return dispatch.apply(self.op, operands, attributes)


def _values(op: Operation, name: str, shape: tuple[int, ...], dtype: dtypes.dtype, rng: Any) -> np.ndarray[Any, Any]:
    low, high = op.domain
    if name == "*indices":
        if "value" in op.operands:  # of writes to one place the last one counts, and their gradient is a convention
            return np.broadcast_to(np.arange(shape[0]).reshape(-1, *(1,) * (len(shape) - 1)), shape).copy()
        return rng.integers(0, 2, shape)
    if name in ("target", "classes"):
        return rng.integers(0, 3, shape)
    if name == "condition" or dtype.category == 0:
        return rng.random(shape) < 0.5
    if dtype.category == 1:
        first = int(np.ceil(low))
        return rng.integers(first, max(int(high), first) + 1, shape).astype(dtype.numpy)
    return rng.uniform(low, high, shape).astype(dtype.numpy)


def _shapes(op: Operation) -> Iterator[tuple[tuple[tuple[int, ...], ...], dict[str, Any]]]:
    """Shapes of the operands, and attributes."""
    if op.kind == "view":
        yield from (((shape,), given) for shape, given in VIEWS[op.name])
    elif op.name in STRUCTURED:
        yield from STRUCTURED[op.name]
    elif op.samples is not None:
        yield from op.samples()
    elif op.kind == "reduction":
        for shape in SHAPES:
            for dims in {tuple(range(len(shape))), *((d,) for d in range(len(shape))), *[(0, 2)][:len(shape) - 2]}:
                if any(shape[d] == 0 for d in dims) and op.identity is None:
                    continue  # no element, no answer
                for keepdim in (False, True) if op.per_row else (None,):
                    given: dict[str, Any] = {**op.defaults, "dim": dims}
                    yield (shape,) * op.arity, given if keepdim is None else {**given, "keepdim": keepdim}
    elif op.kind == "elementwise":
        several = {1: [(s,) for s in SHAPES], 2: BROADCASTS, 3: TRIPLES, 4: [(*t, t[0]) for t in TRIPLES]}[op.arity]
        for shapes, given in itertools.product(several, attributes_of(op)):
            if op.inplace_of is None or np.broadcast_shapes(*shapes) == shapes[0]:
                yield shapes, given


def attributes_of(op: Operation) -> list[dict[str, Any]]:
    """What to call an elementwise operation with: what the table lists, or the defaults of its rule."""
    defaults = inspect.signature(op.forward).parameters
    return ATTRIBUTES.get(op.name.rstrip("_"), [{name: defaults[name].default for name in op.attributes}])


def _layouts(op: Operation, shapes: tuple[tuple[int, ...], ...]) -> Iterator[tuple[str, ...]]:
    yield ("contiguous",) * len(shapes)
    if any(len(s) < 2 or 0 in s for s in shapes[:1]) or op.name in ("view", "unsafe_view", "_reshape_alias"):
        return
    for how in ("transposed", "strided", "expanded"):
        if how == "expanded" and (op.inplace_of is not None or op.name.startswith(("linalg_", "cofactor"))):
            continue  # written to; singular
        yield how, *("contiguous" for _ in shapes[1:])
        if len(shapes) > 1 and len(shapes[1]) > 1:
            yield "contiguous", how, *("contiguous" for _ in shapes[2:])
            if how != "expanded":
                yield (how, how, *("contiguous" for _ in shapes[2:]))


def samples(op: Operation, dtype: dtypes.dtype) -> list[Sample]:
    """Calls of `op` with operands of `dtype`, the same on every run."""
    rng = np.random.default_rng(zlib.crc32(f"{op.name} {dtype}".encode()))
    found = []
    for shapes, given in _shapes(op):
        if dtype.category == 1:  # a whole number is bounded by whole numbers
            given = {k: int(v) if isinstance(v, float) else v for k, v in given.items()}
        arrays = [_values(op, name, s, dtype, rng) for name, s in zip(
            itertools.chain(op.operands, itertools.repeat(op.operands[-1])), shapes)]
        for layout in _layouts(op, shapes):
            operands = [Operand(np.repeat(a[:1], len(a), 0) if how == "expanded" else a, how)
                        for a, how in zip(arrays, layout)]
            smooth = op.name != "fake_quantize" and ("expanded" not in layout or (op.name not in (
                "amax", "amin", "max", "min", "std", "standardised") and not op.name.startswith("_max_")))
            found.append(Sample(op, tuple(operands), given, smooth).consistent())
    if op.kind == "elementwise":
        given = attributes_of(op)[0]
        if op.arity == 2:
            numbers = (2, 0.5, True) if dtype.is_floating_point else (2, True) if dtype.category else (True,)
            numbers = numbers[1:] if op.unit else numbers
            for number in numbers[:-1] if op.name.startswith("sub") else numbers:  # nothing is subtracted from a truth
                x = Operand(_values(op, op.operands[0], (5,), dtype, rng))
                found.append(Sample(op, (x, number), given))
                if op.inplace_of is None and op.name != "where":
                    found.append(Sample(op, (number, x), given))
        if op.special and dtype.is_floating_point:
            grid = np.meshgrid(*[np.array(op.special, dtype.numpy)] * op.arity)
            found.append(Sample(op, tuple(Operand(a.ravel().copy()) for a in grid), given, smooth=False))
    return found


def dtypes_of(op: Operation) -> list[dtypes.dtype]:
    """The dtypes an operation is tested with."""
    if op.inplace_of is not None and op.result == "float":  # a whole number cannot hold its own sine
        return list(DTYPES["f"])
    if op.name == "embed":
        return [tapegrad.float32, tapegrad.float64]
    return [d for kind in op.accepts for d in DTYPES[kind]]


# A rebase is no function of its operands: it says what a write did, and tests/parity/test_inplace_parity.py has it.
OPERATIONS = [op for op in operations() if op.kind not in ("rebase", "callback")]  # those two compute nothing
CASES = [(op, d) for op in OPERATIONS for d in dtypes_of(op)]
DIFFERENTIABLE = [op for op in OPERATIONS if op.differentiable and op.name != "detach"]


def case_id(value: Any) -> str:
    return value.name
