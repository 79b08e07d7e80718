"""Programs whose Python values, objects, branches and random numbers change between calls: never a wrong answer.

Factories as in `test_compile.py`. These are about what a function can reach: objects and their attributes, methods,
properties, classes, modules, local functions, NumPy, random streams.
"""
from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import itertools
import math
import operator
import types
from typing import Any, NamedTuple

import numpy as np
import pytest
import test_compile as base

import tapegrad as torch
from tapegrad.compiler import compile

PROGRAMS: dict[str, Any] = {}
nothing, no_arguments, leaf = base.nothing, base.no_arguments, base.leaf


def program(replayed: bool = True) -> Any:
    def register(factory: Any) -> Any:
        PROGRAMS[factory.__name__] = (factory, replayed)
        return factory

    return register


def ones(i: int) -> tuple[Any, ...]:
    return (torch.ones(2),)


def counted(i: int) -> tuple[Any, ...]:
    return (torch.ones(2) * i,)


# ---------------------------------------------------------------- objects


class Layer:
    """A module as people write them: parameters and settings as attributes."""

    bias = 0.5

    def __init__(self, scale: float) -> None:
        self.weight = torch.tensor([1.0, 2.0], requires_grad=True)
        self.scale, self.children, self.activation = scale, [], torch.tanh

    @property
    def doubled(self) -> float:
        return self.scale * 2

    @staticmethod
    def shifted(x: Any) -> Any:
        return x + 1

    @classmethod
    def biased(cls, x: Any) -> Any:
        return x + cls.bias

    def __call__(self, x: Any) -> Any:
        return self.biased(self.shifted(self.activation(self.weight * x) * self.doubled))


def at_five(change: Any) -> Any:
    return lambda i: change() if i == 5 else None


@program()
def a_flag_is_raised_now_and_then() -> Any:
    class State:
        best, waited, stopped = math.inf, 0, False

    state = State()

    def step(x):
        loss = ((x - 3) ** 2).sum().item()
        if loss < state.best:
            state.best, state.waited = loss, 0
        else:
            state.waited += 1
            if state.waited > 2:
                state.stopped = True
        return x * 2

    return step, (lambda i: (torch.ones(2) * (i * 5 % 7),)), nothing, lambda: [
        torch.tensor([state.best, state.waited, state.stopped])]


@program()
def a_cache_is_filled() -> Any:
    cache: dict[int, Any] = {}

    def step(x, n):
        if n not in cache:
            cache[n] = torch.arange(float(n))
        return cache[n] * x.sum()

    return step, (lambda i: (torch.ones(2) * i, 2 + i % 2)), nothing, lambda: [*cache.values()]


@program(replayed=False)
def its_state_is_another_each_time() -> Any:
    state = {"seen": ""}

    def step(x):
        state["seen"] += "x"
        return x * len(state["seen"])

    return step, counted, nothing, lambda: []


@program()
def attribute_changes() -> Any:
    layer = Layer(2.0)
    return (lambda x: layer(x).detach()), ones, at_five(lambda: setattr(layer, "scale", 3.0)), lambda: [layer.weight]


@program()
def parameter_is_replaced() -> Any:
    layer = Layer(2.0)
    return (lambda x: layer(x).detach()), ones, at_five(
        lambda: setattr(layer, "weight", torch.tensor([5.0, 6.0], requires_grad=True))), lambda: [layer.weight]


@program()
def class_attribute_changes() -> Any:
    class Own(Layer):
        bias = 0.25

    layer = Own(2.0)
    return (lambda x: layer(x).detach()), ones, at_five(lambda: setattr(Own, "bias", 7.0)), list


@program()
def class_attribute_appears_nearer() -> Any:
    class Own(Layer):
        pass

    layer = Own(2.0)
    return (lambda x: layer(x).detach()), ones, at_five(lambda: setattr(Own, "bias", 7.0)), list


