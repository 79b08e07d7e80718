"""Random programs, written as source: a seed is a program, and any program can be run on either library.

`random_forms.txt` is the grammar. What stands there in braces is filled in by the method of `Writer` of that name,
which looks at the tensors made so far: PyTorch runs each line as it is written, so that most of what is written has a
meaning. What has none is kept too, for errors have to agree.
"""
from __future__ import annotations

import copy
import functools
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from forms import Filler, read_forms
from random_functions import custom_functions


def start(t: Any) -> dict[str, Any]:
    """The names that a program may use: the library, Functions, and a log of all it notes."""
    log: list[Any] = []

    def copied(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [copied(v) for v in value]
        try:
            return value.detach().clone() if isinstance(value, t.Tensor) else value
        except RuntimeError:  # a view whose history cannot be told any more
            return "refused"

    def note(value: Any) -> None:
        log.append(copied(value))

    def heard(name: str, factor: float | None = None) -> Callable[[Any], Any]:
        """A hook that notes what it is given, and may scale it."""
        def hook(g: Any) -> Any:
            log.append(name)
            note(g)
            return None if factor is None else g * factor
        return hook

    def node_heard(name: str) -> Callable[..., None]:
        return lambda *gradients: log.append((name, len(gradients)))

    def own(gradients: Any) -> Any:
        """The gradients as tensors of their own: what they are laid out like, and share, is nobody's promise."""
        return [None if g is None else g.contiguous().clone() for g in gradients]

    def hook(x: Any, function: Any) -> Any:
        """PyTorch falls over where the history of a view was not asked for since its base was written to."""
        _ = x.grad_fn
        return x.register_hook(function)

    return {"t": t, "F": t.nn.functional, "log": log, "note": note, "own": own, "hook": hook, "heard": heard,
            "node_heard": node_heard, "deepcopy": copy.deepcopy, "pickled": lambda x: pickle.loads(pickle.dumps(x)),
            "nan": float("nan"), "inf": float("inf"), **custom_functions(t)}


@functools.lru_cache(maxsize=256)
def compiled(line: str) -> Any:
    return compile(line, "<program>", "exec")


# ---------------------------------------------------------------- the grammar

FORMS = read_forms(Path(__file__).with_name("random_forms.txt"))
STATEMENTS = {kind: forms for kind, forms in FORMS.items() if kind[-1].isdigit()}
NUMBERS = ["2", "0.5", "-1.5", "1", "0", "3", "-1", "0.25", "True", "2.0", "-2", "1.5"]
SHAPES = [(), (), (1,), (2,), (3,), (4,), (2, 3), (3, 2), (3, 3), (2, 2), (1, 3), (3, 1), (2, 1, 3),
          (2, 2, 2), (0,), (0, 3), (2, 0)]
DTYPES = ["float32"] * 6 + ["float64"] * 6 + ["int64", "int64", "int32", "bool", "uint8", "int8", "int16"] + [
    "float16", "bfloat16"]
OPTIMISERS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"]
VALUES = [0.0, 0.5, 1.0, -1.0, 2.0, -0.5, 1.5, 0.25, -2.0, 3.0, 0.75, -1.25, 0.125, 2.5]
LARGEST = 300


class Writer(Filler):
    """A program being written: `lines` so far, and what PyTorch made of them."""

    def __init__(self, seed: int, torch: Any) -> None:
        self.rng, self.torch, self.env = random.Random(seed), torch, start(torch)
        self.lines: list[str] = []
        self.count = 0
        self.x: Any = None  # the operand that the rest of a line has to fit
        self.source, self.chosen, self.axis = "", "", 0

    # ---- lines

    def write(self, length: int) -> list[str]:
        for _ in range(self.rng.randint(2, 4)):
            self.add(self.fill("{new} = {fresh}"))
        weights = [int(kind.split()[-1]) for kind in STATEMENTS]
        while len(self.lines) < length:
            form = self.rng.choice(self.rng.choices([*STATEMENTS.values()], weights)[0])
            try:
                line = self.fill(form)
            except (Unfit, RuntimeError):  # a view that lost its history may not be asked about
                continue
            self.add(line)
        return self.lines

    def add(self, line: str) -> None:
        self.lines.append(line)
        try:
            exec(compiled(line), self.env)
        except Exception:
            return
        for name in [n for n, v in self.env.items() if isinstance(v, self.torch.Tensor) and v.numel() > LARGEST]:
            self.add(f"del {name}")

    def value(self, source: str) -> Any:
        """What an expression without effects is in PyTorch, or Unfit."""
        try:
            value = eval(source, self.env)
        except Exception:
            raise Unfit from None
        if not isinstance(value, self.torch.Tensor) or value.numel() > LARGEST:
            raise Unfit
        return value

    # ---- tensors

    def names(self, where: Callable[[Any], bool] = lambda v: True) -> list[str]:
        def fits(v: Any) -> bool:
            try:
                return isinstance(v, self.torch.Tensor) and where(v)
            except RuntimeError:
                return False

        return [n for n, v in self.env.items() if n[0] == "v" and fits(v)]

    def pick(self, where: Callable[[Any], bool] = lambda v: True) -> str:
        fitting = self.names(where)
        if not fitting:
            raise Unfit
        # What was made last is what there is most to say about.
        return self.rng.choice(fitting[-4:] if self.rng.random() < 0.5 else fitting)

    def use(self, source: str) -> str:
        self.source, self.x = source, self.value(source)
        return source

    def _x(self) -> str:
        source = self.pick()
        if self.rng.random() < 0.25:
            source = self.grown(source, self.rng.choice(["view", "pure"]))
        return self.use(source)

    def grown(self, source: str, kind: str) -> str:
        """An expression made of another one by a random form, or the other one."""
        form = self.rng.choice([f for f in FORMS[kind] if "{x}" in f])
        try:
            self.use(source)
            longer = f"({self.fill(form, x=source)})"
            self.value(longer)
            return longer
        except Unfit:
            return source

    def expression(self, kind: str) -> str:
        form = self.rng.choice(FORMS[kind])
        return self.fill(form, x=self._x()) if "{x}" in form else self.fill(form)

    def _pure(self) -> str:
        return self.expression("pure")

    def _view(self) -> str:
        return self.expression("view")

    def _v(self) -> str:
        return self.pick()

    def _var(self) -> str:
        return self.use(self.pick())

    def _f(self) -> str:
        return self.use(self.pick(lambda v: v.is_floating_point()))

    def _target(self) -> str:
        """What is written to: a tensor, or a view of one that no name holds."""
        source = self.pick(lambda v: not (v.requires_grad and v.is_leaf)) if self.rng.random() < 0.9 else self.pick()
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            source = self.grown(source, "view")
        return self.use(source)

    def _m(self) -> str:
        return self.use(self.pick(lambda v: v.is_floating_point() and v.dim() == 2))

    def _mat(self) -> str:
        return self.pick(lambda v: v.dim() > 0 and self.x.dim() > 0 and v.dtype == self.x.dtype
                         and v.shape[max(v.dim() - 2, 0)] == self.x.shape[-1])

    def _sq(self) -> str:
        return self.use(self.pick(lambda v: v.is_floating_point() and v.dim() == 2 and v.shape[0] == v.shape[1]))

    def _spd(self) -> str:
        m = self._m()
        n, dtype = self.x.shape[0], str(self.x.dtype).split(".")[-1]
        return f"({m} @ {m}.t() + 3 * t.eye({n}, dtype=t.{dtype}))"

    def _end(self) -> str:
        self.chosen = self.use(self.pick(lambda v: v.requires_grad))
        return self.chosen

    def _last(self) -> str:
        return self.chosen

    def _needs(self) -> str:
        return self.pick(lambda v: v.requires_grad)

    def _leaf(self) -> str:
        return self.pick(lambda v: v.requires_grad and v.is_leaf)

    def _cotangent(self) -> str:
        return self.literal(tuple(self.x.shape), str(self.x.dtype).split(".")[-1])

    def _long(self) -> str:
        return self.pick(lambda v: v.dtype == self.torch.int64)

    # ---- what fits the operand

    def _y(self) -> str:
        return self._n() if self.rng.random() < 0.25 else self._yt()

    def _yt(self) -> str:
        """A tensor that broadcasts to the operand."""
        x, rng = self.x, self.rng
        if x is None:
            raise Unfit
        if rng.random() < 0.65:
            def fits(v: Any) -> bool:
                return v.dim() <= x.dim() and all(
                    a == b or 1 in (a, b) for a, b in zip(reversed(v.shape), reversed(x.shape)))
            found = self.names(fits)
            if found:
                return rng.choice(found)
        shape = tuple(s if rng.random() < 0.8 else 1 for s in x.shape)[rng.choice([0, 0, 0, 1]):]
        return self.literal(shape, rng.choice([str(x.dtype).split(".")[-1], rng.choice(DTYPES)]))

    def _fit(self) -> str:
        """A value for an index: a number, a tensor of the view's shape, or whatever."""
        try:
            view = self.value(f"{self.source}[{self.indexed}]")
        except Unfit:
            return self._n()
        saved, self.x = self.x, view
        y = self._y()
        self.x = saved
        return y

    def _n(self) -> str:
        return self.rng.choice(NUMBERS)

    def _zero(self) -> str:
        return self.pick(lambda v: v.dim() == 0)

    def _zero1(self) -> str:
        return self.literal((1,), str(self.x.dtype).split(".")[-1])

    def _b(self) -> str:
        return self.rng.choice(["True", "False"])

    def _d(self) -> int:
        n = max(self.x.dim(), 1)
        self.axis = self.rng.randrange(-n, n) if self.rng.random() < 0.97 else n
        return self.axis

    def _d2(self) -> int:
        n = max(self.x.dim(), 1)
        return self.rng.randrange(-n, n)

    def _du(self) -> int:
        return self.rng.randrange(-self.x.dim() - 1, self.x.dim() + 1)

    def size(self) -> int:
        return self.x.shape[self.axis] if -self.x.dim() <= self.axis < self.x.dim() else 1

    def _i(self) -> int:
        n = self.size()
        return self.rng.randrange(-n, n) if n and self.rng.random() < 0.97 else n

    def _lo(self) -> int:
        self.low = self.rng.randint(0, self.size())
        return self.low

    def _length(self) -> int:
        return self.rng.randint(0, max(self.size() - self.low, 0))

    def _o(self) -> int:
        return self.rng.choice([0, 1, -1])

    def _z(self) -> int:
        return self.rng.choice([0, 0, 1, 1, 2])

    def _z1(self) -> int:
        return self.rng.choice([1, 2, 2, 3])

    def _perm(self) -> str:
        order = list(range(self.x.dim()))
        self.rng.shuffle(order)
        return ", ".join(map(str, order)) or "()"

    def _shape(self) -> str:
        n = self.x.numel()
        if not n:
            return repr(tuple(self.rng.choice([(0,), (0, 2), (3, 0)])))
        shape = [self.rng.choice([1, 2, 3]) for _ in range(self.rng.randint(0, 3))]
        while shape and n % int(np.prod(shape)):
            shape.pop()
        rest = n // int(np.prod(shape or [1]))
        if rest != 1 or self.rng.random() < 0.3:
            shape.insert(self.rng.randint(0, len(shape)), -1 if self.rng.random() < 0.4 else rest)
        return repr(tuple(shape))

    def _expand(self) -> str:
        shape = [self.rng.choice([1, 2, 3]) if s == 1 else self.rng.choice([s, s, -1]) for s in self.x.shape]
        lead = [self.rng.choice([1, 2])] if self.rng.random() < 0.5 and self.x.numel() < 100 else []
        if lead:
            shape = [s if s != -1 else t for s, t in zip(shape, self.x.shape)]
        return repr(tuple(lead + shape))

    def _repeat(self) -> str:
        return ", ".join(str(self.rng.choice([1, 1, 2, 0] if self.x.numel() > 30 else [1, 2, 1, 3]))
                         for _ in range(max(self.x.dim() + self.rng.choice([0, 0, 1]), 1)))

    def _strided(self) -> str:
        n = self.x.numel()
        if n == 0:
            return "(0,), (1,)"
        rows = self.rng.choice([1, 2])
        half, each = max(n // 2, 1), max(n // rows, 1)
        return self.rng.choice([f"({n},), (1,)", f"({half},), (2,)", f"({rows}, {each}), ({each}, 1)",
                                f"({max(n - 1, 1)},), (1,)"])

    def _small(self) -> str:
        return repr(self.rng.choice(SHAPES))

    def _dtype(self) -> str:
        return self.rng.choice(DTYPES)

    def integers(self, shape: tuple[int, ...], below: int, negative: bool = False) -> str:
        if not below:
            shape = (*shape[:-1], 0)
        low = -below if negative else 0
        data = np.array([self.rng.randrange(low, below) for _ in range(int(np.prod(shape)))], int).reshape(shape)
        return f"t.tensor({data.tolist()!r}, dtype=t.int64)" + (f".reshape({shape})" if not data.size else "")

    def _idx(self) -> str:
        self.picked = self.rng.randint(0, 3) if self.size() else 0
        return self.integers((self.picked,), self.size())

    def _lit(self) -> str:
        return self.literal(tuple(self.x.shape), str(self.x.dtype).split(".")[-1])

    def _alike(self) -> str:
        """Another tensor that could stand for the operand."""
        return self.pick(lambda v: v is not self.x and v.shape == self.x.shape and v.dtype == self.x.dtype)

    def _out(self) -> str:
        """What a result may be put into: what becomes of views, and of operands in its memory, nobody promises."""
        return self.pick(lambda v: not v._is_view() and (
            self.x is None or (v.data_ptr() != self.x.data_ptr() and self.x._base is not v)))

    def _source(self) -> str:
        shape = list(self.x.shape)
        if -self.x.dim() <= self.axis < self.x.dim():
            shape[self.axis] = self.picked
        found = self.names(lambda v: list(v.shape) == shape and v.dtype == self.x.dtype)
        return self.rng.choice(found) if found and self.rng.random() < 0.6 else \
            self.literal(tuple(shape), str(self.x.dtype).split(".")[-1])

    def _gather(self) -> str:
        shape = [self.rng.randint(min(1, s), s) for s in self.x.shape]
        return self.integers(tuple(shape), self.size())

    def _flat(self) -> str:
        return self.integers((self.rng.randint(1, 3),), self.x.numel())

    def _first(self) -> str:
        if self.x is None:
            raise Unfit
        return self.integers((self.rng.randint(1, 3),), self.x.shape[0] if self.x.dim() else 1)

    def _classes(self) -> str:
        return self.integers((self.x.shape[0],), self.x.shape[1])

    def _mask(self) -> str:
        shape = tuple(self.x.shape)
        data = np.array([self.rng.random() < 0.5 for _ in range(int(np.prod(shape)))], bool).reshape(shape)
        return self.rng.choice([f"{self.source} > {self._n()}",
                                f"t.tensor({data.tolist()!r}, dtype=t.bool).reshape({shape})"])

    def _index(self) -> str:
        """An index of any kind: numbers, slices, None, `...`, lists, tensors, masks, and tuples of them."""
        rng, shape, parts, axis = self.rng, list(self.x.shape), [], 0
        for _ in range(rng.randint(1, max(len(shape), 1))):
            kind = rng.random()
            n = shape[axis] if axis < len(shape) else 0
            if kind < 0.08:
                parts.append("None")
                continue
            if kind < 0.14 and "..." not in parts:
                parts.append("...")
                axis = len(shape) - (rng.random() < 0.5)
                continue
            if axis >= len(shape) and (parts or rng.random() < 0.8):
                break
            if kind < 0.45:
                parts.append(str(rng.randrange(-n, n) if n and rng.random() < 0.97 else n))
            elif kind < 0.75:
                a, b = rng.randint(-n, n), rng.randint(-n, n + 1)
                parts.append(rng.choice([":", f"{a}:", f":{b}", f"{a}:{b}", "::2", f"{a}::2"]))
            elif kind < 0.85 and n:
                parts.append(repr([rng.randrange(-n, n) for _ in range(rng.randint(1, 3))]))
            elif kind < 0.93 and n:
                parts.append(self.integers(rng.choice([(), (2,), (1,), (2, 1), (0,)]), n, negative=True))
            elif kind < 0.96:
                parts.append(f"t.tensor({[rng.random() < 0.5 for _ in range(n)]!r}, dtype=t.bool)")
            else:
                parts.append(rng.choice(["True", "False"]) if rng.random() < 0.3 else ":")
                axis -= 1 if parts[-1] != ":" else 0
            axis += 1
        self.indexed = ", ".join(parts) or "..."
        return self.indexed

    # ---- names and literals

    def _optimiser(self) -> str:
        return self.rng.choice(OPTIMISERS)

    def _reduction(self) -> str:
        return self.rng.choice(["none", "mean", "sum"])

    def _new(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def _unary(self) -> str:
        name = self.rng.choice(FORMS["unary"])
        return name if "(" in name else f"{name}()"

    def _unaryname(self) -> str:
        return self.rng.choice([u for u in FORMS["unary"] if "(" not in u])

    def _inplaceunary(self) -> str:
        return self.rng.choice(FORMS["in place unary"]) + "()"

    def literal(self, shape: tuple[int, ...], dtype: str) -> str:
        n, rng = int(np.prod(shape)), self.rng
        special = rng.random() < 0.02
        data = [rng.choice(VALUES) for _ in range(n)]
        if dtype == "bool":
            data = [v > 0 for v in data]
        elif "int" in dtype:
            data = [abs(int(v)) if dtype == "uint8" else int(v) for v in data]
        elif special and n:
            data[rng.randrange(n)] = rng.choice([float("nan"), float("inf"), -float("inf")])
        if n == 0 or rng.random() < 0.05:
            return f"t.full({shape}, {data[0] if data else 1}, dtype=t.{dtype})"
        return f"t.tensor({np.array(data, object).reshape(shape).tolist()!r}, dtype=t.{dtype})"

    def _fresh(self) -> str:
        rng = self.rng
        shape, dtype = rng.choice(SHAPES), rng.choice(DTYPES)
        source = self.literal(shape, dtype)
        layout = rng.random()
        if len(shape) == 2 and layout < 0.2:
            source += ".t()"
        elif shape and layout < 0.3:
            source += "[..., ::2]"
        elif layout < 0.38:
            source += f".expand(2, {', '.join(map(str, shape))})" if shape else ".expand(2)"
        if "float" in dtype:
            source += rng.choice(["", *[".requires_grad_()"] * 3, ".requires_grad_().clone()"])
        return source


class Unfit(Exception):
    """No tensor made so far fits the form."""


def program(seed: int, torch: Any) -> list[str]:
    writer = Writer(seed, torch)
    return writer.write(writer.rng.randint(6, 24))
