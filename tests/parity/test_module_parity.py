"""Modules, what they hold and what they say, beside PyTorch."""
from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict

import pytest
from both import outcome, programs, refusal

import tapegrad

torch = pytest.importorskip("torch")


def net(t):
    t.manual_seed(0)
    nn = t.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(4, 3)
            self.register_buffer("shift", t.ones(3))
            self.register_buffer("scratch", t.zeros(2), persistent=False)
            self.scale = nn.Parameter(t.full((3,), 2.0))
            self.register_parameter("absent", None)
            self.last = nn.Sequential(nn.Linear(3, 2), nn.Identity())

        def forward(self, x):
            return self.last(self.first(x) * self.scale + self.shift)

    return Block()


def names_of_what_it_holds(t, x, w):
    m = net(t)
    return ([n for n, _ in m.named_parameters()], [n for n, _ in m.named_buffers()], [n for n, _ in m.named_modules()],
            [n for n, _ in m.named_children()], [n for n, _ in m.named_parameters(prefix="p", recurse=False)],
            len(list(m.parameters())), len(list(m.buffers())), repr(m), list(m.state_dict()),
            sorted(n for n in dir(m) if n in ("first", "shift", "scale", "last")))


def forward_and_gradients(t, x, w):
    m = net(t)
    y = m(x)
    y.sum().backward()
    return y, [p.grad for p in m.parameters()], x.grad


def shared_parameters_come_once(t, x, w):
    a, b = t.nn.Linear(2, 2), t.nn.Linear(2, 2)
    b.weight = a.weight
    m = t.nn.Sequential(a, b, a)
    return ([n for n, _ in m.named_parameters()], [n for n, _ in m.named_parameters(remove_duplicate=False)],
            [n for n, _ in m.named_modules()], [n for n, _ in m.named_modules(remove_duplicate=False)],
            [n for n, _ in m.named_children()], list(m.state_dict()))


def bad_registrations(t, x, w):
    m = net(t)
    nn = t.nn

    class Late(nn.Module):
        def __init__(self, value):
            self.it = value

    def register(*args, **kwargs):
        return refusal(lambda: m.register_buffer(*args, **kwargs))

    return ([register(1, None), register("a.b", None), register("", None), register("forward", None),
             register("first", None), register("shift", t.zeros(3)), register("b", 3)],
            [refusal(lambda n=n, p=p: m.register_parameter(n, p)) for n, p in (
                (1, None), ("a.b", None), ("", None), ("shift", None), ("p", t.ones(2)), ("scale", None))],
            refusal(lambda: m.register_parameter("q", x * 2)),
            [refusal(lambda n=n, c=c: m.add_module(n, c)) for n, c in (
                (1, None), ("a.b", None), ("", None), ("shift", None), ("m", 3), ("last", None))],
            [refusal(lambda v=v: Late(v)) for v in (nn.Parameter(t.ones(1)), nn.Identity())],
            refusal(lambda: setattr(m, "first", 3)), refusal(lambda: setattr(m, "scale", t.ones(3))),
            refusal(lambda: setattr(m, "shift", "text")), refusal(lambda: m.nothing), refusal(lambda: delattr(m,
                                                                                                              "zip")),
            refusal(lambda: nn.Module(3)), refusal(lambda: nn.Module(a=3)), refusal(lambda: nn.Module()(3)))


def attributes_change_what_they_are(t, x, w):
    m = net(t)
    m.plain = 3
    m.plain = t.nn.Parameter(t.ones(1))
    m.first = None
    m.shift = None
    m.later = t.nn.Buffer(t.ones(2), persistent=False)
    m.later = t.zeros(3)
    m.other = t.ones(2)
    del m.last, m.scratch
    return ([n for n, _ in m.named_parameters()], [n for n, _ in m.named_buffers()], sorted(m.state_dict()),
            "other" in vars(m), "plain" in vars(m), m.first, repr(m), m.later)


def a_module_with_its_own_register_buffer(t, x, w):
    class Old(t.nn.Module):
        def register_buffer(self, name, tensor):
            super().register_buffer(name, tensor)

    m = Old()
    m.b = t.nn.Buffer(t.ones(1))
    return sorted(m.state_dict()), refusal(lambda: setattr(m, "c", t.nn.Buffer(t.ones(1), persistent=False)))