@program()
def instance_attribute_hides_the_class() -> Any:
    layer = Layer(2.0)
    return (lambda x: layer(x).detach()), ones, at_five(lambda: setattr(layer, "bias", 7.0)), list


@program()
def method_is_replaced() -> Any:
    class Own:
        def f(self, x: Any) -> Any:
            return x * 2

    own = Own()
    return (lambda x: own.f(x)), ones, at_five(lambda: setattr(Own, "f", lambda self, x: x * 3)), list


@program()
def function_attribute_is_replaced() -> Any:
    layer = Layer(2.0)
    return (lambda x: layer(x).detach()), ones, at_five(lambda: setattr(layer, "activation", torch.sin)), list


@program()
def object_in_an_object() -> Any:
    outer, inner = Layer(2.0), Layer(3.0)
    outer.children.append(inner)
    return (lambda x: outer.children[0](x).detach()), ones, at_five(lambda: setattr(inner, "scale", 9.0)), list


@program()
def child_is_added() -> Any:
    outer = Layer(2.0)
    outer.children.append(Layer(3.0))

    def f(x: Any) -> Any:
        for child in outer.children:
            x = child(x)
        return x.detach()

    return f, ones, at_five(lambda: outer.children.append(Layer(0.5))), list


@program()
def object_that_points_to_itself() -> Any:
    layer = Layer(2.0)
    layer.children.append(layer)
    return (lambda x: layer.children[0].children[0](x).detach()), ones, at_five(
        lambda: setattr(layer, "scale", 3.0)), list


@program()
def method_is_compiled() -> Any:
    class Own:
        def __init__(self) -> None:
            self.w, self.rate = leaf(1.0, 2.0), 0.1

        def step(self) -> None:
            (self.w * self.w).sum().backward()
            with torch.no_grad():
                self.w.sub_(self.rate * self.w.grad)
            self.w.grad = None

    own = Own()
    return own.step, no_arguments, at_five(lambda: setattr(own, "rate", 0.01)), lambda: [own.w]


@dataclasses.dataclass
class Settings:
    rate: float
    power: int = 2


@program()
def dataclass_changes() -> Any:
    settings = Settings(0.5)
    return (lambda x: (x * settings.rate) ** settings.power), counted, at_five(
        lambda: setattr(settings, "power", 3)), list


@program()
def dataclass_made_inside() -> Any:
    def f(x: Any) -> Any:
        settings = Settings(rate=0.25)
        return x * settings.rate + settings.power

    return f, counted, nothing, list


@program()
def dataclass_is_replaced_by_an_equal_one() -> Any:
    held = [Settings(0.5)]

    def change(i: int) -> None:
        held[0] = Settings(0.5 if i < 6 else 2.0)

    return (lambda x: x * held[0].rate), counted, change, list


class Slotted:
    __slots__ = ("__dict__", "_hidden", "rate")


@program()
def slots_change() -> Any:
    one = Slotted()
    one.rate = 2.0
    return (lambda x: x * one.rate), ones, at_five(lambda: setattr(one, "rate", 3.0)), list


class Kind(enum.Enum):
    SUM = 1
    MEAN = 2


@program()
def enumeration() -> Any:
    kind = [Kind.SUM]

    def change() -> None:
        kind[0] = Kind.MEAN

    return (lambda x: x.sum() if kind[0] is Kind.SUM else x.mean()), counted, at_five(change), list


class Pair(NamedTuple):
    first: Any
    second: Any


@program()
def named_tuples() -> Any:
    def f(p: Any) -> Any:
        return Pair(p.second, p.first * 2)

    return f, lambda i: (Pair(torch.ones(2), torch.ones(2) * i),), nothing, list


@program()
def call_and_item_operators() -> Any:
    class Table:
        def __init__(self) -> None:
            self.entries = {"a": 2.0}

        def __getitem__(self, key: str) -> float:
            return self.entries[key]

        def __len__(self) -> int:
            return len(self.entries)

        def __call__(self, x: Any) -> Any:
            return x * self["a"] * len(self)

    table = Table()
    return (lambda x: table(x)), counted, at_five(lambda: table.entries.update(a=5.0, b=1.0)), list


