"""What backward does, as text, from the very rules it runs: traced with symbols, or called with terms that write
themselves down.
"""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import shapes
from tapegrad.machine.planning import Plan, trace
from tapegrad.ops import symbols
from tapegrad.ops.symbols import Sym
from tapegrad.tape.derived import Derived
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.text import aligned, operand_text, type_text, value_text

_WIDE = 48  # longer statements are not aligned to
_BUFFER, _PLACE = re.compile(r"%(\d+)"), re.compile(r"%\{(\d+)\}")


def text_of(tape: Instructions, loops: Sequence[Any] = ()) -> str:
    """One line a seed and an instruction; see `Tape.adjoint`. Of `loops` the turn is shown that backward does first."""
    folded = {t: run for run in loops for t in range(run.start, run.end - run.length)}
    of = Derived(tape)
    needs = [of.needed(t) for t in range(len(tape))]
    tracked = set(tape.requires) | {tape.results[t] for t, n in enumerate(needs) if any(n) and tape.plan(t).keeps}
    lines = [f"seed ∂%{b} = {'1' if tape.layouts[b].numel == 1 else 'given, ' + type_text(tape.layouts[b])}"
             for b in tape.outputs if b in tracked]
    rows: list[list[str]] = []
    notes: dict[int, str] = {}
    known: dict[Any, list[str]] = {}
    for t in reversed(range(len(tape))):
        if t in folded:
            run = folded[t]
            last = run.end - 1
            notes[len(rows)] = (f"    × {run.turns} ⟨ip {last}–{last - run.length + 1} … "
                                f"{run.start + run.length - 1}–{run.start}⟩")
        elif any(needs[t]) and tape.results[t] in tracked:
            rows.append([str(t), tape.operations[t].name, *_statements_once(tape, t, needs[t], known)])
    if not rows:
        return "\n".join(lines)
    heads = [" " * (line.index(line.strip()[0]) == 0) + line for line in aligned([r[:2] for r in rows], (2,), right=0)]
    width = max(map(len, heads))
    columns = max(map(len, rows)) - 2
    for c in range(2, columns + 2):
        wide = max((len(r[c]) for r in rows if len(r) > c + 1 and len(r[c]) <= _WIDE), default=0)
        for r in rows:
            if len(r) > c + 1:
                r[c] = r[c].ljust(wide)
    for i, (head, r) in enumerate(zip(heads, rows)):
        lines += [notes[i]] if i in notes else []
        lines.append(f"{head.ljust(width)}  {'   '.join(r[2:])}")
    return "\n".join(lines + [note for i, note in notes.items() if i == len(rows)])


def _statements_once(tape: Instructions, t: int, needs: Sequence[bool], known: dict[Any, list[str]]) -> list[str]:
    """The same as `_statements`; for instructions that differ in their buffers alone the rule is asked once."""
    buffers = [*dict.fromkeys((*tape.operands[t], tape.results[t]))]
    places = {b: str(j) for j, b in enumerate(buffers)}
    alike = tuple([b if b < 0 else places[b] for b in tape.operands[t]])
    moves = tuple(tape.attributes[t].items()) if tape.operations[t].moves_nothing else ()
    key = (tape.plan(t), alike, *needs, moves)
    if key not in known:
        known[key] = [_BUFFER.sub(lambda b: f"%{{{places[int(b[1])]}}}", s) for s in _statements(tape, t, needs)]
    return [_PLACE.sub(lambda place: f"%{buffers[int(place[1])]}", s) for s in known[key]]


def _statements(tape: Instructions, t: int, needs: Sequence[bool]) -> list[str]:
    op, operands = tape.operations[t], tape.operands[t]
    if op.refused:
        return ["(no derivative)"]
    found = _RULES[op.kind](tape, t, tape.plan(t))
    told, idle = [], []
    for b, needed, value in zip(operands, needs, found):
        if needed and value is not None:
            told.append(value if " += " in value else f"∂%{b} += {value}")
        elif b >= 0 and not needed and tape.layouts[b].dtype.is_floating_point:
            idle.append(f"(∂%{b} not needed)")
    return told + list(dict.fromkeys(idle))


# ---------------------------------------------------------------- traced rules


