"""What containers hold is compared by the machine, as words of memory: nothing is missed, and nothing captured anew for
changes that are none.

A dict counts its changes, a list's items lie where it says; both are facts of CPython that are probed when the compiler
is imported. Each program changes what it reads between calls and is run as written beside it.
"""
from __future__ import annotations

import collections
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile
from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.contents import Watched


class Layer:
    def __init__(self, weight: Any, bias: Any) -> None:
        self.weight, self.bias = weight, bias

    def __call__(self, x: Any) -> Any:
        return x * self.weight + self.bias


class Net:
    gain = 2.0

    def __init__(self, layers: list[Layer]) -> None:
        self.layers, self.options, self.training = layers, {"shift": 1.0, "tags": ["a"]}, True

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x * self.gain + self.options["shift"] * len(self.options["tags"]) + (0 if self.training else 100)


def net() -> Net:
    return Net([Layer(torch.tensor([0.5 + i, 1.0]), 0.25 * i) for i in range(3)])


def _other_dict(n: Net) -> None:
    n.__dict__ = {**vars(n), "gain": 5.0}


def _item_at_the_same_address(n: Net) -> None:
    """A float in a list is replaced by another, which may lie where the first one lay."""
    for i in range(50):
        n.options["tags"] = [float(i)] * (i % 3)
        n.layers[0].bias = float(i) * 1.5


CHANGES: dict[str, Callable[[Net], Any]] = {
    "an_attribute": lambda n: setattr(n, "gain", 3.0),
    "an_attribute_of_the_class": lambda n: setattr(Net, "gain", 4.0),
    "an_attribute_of_an_item": lambda n: setattr(n.layers[1], "bias", 9.0),
    "an_item": lambda n: n.layers.__setitem__(1, Layer(torch.ones(2), 7.0)),
    "the_order": lambda n: n.layers.reverse(),
    "one_more": lambda n: n.layers.append(Layer(torch.ones(2), 1.0)),
    "many_more": lambda n: n.layers.extend(Layer(torch.ones(2), 1.0) for _ in range(100)),
    "one_less": lambda n: n.layers.pop(),
    "none_left": lambda n: n.layers.clear(),
    "the_list": lambda n: setattr(n, "layers", n.layers[:1]),
    "a_key": lambda n: n.options.update(shift=2.0),
    "a_key_more": lambda n: n.options["tags"].append("b"),
    "a_key_gone": lambda n: n.options.pop("shift"),
    "the_dict": lambda n: setattr(n, "options", {"shift": 3.0, "tags": []}),
    "a_list_in_a_dict": lambda n: n.options["tags"].clear(),
    "a_flag": lambda n: setattr(n, "training", False),
    "a_flag_by_another_value": lambda n: setattr(n, "training", 0),
    "its_dict": _other_dict,
    "a_weight": lambda n: setattr(n.layers[0], "weight", torch.tensor([7.0, 7.0])),
    "a_weight_in_place": lambda n: n.layers[0].weight.mul_(3),
    "an_attribute_gone": lambda n: delattr(n.layers[2], "bias"),
    "a_method_of_its_own": lambda n: setattr(Layer, "__call__", lambda self, x: x - 1),
    "again_and_again": _item_at_the_same_address,
}
NO_CHANGES: dict[str, Callable[[Net], Any]] = {
    "the_same_value": lambda n: setattr(n, "training", True),
    "there_and_back": lambda n: (n.layers.append(n.layers[0]), n.layers.pop()),
    "an_equal_number": lambda n: n.options.update(shift=float("1.0")),
    "an_equal_list": lambda n: n.options.update(tags=["a"]),
    "off_and_on": lambda n: (setattr(n, "training", False), setattr(n, "training", True)),
    "a_key_that_was_there": lambda n: n.options.setdefault("shift", 5.0),
}


def answers(f: Any, count: int = 4) -> list[Any]:
    found = []
    for _ in range(count):
        try:
            found.append(f(torch.ones(2)).tolist())
        except (AttributeError, KeyError) as error:
            found.append(repr(error))
    return found


def run(change: Callable[[Net], Any], wrap: Any, times: int = 1) -> tuple[list[Any], Any]:
    kept = Net.gain, Layer.__call__
    n = net()
    f = wrap(lambda x: n(x))
    try:
        found = answers(f)
        for _ in range(times):
            change(n)
            gc.collect()
            found += answers(f)
    finally:
        Net.gain, Layer.__call__ = kept  # type: ignore[method-assign]
    return found, f


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(change, times):
    if times > 1 and change in ("none_left", "a_key_gone", "an_attribute_gone"):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, _ = run(CHANGES[change], lambda f: f, times)
        found, f = run(CHANGES[change], compile, times)
    assert found == expected, f.explain()
    assert f.replays > 1, f.explain()