@program()
def getattr_fallback() -> Any:
    class Lazy:
        def __init__(self) -> None:
            self.values = {"rate": 2.0}

        def __getattr__(self, name: str) -> Any:
            return self.values[name]

    lazy = Lazy()
    return (lambda x: x * lazy.rate), counted, at_five(lambda: lazy.values.update(rate=3.0)), list


@program()
def inherited_method_by_super() -> Any:
    class Own(Layer):
        def __call__(self, x: Any) -> Any:
            return super().__call__(x) * self.scale

    layer = Own(2.0)
    return (lambda x: layer(x).detach()), ones, at_five(lambda: setattr(Layer, "bias", 0.5)), list


@program()
def object_counts_its_calls() -> Any:
    class Counting(Layer):
        calls = 0

        def __call__(self, x: Any) -> Any:
            self.calls += 1
            return super().__call__(x) * self.calls

    layer = Counting(1.0)
    return (lambda x: layer(x).detach()), ones, nothing, lambda: [torch.tensor(layer.calls)]


@program(replayed=False)
def class_counts_its_calls() -> Any:
    class Counting:
        calls = 0

        def f(self, x: Any) -> Any:
            Counting.calls += 1
            return x * 2

    one = Counting()
    return (lambda x: one.f(x)), ones, nothing, lambda: [torch.tensor(Counting.calls)]


@program()
def state_is_kept_in_an_attribute() -> Any:
    class Recurrent:
        def __init__(self) -> None:
            self.h = torch.zeros(2)

        def f(self, x: Any) -> Any:
            self.h = torch.tanh(self.h + x)
            return self.h * 1

    cell = Recurrent()
    return (lambda x: cell.f(x)), ones, nothing, lambda: [cell.h]


@program()
def state_is_kept_in_a_tensor() -> Any:
    class Recurrent:
        def __init__(self) -> None:
            self.h = torch.zeros(2)

        def f(self, x: Any) -> Any:
            self.h.copy_((self.h + x) * 0.5)
            return self.h * 1

    cell = Recurrent()
    return (lambda x: cell.f(x)), ones, nothing, lambda: [cell.h]


@program(replayed=False)
def method_of_a_list_by_another_name() -> Any:
    log: list[int] = []
    note = log.append

    def f(x: Any) -> Any:
        note(1)
        return x * 2

    return f, ones, nothing, lambda: [torch.tensor(len(log))]


@program()
def attribute_that_is_set_to_what_it_is() -> Any:
    layer = Layer(2.0)

    def f(x: Any) -> Any:
        layer.scale = 2.0
        return layer(x).detach()

    return f, ones, at_five(lambda: setattr(layer, "scale", 4.0)), lambda: [torch.tensor(layer.scale)]


@program()
def state_is_made_at_the_first_call() -> Any:
    class Mean:
        total = None

        def add(self, x: Any) -> Any:
            if self.total is None:
                self.total = torch.zeros(2)
            self.total.add_(x)
            return self.total * 0.5

    mean = Mean()
    return (lambda x: mean.add(x)), counted, at_five(lambda: setattr(mean, "total", None)), list


@program()
def moments_are_made_at_the_first_call() -> Any:
    w, state = leaf(1.0, 2.0), {}

    def step() -> None:
        (w * w).sum().backward()
        with torch.no_grad():
            own = state.setdefault(w, {"step": 0, "mean": torch.zeros_like(w)}) if w not in state else state[w]
            own["step"] += 1
            own["mean"].lerp_(w.grad, 0.1)
            w.sub_(0.1 / own["step"] * own["mean"])
        w.grad = None

    return step, no_arguments, nothing, lambda: [w, torch.tensor(state[w]["step"]) if state else w]