def _traced(tape: Instructions, t: int, plan: Plan) -> list[str | None]:
    """Elementwise and row rules; `expand` and `sum_to` are what the engine does around them."""
    op, layouts = plan.op, plan.operands
    n = len(layouts)
    space = shapes.broadcast(o.shape for o in layouts)
    dims = plan.attributes["dim"] if op.kind == "reduction" else ()
    rows = tuple(1 if d in dims else size for d, size in enumerate(space))
    seen = [o.shape for o in layouts]
    names = [operand_text(tape, b) for b in tape.operands[t]]
    result, kept = f"%{tape.results[t]}", ""
    if op.kind == "reduction" and op.per_row:
        inside = [d for d in dims if any(i not in dims for i in range(d))]  # axes that broadcasting would not restore
        if not plan.attributes.get("keepdim", False) and inside:
            kept = "".join(f".unsqueeze({d})" for d in dims)
        shape_of = [rows, *seen, rows]
    else:
        shape_of = [space, *seen, space]
    texts = [f"∂{result}{kept}", *names, result + kept]
    numbers = {j + 1: tape.constants[~b] for j, b in enumerate(tape.operands[t]) if b < 0}
    length = math.prod(space[d] for d in dims)
    found: list[str | None] = []
    for j, value in enumerate(trace(plan)):
        if value is None:
            found.append(None)
            continue
        value = simplified(value, numbers, length)
        text = value.text(texts)
        natural = _shape(value, shape_of, dims)
        if shapes.broadcast((natural, space)) != natural and math.prod(natural) != math.prod(space):
            text = f"expand({text}, {_sizes(space)})"
        if layouts[j].shape != space:
            text = f"sum_to({text}, {_sizes(layouts[j].shape)})"
        found.append(text)
    assert len(found) == n
    return found