def loading(t, x, w):
    m, other = net(t), net(t)
    state = {k: v + 1 for k, v in m.state_dict().items()}
    said = repr(other.load_state_dict(state))
    half = dict(list(state.items())[:2])
    more = {**state, "more": t.ones(1), "first.more": t.ones(1), "nowhere.x": t.ones(1)}
    keys = other.load_state_dict(half, strict=False)
    return (said, other.state_dict(), refusal(lambda: other.load_state_dict(half)),
            refusal(lambda: other.load_state_dict(more)), refusal(lambda: repr(other.load_state_dict(more,
                                                                                                     strict=False))),
            keys, refusal(lambda: other.load_state_dict({**state, "scale": t.ones(5), "shift": t.ones(1, 3)})),
            refusal(lambda: other.load_state_dict([1])), refusal(lambda: other.load_state_dict({**state, "scale": 3})),
            refusal(lambda: other.load_state_dict({**state, "scale": t.ones(5)}, strict=False)))


def loading_by_assignment(t, x, w):
    m = net(t)
    state = {k: v.double() for k, v in m.state_dict().items()}
    state["scale"] = t.nn.Parameter(state["scale"], requires_grad=False)
    m.scale.requires_grad_(True)
    m.load_state_dict(state, assign=True)
    taken = m.scale is state["scale"], m.shift is state["shift"]
    return [str(p.dtype) for p in m.parameters()], m.scale.requires_grad, taken


def numbers_saved_with_one_axis(t, x, w):
    m = t.nn.Module()
    m.p = t.nn.Parameter(t.tensor(1.0))
    m.load_state_dict({"p": t.tensor([3.0])})
    return m.p


def prefixes_and_versions(t, x, w):
    m = net(t)
    state = m.state_dict(prefix="a.")
    into = OrderedDict()
    m.last.state_dict(destination=into, prefix="z.", keep_vars=True)
    return list(state), dict(state._metadata), list(into), [v.requires_grad for v in into.values()]


def hooks_on_states(t, x, w):
    seen = []
    m = net(t)
    m.register_state_dict_pre_hook(lambda module, prefix, keep: seen.append(("pre", prefix, keep)))
    m.register_state_dict_post_hook(lambda module, state, prefix, meta: seen.append(("post", list(state), prefix,
                                                                                     dict(meta))))
    m.last._register_state_dict_hook(lambda module, state, prefix, meta: state.pop("last.0.bias") and None)
    m.register_load_state_dict_pre_hook(lambda module, state, prefix, meta, strict, missing, unexpected, errors:
                                        seen.append((type(module).__name__, len(state), prefix, strict)))
    state = m.state_dict()
    other = copy.deepcopy(m)
    h = other.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    said = repr(other.load_state_dict(state))
    h.remove()
    bad = m.register_state_dict_post_hook(lambda *a: 3)
    refused = refusal(m.state_dict)
    bad.remove()
    other.register_load_state_dict_post_hook(lambda module, keys: 3)
    return seen, said, refused, refusal(lambda: other.load_state_dict(state, strict=False)), list(m.state_dict())