@program(replayed=False)
def attribute_of_a_reached_tensor_is_set() -> Any:
    w, n = torch.ones(2), [0]

    def f(x: Any) -> Any:
        w.tag = n[0]
        return x * w

    return f, ones, lambda i: n.__setitem__(0, i), lambda: [torch.tensor(w.tag if hasattr(w, "tag") else -1)]


# ---------------------------------------------------------------- functions, modules, numbers


@program()
def local_functions_and_comprehensions() -> Any:
    def f(x: Any) -> Any:
        def scaled(y: Any, by: float = 2.0) -> Any:
            return y * by

        parts = [scaled(x, k) for k in (1.0, 2.0, 3.0)]
        table = {str(i): p for i, p in enumerate(parts)}
        return sum(p.sum() for p in table.values()) + max(len(parts), 2)

    return f, counted, nothing, list


@program()
def local_generator() -> Any:
    def f(x: Any) -> Any:
        def halves(y: Any) -> Any:
            for _ in range(3):
                y = y / 2
                yield y

        return sum(halves(x))

    return f, counted, nothing, list


@program()
def decorated_functions() -> Any:
    rate = 2.0

    def doubled(g: Any) -> Any:
        @functools.wraps(g)
        def wrapper(*a: Any) -> Any:
            return g(*a) * rate

        return wrapper

    @torch.no_grad()
    @doubled
    def f(x: Any) -> Any:
        return x + 1

    def change() -> None:
        nonlocal rate
        rate = 5.0

    return f, counted, at_five(change), list


@program()
def partial_function() -> Any:
    def g(scale: float, x: Any, *, shift: float) -> Any:
        return x * scale + shift

    return functools.partial(g, 2.0, shift=1.0), counted, nothing, list


@program()
def default_argument_changes() -> Any:
    def f(x: Any, rate: float = 2.0) -> Any:
        return x * rate

    return f, counted, at_five(lambda: setattr(f, "__defaults__", (3.0,))), list


@program()
def attribute_of_a_function() -> Any:
    def f(x: Any) -> Any:
        return x * f.rate

    f.rate = 2.0  # type: ignore[attr-defined]
    return f, counted, at_five(lambda: setattr(f, "rate", 3.0)), list


@program()
def helper_is_made_anew() -> Any:
    helper = [None]

    def change(i: int) -> None:
        def scaled(x: Any, by: float = 2.0 if i < 6 else 3.0) -> Any:
            return x * by

        helper[0] = scaled

    change(0)
    return (lambda x: helper[0](x)), counted, change, list


OWN = types.ModuleType("own")
exec("rate = 2.0\ndef scaled(x):\n    return x * rate\n", vars(OWN))
OWN.__file__ = __file__
SCALED = OWN.scaled


@program()
def module_of_the_program_changes() -> Any:
    OWN.rate, OWN.scaled = 2.0, SCALED
    return (lambda x: OWN.scaled(x)), counted, at_five(lambda: setattr(OWN, "rate", 3.0)), list


@program()
def function_of_a_module_is_replaced() -> Any:
    OWN.rate = 2.0

    def change(i: int) -> None:
        OWN.scaled = SCALED if i < 5 else (lambda x: x - 1)

    return (lambda x: OWN.scaled(x)), counted, change, lambda: []


@program()
def builtin_is_hidden_by_a_global() -> Any:
    def change(i: int) -> None:
        if i == 5:
            globals()["abs"] = lambda x: x * 100
        if i == 8:
            del globals()["abs"]

    return (lambda x: abs(x - 3)), counted, change, list


@program()
def import_inside() -> Any:
    def f(x: Any) -> Any:
        import math as m
        from operator import mul

        return mul(x, m.e)

    return f, counted, nothing, list


@program()
def mathematics() -> Any:
    angle = [0.5]
    return (lambda x: x * math.sin(angle[0]) + math.floor(math.tau)), counted, at_five(
        lambda: angle.__setitem__(0, 1.5)), list


