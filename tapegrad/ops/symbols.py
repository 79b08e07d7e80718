"""The symbolic operand: called with these, a rule writes itself down as a graph.

`Sym` is one node. Equal nodes are one object, so a graph shares its common subexpressions and identity is equality;
`str` gives the infix text that the tape dump prints and `key` a canonical text, linear in the size of the graph, that
names a kernel in the cache. `evaluate` reads a graph with the NumPy columns: the definition kernels are tested against.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from tapegrad import dtypes
from tapegrad.ops.scalar import INTRINSICS, row, scalar

__all__ = ["Sym", "compacted", "converted", "define_operators", "evaluate", "key", "rewrite", "row", "same_over", "scalar", "substitute", "used_operands", "walk"]

_nodes: WeakValueDictionary[tuple, Sym] = WeakValueDictionary()


class Sym:
    """A node of a traced rule; build leaves with `Sym.operand` and `Sym.const`, the rest with operators and `scalar`.

    >>> g, out = Sym.operand(0, dtypes.float32), Sym.operand(1, dtypes.float32)
    >>> (g * (1 - out * out)).text(["g", "out"])
    'g * (1 - out * out)'

    `op` is "operand" (`value` is its index), "const" (`value` is a Python number), "cast", "reduce" (`value` is the
    reduction's name), "index", "count", or the name of a scalar intrinsic.
    """

    __slots__ = ("__weakref__", "args", "dtype", "op", "value")
    op: str
    args: tuple[Sym, ...]
    dtype: dtypes.dtype
    value: Any

    def __new__(cls, op: str, args: tuple[Sym, ...], dtype: dtypes.dtype, value: Any = None) -> Sym:
        # repr: -0.0 is not 0.0, and NaN is itself
        identity = (op, dtype.id, None if value is None else repr(value), *map(id, args))
        found = _nodes.get(identity)
        if found is None:
            found = object.__new__(cls)
            set_slot = object.__setattr__
            set_slot(found, "op", op)
            set_slot(found, "args", args)
            set_slot(found, "dtype", dtype)
            set_slot(found, "value", value)
            _nodes[identity] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a Sym is immutable")

    def __reduce__(self) -> Any:
        return Sym, (self.op, self.args, self.dtype, self.value)

    __hash__: Any = object.__hash__  # == builds a node; distinct nodes have distinct identities, so a dict never asks it

    def __pos__(self) -> Sym:
        return self

    def __bool__(self) -> bool:
        raise TypeError("the truth value of a Sym is not known: rules state mathematics only, use scalar.where")

    # ---------------------------------------------------------------------------------------------------- building

    @staticmethod
    def operand(index: int, dtype: dtypes.dtype) -> Sym:
        """The rule's operand number `index`."""
        return Sym("operand", (), dtype, index)

    @staticmethod
    def const(value: Any, dtype: dtypes.dtype) -> Sym:
        """The number `value`, as `dtype` holds it: integers wrap, floats keep the digits given here."""
        if dtype.category == 2:
            value = float(value)
            if dtype.arithmetic is not dtype:
                value = float(dtypes.decoded(dtypes.encoded(value, dtype), dtype))
        elif dtype.category == 0:
            value = bool(value)
        else:
            bits = dtype.itemsize * 8
            value = int(value) % (1 << bits)
            if dtype.is_signed and value >> (bits - 1):
                value -= 1 << bits
        return Sym("const", (), dtype, value)

    def cast(self, dtype: dtypes.dtype) -> Sym:
        """This node as `dtype`."""
        if self.dtype is dtype:
            return self
        if self.op == "const" and (dtype.category != 1 or math.isfinite(self.value)):
            return Sym.const(self.value, dtype)
        return Sym("cast", (self,), dtype)

    @staticmethod
    def __like__(value: Any, x: Sym) -> Sym:
        of = x.dtype.arithmetic
        return value.cast(of) if isinstance(value, Sym) else Sym.const(value, of)

    @classmethod
    def __scalar__(cls, name: str, args: tuple[Any, ...]) -> Sym:
        entry = INTRINSICS[name]
        args = tuple([a.cast(a.dtype.arithmetic) if isinstance(a, Sym) else a for a in args])
        common = _common_dtype(name, entry.takes, args)
        nodes = []
        for kind, a in zip(entry.takes, args):
            wanted = dtypes.bool_ if kind == "b" else common
            if not isinstance(a, Sym):
                if not isinstance(a, (bool, int, float, np.generic)):
                    raise TypeError(f"scalar.{name}: cannot mix a Sym with {type(a).__name__}")
                if isinstance(a, float) and wanted.category < 2:
                    raise TypeError(f"scalar.{name}: {a} has no place in {wanted!r}, cast the operand first")
                a = Sym.const(a, wanted)
            nodes.append(a.cast(wanted))
        if "f" in entry.takes and common.category != 2:
            raise TypeError(f"scalar.{name} takes floating-point operands, got {common!r}: cast first")
        if "i" in entry.takes and common.category == 2:
            raise TypeError(f"scalar.{name} takes integer operands, got {common!r}")
        return Sym(name, tuple(nodes), dtypes.bool_ if entry.gives == "b" else common)

    @classmethod
    def __row__(cls, name: str, x: Sym, dim: Any = None) -> Sym:
        if name in ("index", "count"):
            return Sym(name, (), dtypes.int64)
        if name in ("any", "all"):
            return Sym("reduce", (x.cast(dtypes.bool_),), dtypes.bool_, name)
        x = x.cast(x.dtype.arithmetic)
        return Sym("reduce", (x,), dtypes.int64 if name.startswith("arg") else x.dtype, name)

    # ----------------------------------------------------------------------------------------------------- reading

    def number(self) -> Any:
        """The number that a graph of nothing but constants stands for (`2 - 1` in a derivative), or None.

        >>> (Sym.const(2, dtypes.float32) - 1).number(), Sym.operand(0, dtypes.float32).number()
        (1.0, None)
        """
        if any(not n.args and n.op != "const" for n in walk((self,))):
            return None
        (found,) = substitute((self,), {})
        return found.value if found.op == "const" else None

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Sym {self.dtype.short} {self.text()}>"

    def text(self, names: Sequence[str] | Callable[[int], str] | None = None) -> str:
        """Infix notation, with `names` for the operands (a sequence or a function of the index; `%0`, `%1` without)."""
        if names is None:
            names = "%{}".format
        named = names if callable(names) else names.__getitem__
        texts: dict[Sym, tuple[str, int]] = {}
        for node in walk((self,)):
            texts[node] = _infix(node, [texts[a] for a in node.args], named)
        return texts[self][0]


def _common_dtype(name: str, takes: str, args: tuple[Any, ...]) -> dtypes.dtype:
    """The one dtype of the operands that are not bool by signature; a bool beside a number becomes that number."""
    found = {a.dtype for kind, a in zip(takes, args) if kind != "b" and isinstance(a, Sym)}
    if len(found) > 1:
        found.discard(dtypes.bool_)
    if len(found) > 1:
        raise TypeError(f"scalar.{name}: operands of {' and '.join(sorted(map(repr, found)))}, cast one of them")
    if found:
        return found.pop()
    if takes.strip("b"):
        raise TypeError(f"scalar.{name}: the numbers alone have no dtype, write one of them as Sym.const")
    return dtypes.bool_


def walk(roots: Sequence[Sym]) -> list[Sym]:
    """Every node below `roots` once, operands before the nodes that use them (no recursion: fused rules are deep)."""
    found: dict[Sym, None] = {}  # a generator of pairs took twice as long, and all who compile walk all the time
    stack: list[Any] = list(roots[::-1])
    while stack:
        node = stack.pop()
        if node is None:  # of the next one all operands are there
            found.setdefault(stack.pop())
        elif node not in found:
            if node.args:
                stack += (node, None, *node.args[::-1])
            else:
                found[node] = None
    return [*found]


def key(roots: Sequence[Sym]) -> str:
    """The canonical text of a graph: equal for equal mathematics in the same order, whatever objects it is made of.

    >>> x = Sym.operand(0, dtypes.float64)
    >>> key([x * x])
    'operand:f64:0;mul:f64(0,0);=1'
    """
    numbers: dict[Sym, int] = {}
    parts = []
    for n, node in enumerate(walk(roots)):
        numbers[node] = n
        args = f"({','.join(str(numbers[a]) for a in node.args)})" if node.args else ""
        value = "" if node.value is None else f":{node.value!r}"
        parts.append(f"{node.op}:{node.dtype.short}{value}{args}")
    return ";".join(parts) + ";=" + ",".join(str(numbers[r]) for r in roots)


def evaluate(roots: Sequence[Sym], operands: Sequence[Any], dim: Any = ()) -> list[Any]:
    """The arrays that `roots` stand for, computed with the NumPy columns; rows run along `dim`.

    >>> x = Sym.operand(0, dtypes.float64)
    >>> evaluate([scalar.exp(x)], [np.zeros(2)])
    [array([1., 1.])]
    """
    shape = np.broadcast_shapes(*(np.shape(o) for o in operands))
    values: dict[Sym, Any] = {}
    for node in walk(roots):
        args = [values[a] for a in node.args]
        if node.op == "operand":
            value = operands[node.value]
        elif node.op == "const":
            value = node.dtype.numpy.type(node.value)
        elif node.op == "cast":
            with np.errstate(all="ignore"):
                value = np.asarray(args[0]).astype(node.dtype.numpy)
        elif node.op in ("reduce", "index", "count"):
            x = np.broadcast_to(args[0], shape) if args else np.empty(shape, np.int8)
            value = getattr(row, node.value or node.op)(x, dim)
        else:
            value = getattr(scalar, node.op)(*args)
        if not isinstance(value, np.generic):
            value = np.asarray(value).astype(node.dtype.numpy, copy=False)
        values[node] = value
    return [values[r] for r in roots]


def rewrite(roots: Sequence[Sym], change: Callable[[Sym], Sym | None]) -> list[Sym]:
    """The same graphs with some nodes replaced: by what `change` returns for them, unless that is None.

    >>> x, y = Sym.operand(0, dtypes.float64), Sym.operand(1, dtypes.float64)
    >>> rewrite([x * 2 + y], {x: y}.get)[0] is y * 2 + y
    True
    """
    done: dict[Sym, Sym] = {}
    for node in walk(roots):
        found = change(node)
        done[node] = same_over(node, [done[a] for a in node.args]) if found is None else found
    return [done[r] for r in roots]


def same_over(node: Sym, args: Sequence[Sym]) -> Sym:
    """The same node with other operands; most often they are its own."""
    if all(map(operator.is_, args, node.args)):
        return node
    return Sym(node.op, tuple(args), node.dtype, node.value)


# Of these NumPy gives the digits that a kernel does: IEEE rounds each of them correctly, and integers wrap in both.
_EXACT = {"add", "sub", "mul", "div", "neg", "eq", "ne", "lt", "le", "gt", "ge", "bitwise_and", "bitwise_or",
          "bitwise_xor", "logical_and", "logical_or", "logical_not"}


def substitute(roots: Sequence[Sym], operands: Mapping[int, Sym]) -> list[Sym]:
    """The same graphs over other operands: number i is what `operands` has for it.

    To the last bit they compute the same: what constants alone decide is computed, and what changes nothing left out.
    A power whose exponent was an operand is that of libm, as it was: products would have other last bits. They are
    what `_pow_by_value` chooses, then or now.

    >>> x, y = Sym.operand(0, dtypes.float32), Sym.operand(1, dtypes.float32)
    >>> power = scalar.where(y == 0, 0, y * scalar.pow(x, y - 1))
    >>> substitute([power], {0: x, 1: Sym.const(4, dtypes.float32)})[0].text(["x"])
    '4 * x ** 3'
    """
    done: dict[Sym, Sym] = {}
    with np.errstate(all="ignore"):
        for node in walk(roots):
            if node.args:
                done[node] = _folded(node, [done[a] for a in node.args])
            else:
                done[node] = operands[node.value] if node.op == "operand" else node
    return [done[r] for r in roots]


def _folded(node: Sym, args: Sequence[Sym]) -> Sym:
    if node.op == "cast":
        return converted(args[0], node.dtype)
    known = [a.op == "const" for a in args]
    if True not in known:
        return same_over(node, args)
    if node.op == "where" and known[0]:
        return args[1] if args[0].value else args[2]
    if node.op in _EXACT and all(known):
        found = INTRINSICS[node.op].numpy(*(a.dtype.numpy.type(a.value) for a in args))
        if np.isfinite(found):
            return Sym.const(found.item(), node.dtype)
    last = args[-1] if known[-1] else None
    if last is not None and node.op in ("mul", "div", "pow", "_pow_by_value") and last.dtype.numpy.type(last.value) == 1:
        return args[0]  # of libm's powers these are the ones that are exact: x ** 1, and x ** 0 even of a NaN
    if last is not None and node.op in ("pow", "_pow_by_value") and node.dtype.category == 2 and last.value == 0:
        return Sym.const(1.0, node.dtype)
    if node.op == "pow" and known[1] and used_operands(node.args[1:]):
        return Sym("_pow", tuple(args), node.dtype, node.value)
    if node.op == "_pow_by_value" and known[1]:
        return Sym("pow", tuple(args), node.dtype, node.value)
    if node.op == "mul" and known[0] and args[0].dtype.numpy.type(args[0].value) == 1:
        return args[1]
    return same_over(node, args)


def converted(x: Sym, of: dtypes.dtype) -> Sym:
    """A node as another dtype; a number with the digits that the one that it has held, and that this one holds."""
    if x.op != "const" or x.dtype.arithmetic is not x.dtype or of.arithmetic is not of or not x.dtype.category:
        return x.cast(of)
    held = np.asarray(x.value, x.dtype.numpy)
    return Sym.const(held.astype(of.numpy).item(), of) if of.category == 2 else Sym.const(held.item(), x.dtype).cast(of)


def used_operands(roots: Sequence[Sym]) -> list[int]:
    """The numbers of the operands that graphs read, in order."""
    return sorted({n.value for n in walk(roots) if n.op == "operand"})


def compacted(roots: Sequence[Sym]) -> tuple[list[int], list[Sym]]:
    """The operands that graphs read, and the graphs over just these, numbered from 0 in that order.

    >>> used, (value,) = compacted([Sym.operand(3, dtypes.float64) * Sym.operand(1, dtypes.float64)])
    >>> used, value.text(["a", "b"])
    ([1, 3], 'b * a')
    """
    used = used_operands(roots)
    if used == [*range(len(used))]:
        return used, [*roots]
    numbers = {u: i for i, u in enumerate(used)}
    return used, rewrite(roots, lambda n: Sym.operand(numbers[n.value], n.dtype) if n.op == "operand" else None)


# --------------------------------------------------------------------------------------------------------- operators

_INFIX = {  # symbol, precedence as in Python (scalar.pow prints as it is written)
    "logical_or": ("or", 1), "logical_and": ("and", 2), "eq": ("==", 4), "ne": ("!=", 4), "lt": ("<", 4),
    "le": ("<=", 4), "gt": (">", 4), "ge": (">=", 4), "bitwise_or": ("|", 5), "bitwise_xor": ("^", 6),
    "bitwise_and": ("&", 7), "left_shift": ("<<", 8), "right_shift": (">>", 8), "add": ("+", 9), "sub": ("-", 9),
    "mul": ("*", 10), "div": ("/", 10), "floor_divide": ("//", 10), "remainder": ("%", 10), "neg": ("-", 11),
    "bitwise_not": ("~", 11), **dict.fromkeys(("pow", "_pow", "_pow_by_value"), ("**", 12)),
}
_ATOM = 13


def _infix(node: Sym, args: list[tuple[str, int]], name: Callable[[int], str]) -> tuple[str, int]:
    """The text of one node and how tightly it binds, from those of its operands."""
    def within(a: tuple[str, int], precedence: int) -> str:
        return a[0] if a[1] >= precedence else f"({a[0]})"

    if node.op == "operand":
        return name(node.value), _ATOM
    if node.op == "const":
        value = node.value
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        # Of what a float32 holds, the fewest digits that tell it there.
        single = node.dtype is dtypes.float32 and abs(value) < 1e38 and float(np.float32(value)) == value
        text = repr(int(value)) if whole else str(np.float32(value)) if single else repr(value)
        return text, _ATOM if text[0] != "-" else _INFIX["neg"][1]
    if node.op in _INFIX:
        symbol, precedence = _INFIX[node.op]
        if len(args) == 1:
            return symbol + within(args[0], precedence), precedence
        right = symbol == "**"  # the only operator that groups to the right
        return f"{within(args[0], precedence + right)} {symbol} {within(args[1], precedence + (not right))}", precedence
    called = {"reduce": node.value, "cast": node.dtype.short}.get(node.op, node.op)
    return f"{called}({', '.join(a[0] for a in args)})", _ATOM


def define_operators(cls: Any) -> None:
    """Give a class that has `__scalar__` Python's operators."""
    binary = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide",
              "mod": "remainder", "pow": "pow", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
              "lshift": "left_shift", "rshift": "right_shift"}
    compare = {name: name for name in ("eq", "ne", "lt", "le", "gt", "ge")}
    unary = {"neg": "neg", "abs": "abs", "invert": "bitwise_not"}

    def method(name: str, swapped: bool = False) -> Callable[..., Any]:
        return lambda self, *other: cls.__scalar__(name, (*other, self) if swapped else (self, *other))

    for python, name in {**binary, **compare, **unary}.items():
        setattr(cls, f"__{python}__", method(name))
    for python, name in binary.items():
        setattr(cls, f"__r{python}__", method(name, swapped=True))


define_operators(Sym)