def extra_state(t, x, w):
    class Counter(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.n = 0

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    a, b = t.nn.Sequential(Counter()), t.nn.Sequential(Counter())
    a[0].n = 7
    b.load_state_dict(a.state_dict())
    return (b[0].n, dict(a.state_dict()), refusal(lambda: b.load_state_dict({})),
            refusal(lambda: t.nn.Sequential(t.nn.Identity()).load_state_dict(a.state_dict())))


def hooks_in_order(t, x, w):
    seen = []
    m = t.nn.Sequential(t.nn.Linear(4, 2))
    t.manual_seed(1)
    m[0].reset_parameters()
    m.register_forward_pre_hook(lambda mod, args: seen.append(("pre", args)))
    m.register_forward_pre_hook(lambda mod, args, kwargs: seen.append(("kw", args, kwargs)) or (args, kwargs),
                                with_kwargs=True)
    m.register_forward_pre_hook(lambda mod, args: args[0] * 2, prepend=True)
    m.register_forward_hook(lambda mod, args, out: seen.append(("out", out)) or out + 1)
    m.register_forward_hook(lambda mod, args, kwargs, out: seen.append(("first", out)), with_kwargs=True, prepend=True)
    h = m.register_full_backward_pre_hook(lambda mod, g: seen.append(("back pre", g)) or (g[0] * 3,))
    m.register_full_backward_hook(lambda mod, gi, go: seen.append(("back", gi, go)) or (gi[0] + 1,))
    y = m(x)
    y.sum().backward()
    h.remove()
    m(x).sum().backward()
    return seen, y, x.grad, y.grad_fn.name(), m[0].weight.grad


def backward_hooks_without_gradients(t, x, w):
    seen = []
    m = t.nn.Linear(4, 2)
    t.manual_seed(1)
    m.reset_parameters()
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    m(x.detach()).sum().backward()
    with t.no_grad():
        m(x)
    m.register_full_backward_hook(lambda mod, gi, go: (t.ones(4),))
    y = m(x.detach()).sum()
    return seen, refusal(y.backward)


def backward_hooks_of_several_tensors(t, x, w):
    seen = []

    class Two(t.nn.Module):
        def forward(self, a, n, b, c):
            return a * b, n, a + c

    m = Two()
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    a, n, c = m(x, 5, x.detach(), x * 2)
    a.sum().backward(retain_graph=True)
    (a + c).sum().backward()
    bad = Two()
    bad.register_full_backward_hook(lambda mod, gi, go: (gi[0],))
    worse = Two()
    worse.register_full_backward_pre_hook(lambda mod, go: (go[0],))
    return (seen, x.grad, n, refusal(lambda: bad(x, 5, x, x)[0].sum().backward()),
            refusal(lambda: worse(x, 5, x, x)[0].sum().backward()))


def old_backward_hooks(t, x, w):
    seen = []

    class Sigmoid(t.nn.Module):
        def forward(self, x):
            return x.sigmoid()

    m = Sigmoid()
    m.register_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    m(x).sum().backward()
    full = t.nn.Identity()
    full.register_full_backward_hook(lambda *a: None)
    return (seen, refusal(lambda: m.register_full_backward_hook(print)),
            refusal(lambda: full.register_backward_hook(print)))


def bad_forward_hooks(t, x, w):
    m = t.nn.Identity()
    m.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
    always = t.nn.Module()
    seen = []
    always.register_forward_hook(lambda mod, args, out: seen.append(out), always_call=True)
    always.register_forward_hook(lambda mod, args, out: 1 / 0, always_call=True)
    return refusal(lambda: m(x)), refusal(lambda: always(x)), seen


def hooks_everywhere(t, x, w):
    seen = []
    from_module = t.nn.modules.module
    handles = [
        from_module.register_module_forward_pre_hook(lambda m, args: seen.append((type(m).__name__, "pre"))),
        from_module.register_module_forward_hook(lambda m, args, out: seen.append((type(m).__name__, "after"))),
        from_module.register_module_full_backward_hook(lambda m, gi, go: seen.append((type(m).__name__, "back"))),
        from_module.register_module_full_backward_pre_hook(lambda m, go: seen.append((type(m).__name__, "back pre"))),
        from_module.register_module_parameter_registration_hook(lambda m, n, p: seen.append(("parameter", n))),
        from_module.register_module_buffer_registration_hook(lambda m, n, p: seen.append(("buffer", n))),
        from_module.register_module_module_registration_hook(lambda m, n, p: seen.append(("module", n))),
    ]
    try:
        m = net(t)
        m(x).sum().backward()
    finally:
        for h in handles:
            h.remove()
    before = len(seen)
    net(t)(x)
    return seen, len(seen) == before


def conversions(t, x, w):
    m = net(t)
    m.register_buffer("count", t.tensor(3))
    m(x).sum().backward()
    before = [id(p) for p in m.parameters()]
    m.double()
    dtypes = [str(p.dtype) for p in (*m.parameters(), *m.buffers())], str(m.scale.grad.dtype)
    same = before == [id(p) for p in m.parameters()]
    y = m(x.double())
    m.to(t.float32).to("cpu").to(device="cpu", dtype=t.float64).to(x).cpu().float()
    return (dtypes, same, y, str(m.count.dtype), refusal(lambda: m.to(t.int64)), refusal(m.cuda)[0],
            refusal(lambda: m.to("cuda"))[0], m.to(x) is m,
            [str(p.dtype) for p in m.parameters()], str(m.type(t.float64).scale.dtype))


def modes(t, x, w):
    m = net(t)
    a = m.training, m.last[0].training
    b = m.eval() is m, m.training, m.last[0].training
    m.last.train()
    c = m.training, m.last[1].training, m.first.training
    m.requires_grad_(False)
    d = [p.requires_grad for p in m.parameters()]
    m.requires_grad_()
    m(x).sum().backward()
    m.zero_grad(set_to_none=False)
    e = m.scale.grad
    m.zero_grad()
    return a, b, c, d, e, m.scale.grad, refusal(lambda: m.train(3))


def applied(t, x, w):
    seen = []
    m = net(t)
    return m.apply(lambda mod: seen.append(type(mod).__name__)) is m, seen


def by_dotted_names(t, x, w):
    m = net(t)
    m.set_submodule("last.1", t.nn.Linear(2, 2))
    return (repr(m.get_submodule("last.0")), m.get_submodule("") is m, m.get_parameter("last.0.weight"),
            m.get_buffer("shift"), repr(m.last),
            [refusal(lambda n=n: m.get_submodule(n)) for n in ("last.7", "nothing", "scale")],
            [refusal(lambda n=n: m.get_parameter(n)) for n in ("last.0.none", "shift", "absent")],
            [refusal(lambda n=n: m.get_buffer(n)) for n in ("none", "scale")],
            refusal(lambda: m.set_submodule("", t.nn.Identity())), refusal(lambda: m.set_submodule("scale",
                                                                                                   t.nn.Identity())),
            refusal(lambda: m.set_submodule("new", t.nn.Identity(), strict=True)))


def copies(t, x, w):
    m = net(t)
    m(x).sum().backward()
    b = copy.deepcopy(m)
    shallow = copy.copy(m)
    with t.no_grad():
        b.scale.add_(1)
    tied = t.nn.Sequential(m.first, m.first)
    again = copy.deepcopy(tied)
    linear = pickle.loads(pickle.dumps(m.first))
    return (m.scale, b.scale, b.scale.grad, type(b.scale).__name__, b(x), shallow.scale is m.scale,
            again[0] is again[1],
            linear.weight, linear.training, repr(linear), isinstance(linear.weight, t.nn.Parameter))


def sequences(t, x, w):
    nn = t.nn
    m = nn.Sequential(OrderedDict([("a", nn.Linear(4, 2)), ("b", nn.Identity()), ("c", nn.Linear(2, 1))]))
    n = nn.Sequential(nn.Linear(2, 2), nn.Identity(), nn.Flatten())
    sliced = repr(m[1:]), repr(m[-1]), repr(n[:2]), len(m), repr(m.b), repr(n[::2])
    n.append(nn.Linear(2, 3)).extend([nn.Identity()])
    n.insert(1, nn.Flatten(0))
    popped = repr(n.pop(0))
    del n[0]
    n[0] = nn.Linear(5, 5)
    both = repr(n + nn.Sequential(nn.Flatten())), repr(nn.Sequential(nn.Identity()) * 2),
    repr(2 * nn.Sequential(nn.Flatten()))
    n += nn.Sequential(nn.Identity())
    n *= 2
    del n[1:3]
    return (sliced, popped, both, repr(n), [type(k).__name__ for k in n], refusal(lambda: n[20]),
            refusal(lambda: n + 3),
            refusal(lambda: n * 0), refusal(lambda: n * "a"), refusal(lambda: n.insert(50, nn.Identity())),
            refusal(lambda: n.insert(0, 3)), refusal(lambda: nn.Sequential(3)), list(n.state_dict()), "0" in dir(n))


def lists(t, x, w):
    nn = t.nn
    m = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    shown = repr(m)
    m.append(nn.Identity()).extend(nn.Identity() for _ in range(2))
    m.insert(1, nn.Sequential(nn.Flatten(), nn.Flatten()))
    m += [nn.Flatten()]
    popped = repr(m.pop(-1))
    m[0] = nn.Identity()
    del m[2:4]
    return (shown, repr(m), popped, len(m), repr(m[1:3]), repr(m[-1]), repr(m + nn.ModuleList([nn.Identity()])),
            refusal(lambda: m[9]),
            refusal(lambda: m.extend(3)), refusal(lambda: m(x)), repr(nn.ModuleList()), list(m.state_dict()),
            [n for n, _ in m.named_children()], refusal(lambda: nn.ModuleList([3])))


def dicts(t, x, w):
    nn = t.nn
    m = nn.ModuleDict({"b": nn.Linear(2, 2), "a": nn.Identity()})
    m["c"] = nn.Flatten()
    m.update([["d", nn.Identity()]])
    m.update({"b": nn.Identity()})
    popped = repr(m.pop("a"))
    del m["d"]
    return (repr(m), popped, list(m), list(m.keys()), [k for k, _ in m.items()], len(m), "b" in m, "z" in m,
            repr(m["c"]),
            refusal(lambda: m["zz"]), refusal(lambda: m.update(3)), refusal(lambda: m.update([3])),
            refusal(lambda: m.update([[1, 2, 3]])), refusal(lambda: m.__setitem__("x", 3)), refusal(lambda: m(x)),
            refusal(lambda: nn.ModuleDict({"keys": nn.Identity()})), m.clear(), repr(m))


def parameter_lists(t, x, w):
    nn = t.nn
    m = nn.ParameterList([t.ones(2), nn.Parameter(t.zeros(1, 2)), 3])
    m.append(t.ones(1)).extend([t.zeros(1)])
    m[0] = t.full((2,), 5.0)
    return (repr(m), [n for n, _ in m.named_parameters()], len(m), m[0], m[-1], repr(m[1:3]), m[2],
            refusal(lambda: m[9]),
            refusal(lambda: m.extend(t.ones(2))), refusal(lambda: m(x)), list(m.state_dict()), len(list(iter(m))))


def parameter_dicts(t, x, w):
    nn = t.nn
    m = nn.ParameterDict({"b": t.ones(2), "a": nn.Parameter(t.zeros(1))})
    m["n"] = 3
    m.update({"c": t.ones(1)})
    got = m.get("a"), m.get("zz", 7), m.setdefault("q", t.ones(1)), m.setdefault("a")
    popped = m.pop("b"), m.popitem()
    other = m.copy() | nn.ParameterDict({"z": t.ones(1)})
    return (repr(m), got, popped, list(m), list(other), list(reversed(m)), "a" in m, len(m), [k for k, _ in m.items()],
            refusal(lambda: m["none"]), refusal(lambda: m.update(3)), refusal(lambda: m(x)),
            list(m.fromkeys(["u", "v"])), [n for n, _ in m.named_parameters()], m.clear(), len(m))


def parameters_themselves(t, x, w):
    nn = t.nn
    p = nn.Parameter(t.ones(2))
    frozen = nn.Parameter(t.tensor([1, 2]), requires_grad=False)

    class Mine(t.Tensor):
        pass

    mine = nn.Parameter(t.ones(2).as_subclass(Mine))
    b = nn.Buffer(t.ones(1))
    return (repr(p), repr(frozen), repr(nn.Parameter()), refusal(lambda: nn.Parameter(t.tensor([1]))), p.is_leaf,
            type(p * 2) is t.Tensor, type(p.data) is t.Tensor, type(copy.deepcopy(p)) is nn.Parameter,
            isinstance(mine, nn.Parameter), type(mine).__name__, isinstance(t.ones(1), nn.Parameter),
            isinstance(b, nn.Buffer), isinstance(t.ones(1), nn.Buffer), b.persistent,
            refusal(lambda: nn.Buffer(x).requires_grad),
            isinstance(p, t.Tensor), nn.Parameter(x).is_leaf)


def lazy_parameters(t, x, w):
    nn = t.nn
    p = nn.parameter.UninitializedParameter()
    buf = nn.parameter.UninitializedBuffer()
    said = (repr(p), repr(buf), nn.parameter.is_lazy(p), refusal(lambda: p.shape),
            [refusal(lambda f=f: f(p))[0] for f in (lambda p: p.sum(), lambda p: p + 1, lambda p: t.sin(p))],
            p.requires_grad, str(p.dtype), repr(copy.deepcopy(p)))
    p.materialize((2, 3))
    buf.materialize((1,), dtype=t.float64)
    return said, list(p.shape), type(p).__name__, p.requires_grad, str(buf.dtype), nn.parameter.is_lazy(p)


def lazy_modules(t, x, w):
    t.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = t.nn.Sequential(t.nn.LazyLinear(3), t.nn.LazyLinear(2, bias=False))
        other = copy.deepcopy(m)
        early = repr(m), refusal(lambda: sum(p.numel() for p in m.parameters()))[0], list(m.state_dict())
    m.double().float()
    y = m(x)
    other.load_state_dict(m.state_dict())
    return early, y, repr(m), other(x), repr(other), [p.requires_grad for p in m.parameters()]


PROGRAMS = programs(globals())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_same(program):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, theirs = outcome(program, tapegrad), outcome(program, torch)
    assert mine == theirs