@program()
def numpy_constants_and_scalars() -> Any:
    rate = [np.float64(0.5)]
    return (lambda x: x * np.pi + float(np.sqrt(rate[0]))), counted, at_five(
        lambda: rate.__setitem__(0, np.float64(2.0))), list


@program()
def small_array_changes() -> Any:
    data = np.array([1.0, 2.0])
    return (lambda x: x + torch.tensor(data)), counted, at_five(lambda: data.__setitem__(0, 5.0)), list


@program()
def itertools_and_collections() -> Any:
    names = collections.OrderedDict(a=1.0, b=2.0)
    queue = collections.deque([1.0, 2.0], maxlen=2)

    def f(x: Any) -> Any:
        for (_, a), b in itertools.product(names.items(), queue):
            x = x * a + b
        return x

    def change(i: int) -> None:
        if i == 4:
            names.move_to_end("a")
        if i == 6:
            queue.append(7.0)

    return f, counted, change, list


@program()
def members_of_a_set() -> Any:
    chosen = {"sin"}

    def f(x: Any) -> Any:
        return x.sin() if "sin" in chosen else x.cos()

    return f, counted, at_five(chosen.clear), list


@program()
def key_order_changes() -> Any:
    table = {"a": 2.0, "b": 3.0}

    def f(x: Any) -> Any:
        for v in table.values():
            x = x * v + v
        return x

    return f, counted, at_five(lambda: table.update(a=table.pop("a"))), list


@program()
def truth_and_one_are_not_the_same() -> Any:
    power = [1]
    return (lambda x: x * 2 if power[0] is True else x * power[0]), counted, at_five(
        lambda: power.__setitem__(0, True)), list


@program()
def negative_zero() -> Any:
    zero = [0.0]
    return (lambda x: 1 / (x * zero[0])), ones, at_five(lambda: zero.__setitem__(0, -0.0)), list


@program()
def values_looked_at_as_a_list() -> Any:
    k = torch.tensor([1.0, 2.0])

    def f(x: Any) -> Any:
        a, b = k.tolist()
        return x * a + b

    return f, counted, at_five(lambda: k.fill_(3.0)), list


@program()
def boolean_mask() -> Any:
    mask = torch.tensor([True, False, True])
    return (lambda x: x[mask] * 2), lambda i: (torch.ones(3) * i,), at_five(
        lambda: mask.copy_(torch.tensor([False, False, True]))), list


# ---------------------------------------------------------------- arguments


@program()
def same_argument_twice_and_not() -> Any:
    def arguments(i: int) -> tuple[Any, ...]:
        x = torch.ones(2) * i
        return (x, x) if i % 3 else (x, x + 1)

    return (lambda a, b: a * b), arguments, nothing, list


@program()
def arguments_share_memory_or_not() -> Any:
    def arguments(i: int) -> tuple[Any, ...]:
        x = torch.arange(4.0) + i
        return (x[:2], x[2:]) if i % 3 else (x[:2], x[1:3])

    def f(a: Any, b: Any) -> Any:
        a.mul_(2)
        return a + b

    return f, arguments, nothing, list


@program()
def type_of_an_argument_changes() -> Any:
    def arguments(i: int) -> tuple[Any, ...]:
        x = torch.ones(2, requires_grad=True)
        return (torch.nn.Parameter(x.detach()) if i % 3 == 2 else x,)

    return (lambda x: (x * 2 if isinstance(x, torch.nn.Parameter) else x * 3).detach()), arguments, nothing, list


@program()
def argument_is_what_is_reached() -> Any:
    w = torch.ones(2)

    def f(x: Any) -> Any:
        return x * 2 + w

    return f, lambda i: (w if i % 2 else torch.ones(2) * i,), lambda i: w.fill_(i), lambda: [w]


@program()
def argument_is_written_and_returned() -> Any:
    return (lambda x: x.mul_(2)), counted, nothing, list