@pytest.mark.parametrize("change", NO_CHANGES)
def test_no_change_is_no_reason_to_capture(change):
    found, f = run(NO_CHANGES[change], compile, 5)
    assert len({*map(tuple, found)}) == 1 and f.captures == 2, f.explain()


def test_a_call_over_objects_is_native():
    n = net()
    f = compile(lambda x: n(x))
    answers(f)
    assert f._ways and not f.tape.reach.without_words


def test_this_python_is_known():
    class Probe:
        pass

    table, probe, several = {"a": 1}, Probe(), [1.5, "a"]
    probe.a = 1  # type: ignore[attr-defined]

    def words():
        return memory_words.table(table) + memory_words.attributed(probe, vars(probe)) + (
            memory_words.items(several, several))

    assert memory_words.hold(words())
    for change in (lambda: table.update(a=2), lambda: setattr(probe, "a", 2), lambda: several.append(1)):
        before = words()
        change()
        assert not memory_words.hold(before)


class Attributes:
    def __init__(self):
        self.a, self.b = 1.5, 2.5


TABLES: dict[str, Callable[[], dict[Any, Any]]] = {
    "names": lambda: {"a": 1.5, "b": 2.5}, "keys of any kind": lambda: {"a": 1.5, "b": 2.5, 3: 4},
    "attributes": lambda: vars(Attributes()), "a hole": lambda: (d := {"x": 1, "a": 1.5, "b": 2.5}, d.pop("x"))[0],
    "attributes less one": lambda: vars((one := Attributes(), setattr(one, "x", 1), delattr(one, "x"))[0]),
    "many": lambda: {"a": 1.5, **{str(i): i for i in range(1000)}},
    "grown": lambda: {"a": 1, **dict.fromkeys("bcdefg")},
}
TABLE_CHANGES: dict[str, Callable[[dict[Any, Any]], Any]] = {
    "another value": lambda d: d.update(a=2.5), "a key more": lambda d: d.update(z=1),
    "a key less": lambda d: d.pop("a"),
    "another key": lambda d: d.update(z=d.pop("a")), "nothing": lambda d: d.clear(),
    "the same in another order": lambda d: d.update(a=d.pop("a")),
    "a growing one": lambda d: d.update({i: i for i in range(99)}),
    "all anew, under other names": lambda d: (held := [*d.values()], d.clear(), d.update(
        (f"_{i}", v) for i, v in enumerate(held))),
    "a key of another kind": lambda d: d.update({3.5: 1}),
}


@pytest.mark.parametrize("change", TABLE_CHANGES)
@pytest.mark.parametrize("make", TABLES)
@pytest.mark.parametrize("way", ["table", "_entries"])
def test_every_change_of_a_dict_is_seen(make, change, way):
    if way == "_entries" and not memory_words._ENTRIES:
        return
    table = TABLES[make]()
    held = [*table, *table.values()]  # whose addresses are not used again
    words = getattr(memory_words, way)(table)
    assert words is not None and memory_words.hold(words) and held
    TABLE_CHANGES[change](table)
    assert not memory_words.hold(words)


@pytest.mark.parametrize("change", [change for change in TABLE_CHANGES if change != "another value"])
@pytest.mark.parametrize("make", TABLES)
def test_every_change_is_seen_but_of_the_value_that_is_left_out(make, change):
    table = TABLES[make]()
    words = memory_words.table(table, [[*table].index("a")])
    assert (words is None) is not memory_words._ENTRIES
    if words is not None:
        held = [*table, *table.values()]  # whose addresses are not used again
        table["a"] = "another"
        assert memory_words.hold(words) and held
        TABLE_CHANGES[change](table)
        assert not memory_words.hold(words)


EMPTY: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "an OrderedDict": (collections.OrderedDict, lambda d: d.update(a=1), lambda d: d.popitem()),
    "a defaultdict": (lambda: collections.defaultdict(list), lambda d: d["a"], lambda d: d.clear()),
    "a defaultdict's factory": (lambda: collections.defaultdict(int), lambda d: setattr(d, "default_factory", list),
                                lambda d: setattr(d, "default_factory", int)),
    "a set": (set, lambda s: s.add(1), lambda s: s.discard(1)),
    "a set's class": (set, lambda s: s.update("ab"), lambda s: s.clear()),
    "an OrderedDict's attributes": (collections.OrderedDict, lambda d: setattr(d, "a", 1), lambda d: delattr(d, "a")),
}