def _sizes(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _shape(value: Sym, operands: Sequence[tuple[int, ...]], dims: Sequence[int]) -> tuple[int, ...]:
    """The shape an expression has by itself."""
    found: dict[Sym, tuple[int, ...]] = {}
    for node in symbols.walk((value,)):
        shape = operands[node.value] if node.op == "operand" else shapes.broadcast(found[a] for a in node.args)
        if node.op == "reduce":
            shape = tuple(1 if d in dims else n for d, n in enumerate(shape))
        found[node] = shape
    return found[value]


def simplified(value: Sym, numbers: dict[int, Any], length: int) -> Sym:
    """The same expression with known numbers put in, arithmetic on them done, and the length of the row."""
    done: dict[Sym, Sym] = {}
    for node in symbols.walk((value,)):
        args = tuple(done[a] for a in node.args)
        if node.op == "operand" and node.value in numbers:
            new = Sym.const(numbers[node.value], node.dtype)
        elif node.op == "count":
            new = Sym.const(length, node.dtype)
        elif node.op == "cast":
            new = args[0].cast(node.dtype)
        elif node.op == "where" and args[0].op == "const":
            new = args[1] if args[0].value else args[2]
        elif args and node.op != "reduce" and all(a.op == "const" for a in args):
            new = Sym.const(symbols.evaluate([Sym(node.op, args, node.dtype, node.value)], [])[0].item(), node.dtype)
        else:
            kept = _identity(node.op, args)
            new = Sym(node.op, args, node.dtype, node.value) if kept is None else kept
        done[node] = new
    return done[value]


_NEUTRAL_RIGHT = {"add": 0, "sub": 0, "mul": 1, "div": 1, "pow": 1}
_NEUTRAL_LEFT = {"add": 0, "mul": 1}


def _identity(op: str, args: Sequence[Sym]) -> Sym | None:
    """x * 1, x + 0, x ** 1 and the like are x."""
    for kept, other, neutral in ((0, 1, _NEUTRAL_RIGHT), (1, 0, _NEUTRAL_LEFT)):
        if op in neutral and args[other].op == "const" and args[other].value == neutral[op]:
            return args[kept]
    return None


# ---------------------------------------------------------------- views and structured rules


def _view(tape: Instructions, t: int, plan: Plan) -> list[str | None]:
    """The operand's adjoint receives the gradient where the view looked."""
    given = ", ".join(f"{k}={value_text(v)}" for k, v in tape.attributes[t].items())
    if plan.op.name == "expand":
        return [f"sum_to(∂%{tape.results[t]}, {_sizes(plan.operands[0].shape)})"]
    return [f"∂%{tape.operands[t][0]}.{plan.op.name}({given}) += ∂%{tape.results[t]}"]


def _rebase(tape: Instructions, t: int, plan: Plan) -> list[str | None]:
    """The written view takes its part of the gradient, the old base the rest."""
    given = ", ".join(f"{k}={value_text(tape.attributes[t][k])}" for k in ("size", "stride", "storage_offset"))
    g = f"∂%{tape.results[t]}"
    return [f"{g}.as_strided({given})", f"{g}.but(as_strided({given}))"]


def _structured(tape: Instructions, t: int, plan: Plan) -> list[str | None]:
    terms: list[Any] = [Term(operand_text(tape, b), o.shape) for b, o in zip(tape.operands[t], plan.operands)]
    g = Term(f"∂%{tape.results[t]}", plan.out.shape)
    out = Term(f"%{tape.results[t]}", plan.out.shape)
    operands = terms
    try:
        found = plan.op.gradients(g, operands, out, tape.attributes[t])
    except Exception:  # a rule that asks its operands for more than a term can answer
        return [f"the rule at {plan.op.where}"] * len(terms)
    return [None if value is None else str(value) for value in found]


class Term:
    """A value that writes down what a structured rule does with it."""

    def __init__(self, text: str, shape: tuple[int, ...] | None = None, binds: int = 9) -> None:
        self._text, self._shape, self._binds = text, shape, binds

    def __str__(self) -> str:
        return self._text

    def _within(self, binds: int) -> str:
        return self._text if self._binds >= binds else f"({self._text})"

    @property
    def shape(self) -> tuple[int, ...]:
        if self._shape is None:
            raise TypeError(f"the shape of {self._text} is not traced")
        return self._shape

    def __getattr__(self, name: str) -> Term:
        if name.startswith("__"):
            raise AttributeError(name)
        return Term(f"{self._within(9)}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Term:
        given = [*map(_argument, args), *(f"{k}={_argument(v)}" for k, v in kwargs.items())]
        return Term(f"{self._text}({', '.join(given)})")

    def _apply_view(self, of: str, given: Sequence[tuple[str, Any]]) -> Term:
        return getattr(self, of)(**dict(given))

    # What rules call by name (`ops/scalar.py`) is written down as it is called.
    @staticmethod
    def __operation__(name: str, operands: Sequence[Any], attributes: dict[str, Any]) -> Term:
        return Term(name)(*operands, **attributes)

    @staticmethod
    def __scalar__(name: str, operands: Sequence[Any]) -> Term:
        return Term(name)(*operands)

    @staticmethod
    def __row__(name: str, x: Any, dim: Any) -> Term:
        return Term(name)(x) if dim is None else Term(name)(x, dim=dim)

    @staticmethod
    def __like__(value: Any, x: Any) -> Term:
        return value if isinstance(value, Term) else Term(value_text(value))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self._text} has no elements")  # which NumPy would look for where an object lies

    def __neg__(self) -> Term:
        return Term(f"-{self._within(3)}", self._shape, 3)


def _argument(value: Any) -> str:
    return str(value) if isinstance(value, Term) else value_text(value)


def _infix(symbol: str, binds: int) -> tuple[Callable[[Term, Any], Term], Callable[[Term, Any], Term]]:
    def write(left: Any, right: Any) -> Term:
        texts = [x._within(level) if isinstance(x, Term) else value_text(x)
                 for x, level in ((left, binds), (right, binds + 1))]
        return Term(f"{texts[0]} {symbol} {texts[1]}", None, binds)

    return write, lambda self, other: write(other, self)


for _name, _symbol, _binds in (("add", "+", 1), ("sub", "-", 1), ("mul", "*", 2), ("truediv", "/", 2),
                               ("matmul", "@", 2)):
    _plain, _swapped = _infix(_symbol, _binds)
    setattr(Term, f"__{_name}__", _plain)
    setattr(Term, f"__r{_name}__", _swapped)

def _callback(tape: Instructions, t: int, plan: Plan) -> list[str | None]:
    """What is Python or machine code has a name only."""
    return [f"{plan.grad_name}(∂%{tape.results[t]})"] * len(tape.operands[t])


_RULES: dict[str, Callable[..., list[str | None]]] = {
    "elementwise": _traced, "reduction": _traced, "view": _view, "rebase": _rebase, "structured": _structured,
    "callback": _callback,
}