@program()
def part_of_an_argument_is_returned() -> Any:
    def f(x: Any) -> Any:
        return x[1:], x.reshape(2, 1), x.detach()

    return f, counted, nothing, list


@program(replayed=False)
def argument_list_is_appended_to() -> Any:
    def f(several: Any) -> Any:
        several.append(several[0] * 2)
        return several[-1]

    given: list[Any] = []
    return f, lambda i: (given,), lambda i: given.__setitem__(slice(None), [torch.ones(2) * i]), lambda: list(given)


@program(replayed=False)
def reached_list_is_returned() -> Any:
    kept = [1.0]

    def f(x: Any) -> Any:
        return kept

    return f, ones, nothing, lambda: [torch.tensor(len(kept))]


@program()
def argument_with_an_attribute() -> Any:
    class Holder:
        factor = 2.0

    holder = Holder()

    def argument(i: int) -> tuple[Any, ...]:
        x = torch.ones(2)
        if i > 4:
            x.factor = float(i)
        return (x,)

    return (lambda x: x * (x.factor if hasattr(x, "factor") else holder.factor)), argument, nothing, list


def later_with_a_factor(i: int) -> tuple[Any, ...]:
    x = torch.ones(2)
    if i > 4:
        x.factor = float(i)
    return (x,)


@program()
def attribute_asked_for() -> Any:
    return (lambda x: x * x.factor if hasattr(x, "factor") else x * 2), later_with_a_factor, nothing, list


@program()
def attribute_with_a_default() -> Any:
    return (lambda x: x * getattr(x, "factor", 2.0)), later_with_a_factor, nothing, list


@program()
def attribute_by_an_operator() -> Any:
    def f(x: Any) -> Any:
        try:
            return x * operator.attrgetter("factor")(x)
        except AttributeError:
            return x * 2

    return f, later_with_a_factor, nothing, list


@program()
def attribute_of_a_reached_tensor_by_name() -> Any:
    w = torch.ones(2)
    return (lambda x: x * getattr(w, "factor", 2.0)), ones, at_five(lambda: setattr(w, "factor", 7.0)), list


# ---------------------------------------------------------------- random numbers


@program()
def draws_of_every_kind() -> Any:
    torch.manual_seed(3)

    def f(x: Any) -> Any:
        y = x + torch.rand(2) + torch.randn(2) + torch.randint(0, 5, (2,)) + torch.randperm(2)
        z = torch.empty(20).uniform_(-1, 1).normal_(1, 2)
        return y, z, torch.empty(3).bernoulli_(0.5), torch.normal(0.0, 1.0, (3,)), torch.empty(2).exponential_()

    return f, ones, nothing, lambda: [torch.rand(1)]


@program()
def draws_from_an_own_generator() -> Any:
    g = torch.Generator().manual_seed(0)
    return (lambda x: x + torch.rand(2, generator=g)), ones, lambda i: i % 4 or g.manual_seed(i), lambda: [
        torch.rand(1)]


@program()
def draw_that_is_the_result() -> Any:
    return (lambda: torch.rand(3)), no_arguments, nothing, list


@program()
def draw_that_is_written_to() -> Any:
    def f(x: Any) -> Any:
        y = torch.rand(2)
        y.add_(x)
        return y * 2

    return f, ones, nothing, list


@program()
def seed_inside() -> Any:
    def f(x: Any) -> Any:
        torch.manual_seed(7)
        return x + torch.rand(2)

    return f, ones, nothing, lambda: [torch.rand(2)]


@program()
def a_check_fails_after_a_draw() -> Any:
    def f(x: Any) -> Any:
        noise = torch.rand(2)
        if x.sum() > 6:
            return noise + torch.rand(2)
        return noise * x

    return f, counted, nothing, lambda: [torch.rand(1)]


@program()
def branch_on_a_draw() -> Any:
    def f(x: Any) -> Any:
        return x * 2 if torch.rand(1) > 0.3 else x + torch.rand(2)

    return f, counted, nothing, lambda: [torch.rand(1)]