@pytest.mark.parametrize("name", EMPTY)
def test_what_is_empty_is_watched_without_python(name):
    make, change, undo = EMPTY[name]
    held = make()
    watched = Watched(held)
    words = watched.words()
    assert words is not None and memory_words.hold(words) and watched.unchanged()
    change(held)
    assert not memory_words.hold(words) and not watched.unchanged()
    undo(held)
    again = Watched(held).words()
    assert again is not None and memory_words.hold(again)


@pytest.mark.parametrize("name", EMPTY)
def test_a_call_sees_what_was_empty(name):
    make, change, undo = EMPTY[name]
    held = make()
    f = compile(lambda x: x * (2 + len(held)))
    for step in (len, change, undo, change):
        step(held)
        assert answers(f) == [[2.0 + len(held)] * 2] * 4
    assert f.replays, f.explain()


# ---------------------------------------------------------------- captured in vain

VARYING: dict[str, tuple[Callable[[int], Callable[[Any], Any]], str]] = {}


def varying(said: str) -> Any:
    def add(make: Any) -> Any:
        VARYING[make.__name__] = make, said
        return make
    return add


@varying("rate: 0.2, then 0.16666666666666666")
def an_argument() -> Any:
    f = compile(lambda x, rate: x * float(rate))
    return f, lambda i: f(torch.ones(2), 1 / (i + 1))


@varying("rate: 0.2, then 0.16666666666666666")
def a_keyword() -> Any:
    f = compile(lambda x, rate=1.0: x * float(rate))
    return f, lambda i: f(torch.ones(2), rate=1 / (i + 1))


@varying("options['rate'][0]: 4, then 5")
def inside_an_argument() -> Any:
    f = compile(lambda x, options: x * int(options["rate"][0]))
    return f, lambda i: f(torch.ones(2), {"rate": [i]})


@varying("Layer.bias: 4, then 5")
def an_attribute() -> Any:
    layer = Layer(torch.ones(2), 0)
    f = compile(lambda x: layer(x))

    def call(i):
        layer.bias = i
        f(torch.ones(2))

    return f, call


@varying("x: f32[5], then f32[6]")
def a_shape() -> Any:
    f = compile(lambda x: x * 2)
    return f, lambda i: f(torch.ones(i + 1))


@pytest.mark.parametrize("name", VARYING)
def test_captures_in_vain_are_said_so(name):
    make, said = VARYING[name]
    f, call = make()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(6):
            call(i)
    assert [str(w.message).split(": ", 1)[1] for w in caught] == [said]
    assert caught[0].filename == __file__ and said in f.explain()


# ---------------------------------------------------------------- arguments that the function also reads by name

HELD: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "a_variable": lambda t: lambda a: (a * 2 + t).tolist(),
    "only_a_condition": lambda t: lambda a: (a * 2).tolist() if t.dim() else None,
    "in_a_list": lambda t: (lambda several: lambda a: (a * 2 + several[0]).tolist())([t]),
    "an_attribute": lambda t: (lambda layer: lambda a: layer(a).tolist())(Layer(t, 1.0)),
    "written_to": lambda t: lambda a: (a.add_(1).tolist(), t.tolist()),
    "returned": lambda t: lambda a: (a * 1, (a * t).sum()),
}


@pytest.mark.parametrize("first", ["it", "another"])
@pytest.mark.parametrize("name", HELD)
def test_an_argument_is_what_is_passed(name, first):
    def run(wrap: Any) -> Any:
        t = torch.tensor([1.0, 2.0])
        f, found = wrap(HELD[name](t)), []
        for i in range(18):
            passed = t if (i // 6 % 2 == 0) == (first == "it") else torch.tensor([5.0 + i, 7.0])
            y = f(passed)
            found.append([v.tolist() if isinstance(v, torch.Tensor) else v for v in y])
        return found, f

    found, f = run(compile)
    assert found == run(lambda f: f)[0], f.explain()


def test_data_that_comes_back_to_where_it_lay_is_another_storage():
    def run(wrap: Any) -> Any:
        w, found = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True), []

        def step(a):
            with torch.no_grad():
                w.sub_(a)

        f = wrap(step)
        for i in range(8):
            a = torch.ones(3, dtype=torch.float64)
            if i > 4:  # the second may lie where the first storage did, which nobody holds any more
                w.data = torch.tensor([2.0, 1.0, 1.0], dtype=torch.float64)
                w.data = torch.tensor([3.0, 1.0, i], dtype=torch.float64)
            f(a)
            found.append((w._version, w.tolist()))
        return found

    assert run(compile) == run(lambda f: f)