@program()
def dropout() -> Any:
    w = leaf(1.0, 2.0, 3.0)

    def step() -> None:
        y = torch.nn.functional.dropout(w * 2, 0.5)
        y.sum().backward()

    return step, no_arguments, nothing, lambda: [w.grad]


@program(replayed=False)
def state_of_the_generator_is_read() -> Any:
    return (lambda x: x + torch.get_rng_state()[:2].sum() * 0), ones, nothing, list


# ---------------------------------------------------------------- calls that break off


@program()
def written_before_an_index_that_fails() -> Any:
    total, table = torch.zeros(4), torch.arange(4.0)

    def f(i: Any) -> Any:
        total.add_(1)
        try:
            found = table.index_select(0, i)
        except IndexError:
            found = table * 100
        total.mul_(2)
        return found

    return f, lambda i: (torch.tensor([9 if i in (4, 6) else 1]),), nothing, lambda: [total]


@program()
def argument_written_before_an_index_that_fails() -> Any:
    kept = [torch.zeros(4) for _ in range(base.CALLS)]
    rows = torch.zeros(3, 4)

    def f(x: Any, i: Any) -> Any:
        x.add_(1)
        try:
            return rows[i] + x
        except IndexError:
            return x * 100

    return f, lambda i: (kept[i], torch.tensor([3 if i == 5 else -1])), nothing, lambda: [*kept]


@program()
def argument_written_before_a_branch() -> Any:
    kept = [torch.full((4,), i % 3) for i in range(base.CALLS)]

    def f(x: Any) -> Any:
        x.add_(1)
        return x * 2 if x.sum() > 10 else x + 5

    return f, lambda i: (kept[i],), nothing, lambda: [*kept]


@program()
def written_before_a_singular_matrix() -> Any:
    total = torch.zeros(2, 2)

    def f(a: Any) -> Any:
        total.add_(a)
        try:
            found = torch.linalg.inv(a)
        except torch.linalg.LinAlgError:
            found = a * 100
        total.mul_(2)
        return found

    return f, lambda i: (torch.eye(2) * (0 if i == 5 else i + 1),), nothing, lambda: [total]


@program()
def large_arrays_written_before_an_index_that_fails() -> Any:
    total, table = torch.zeros(1 << 16), torch.arange(4.0)

    def f(x: Any, i: Any) -> Any:
        y = (x * 2).exp()
        try:
            found = table[i]
        except IndexError:
            found = table * 100
        total.add_(y)
        return found, (y + total).sum()

    return f, lambda i: (torch.full((1 << 16,), 0.1), torch.tensor([9 if i in (4, 6) else 1])), nothing, lambda: [total]


# ---------------------------------------------------------------- custom functions


class Cube(torch.autograd.Function):
    factor = 3.0

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return Cube.factor * x * x * g


@program()
def custom_function() -> Any:
    w = leaf(1.0, 2.0)

    def step() -> None:
        Cube.apply(w).sum().backward()

    def change(i: int) -> None:
        Cube.factor = 3.0 if i < 6 else 30.0

    return step, no_arguments, change, lambda: [w.grad]


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    factory, replayed = PROGRAMS[name]
    base.check(factory, replayed)


@pytest.mark.parametrize("function, why", [
    (lambda x: print(x), r"calls print\(\) \(test_changing_programs.py:[0-9]+\)"),
    (lambda x: x + np.random.rand(), r"reads random \(test_changing_programs.py:[0-9]+\)"),
    (lambda x: pytest.approx(x), r"uses the module pytest"),
    (lambda x: x * 2 if x.grad_fn is None else x, r"reads grad_fn"),
    (lambda x: x + float(x.numpy()[0]), r"handed to NumPy \(test_changing_programs.py:[0-9]+\)"),
])
def test_a_refusal_names_the_line(function, why):
    with pytest.warns(UserWarning, match=why):
        compile(function)(torch.ones(1))
