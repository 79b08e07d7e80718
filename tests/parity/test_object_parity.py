"""A tensor as a Python object, run by both: number, container, string, copies, pickles, subclasses, attributes."""
from __future__ import annotations

import copy
import gc
import math
import operator
import pickle
import warnings
import weakref

import pytest
from both import plain, refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402


def again(x):
    return pickle.loads(pickle.dumps(x))


def lies(x):
    return x.tolist(), x.stride(), x.storage_offset(), x.requires_grad, x.is_leaf, x._base is None


def seen(x):
    """What of an object both libraries share, for `refusal`."""
    return lies(x) if hasattr(x, "stride") else repr(x) if isinstance(x, tuple) and type(x) is not tuple else x


class Case:
    """Expressions of `t` (a library), `x` (floats), `i` (whole numbers), `b` (bools), `r` (a leaf), `y` (no leaf)."""

    def __init__(self, text):
        self.text = text

    def __call__(self, t):
        r = t.tensor([1.0, 2.0, 3.0], requires_grad=True)
        names = {
            "t": t, "x": t.tensor([1.0, 2.0, 3.0]), "i": t.tensor([1, 2, 3]), "b": t.tensor([True, False]), "r": r,
            "y": r * 2, "one": t.tensor(2.5), "m": t.arange(6.0).reshape(2, 3), "copy": copy, "again": again,
            "lies": lies, "math": math, "operator": operator, "pickle": pickle,
        }
        return seen(eval(self.text, names))


TEXT = """
    bool(one) bool(x) bool(x[:0]) float(one) float(x) int(one) int(x) int(b[0]) complex(one) complex(x)
    one.__index__() operator.index(i[1]) operator.index(i) operator.index(b[0]) hex(i[1]) [1,2,3][i[0]] [1,2,3][one]
    [0]*i[1] range(i[2]) math.sqrt(one) math.floor(one) math.trunc(one) round(one) divmod(one,2) abs(-i) +b -b ~b ~i
    ~x x&1 i&1 1|i i^3 i<<1 2<<i i>>1 x//2 7//x 7%x x@2 x+None x+"a" x<"a" x=="a" (x==None) (x!=None) len(m)
    len(one) [v.tolist()for(v)in(m)] list(iter(one)) list(reversed(x)) 1.0(in)x 5(in)i "a"(in)x None(in)x [1.0](in)x
    sum(x) max(x) x[None].shape f"{one:.3f}" f"{i[0]:d}" f"{i[0]:>5}" f"{x}" f"{x:.2f}" "%d"%i[0] str(i) repr(r)
    repr(y) again(x) again(r) again(y) again(m.t()[1:]) again(m[1]) again(m[:,1:]) again(x[:0]) again(b) again(one)
    again(t.ones(1).expand(4)) again(t.float32)==t.float32 again(m.shape) again(t.device("cpu")).type copy.copy(x)
    copy.copy(r) copy.copy(y) copy.copy(m.t()) copy.copy(x).data_ptr()==x.data_ptr() copy.deepcopy(x)
    copy.deepcopy(r) copy.deepcopy(m.t()[1:]) copy.deepcopy(m[1]) copy.deepcopy(t.ones(1).expand(4))
    copy.deepcopy(x).data_ptr()==x.data_ptr() copy.deepcopy(t.Size([1])) copy.deepcopy(t.int64)==t.int64
    type(again(t.nn.Parameter(x))).__name__ again(t.nn.Parameter(x)) copy.deepcopy(t.nn.Parameter(x))
    repr(t.nn.Parameter(x)) t.nn.Parameter().shape t.nn.Parameter(i) t.nn.Parameter(i,requires_grad=False)
    t.nn.Parameter(y) type(t.nn.Parameter(x)+1).__name__ type(t.nn.Parameter(x).data).__name__
    type(t.nn.Parameter(x)[0]).__name__ x.T m.T m.mT m.mH m.H one.T one.mT x.mT x.H t.ones(2,3,4).H
    t.ones(2,3,4).mH.shape x.real x.imag x.is_inference() x.is_signed() t.is_signed(b) x.is_nonzero()
    one.is_nonzero() t.is_nonzero(i[0]) x.is_same_size(i) x.is_set_to(x) x.is_set_to(x[1:]) m.t().dim_order()
    x.get_device() x.grad_dtype x.is_conj() x.new([1,2]) x.new(2,3).shape i.new_tensor([1.5])
    x.apply_(lambda(v):v+1) r.apply_(abs) x.map_(x,lambda(v,w):v+w) x.type() x.type("torch.DoubleTensor")
    x.type("torch.None") i.type(t.float64) t.FloatTensor([1,2]) t.LongTensor(2,3).shape t.is_tensor(x)
    t.is_tensor(1) t.is_floating_point(i) t.is_complex(x) t.numel(m) t.can_cast(t.float64,t.int64)
    t.can_cast(t.int8,t.uint8) t.can_cast(t.int64,t.float32) t.result_type(x,1) t.result_type(i,1.0)
    t.result_type(1,2) t.result_type(1,2.0) t.result_type(i,one) t.result_type(i.to(t.int8),300)
    t.result_type(i.to(t.int8),i[0]) t.Size([1,2])*2 (3,)+t.Size([1]) t.Size([1,2])+(3,) t.Size([1,2])[:1]
    t.Size((1,"a")) t.Size() 2*t.Size([1]) i.requires_grad_() x.requires_grad_("a") y.requires_grad_(False)
    setattr(i,"requires_grad",True) setattr(y,"requires_grad",False) setattr(x,"_version",3) setattr(x,"shape",3)
    setattr(x,"grad_fn",3) setattr(x,"_base",3) setattr(x,"is_leaf",3) setattr(x,"data",3) setattr(r,"data",i)
    delattr(x,"data") setattr(x,"grad",3) setattr(x,"grad",m) setattr(x,"grad",i) x.retain_grad() y.retains_grad
    r.retains_grad x.nope t.Tensor() t.Tensor(2,3).shape t.Tensor([1,2]) t.Tensor(x) t.Tensor("a") t.Tensor(2.5)
    r.as_subclass(int) y[:1]._base(is)y y[1:][1:]._base(is)y y[1:].detach()._base m.t_() m.transpose_(0,1)
    m.unsqueeze_(0) m.unsqueeze_(0).squeeze_() m.swapaxes_(0,1) r.t_() x.as_strided_((2,),(1,),1)
    t.ones(1,3).expand(3,3).t_() y.t_()._version y.unsqueeze_(0)._version
"""
EXPRESSIONS = TEXT.split()


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions(text):
    text = text.replace("(in)", " in ").replace("(is)", " is ").replace("]for(v)in(", "] for v in (").replace(
        "()for(v)in(", "() for v in (").replace("lambda(v,w)", "lambda v, w").replace("lambda(v)", "lambda v")
    with warnings.catch_warnings(record=True) as theirs:
        warnings.simplefilter("always")
        torch.set_warn_always(True)  # not once in a process, whichever test comes first
        wanted = refusal(lambda: Case(text)(torch))
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        found = refusal(lambda: Case(text)(tapegrad))
    if isinstance(wanted, tuple) and isinstance(wanted[0], str) and wanted[0].endswith("Error"):
        assert isinstance(found, tuple) and found[0] == wanted[0], (found, wanted)
    else:
        assert repr(found) == repr(wanted)
    assert {w.category for w in ours} == {w.category for w in theirs}


def shared_by_deepcopy(t):
    x = t.arange(6.0)
    a, b, c = copy.deepcopy([x, x[2:], x])
    a[2] = 50
    return b.tolist(), b.storage_offset(), b._base is None, a is c, x.tolist()


def attributes_copied(t):
    x = t.ones(2)
    x.note = [1]
    p = t.nn.Parameter(t.ones(1))
    p.note = 1
    deep = copy.deepcopy(x)
    return deep.note, deep.note is x.note, copy.copy(x).note is x.note, again(x).note, hasattr(copy.deepcopy(p), "note")


def gradients_copied(t):
    x = t.ones(2, requires_grad=True)
    x.grad = t.zeros(2)
    deep = copy.deepcopy(x)
    return deep.grad, deep.grad is x.grad, again(x).grad


def no_leaf(t):
    return copy.deepcopy(t.ones(2, requires_grad=True) * 2)


def weak(t):
    x, z = t.ones(2), t.ones(2)
    z.self = z
    places = weakref.WeakKeyDictionary({x: 1})
    gone = weakref.ref(x), weakref.ref(z)
    del x, z
    gc.collect()
    return [w() is None for w in gone], len(places)


def hashed(t):
    x = t.ones(1)
    return {x: 1}[x], t.ones(1) in {x: 1}, len({x, x})


def taken_data(t):
    x, r = t.ones(2), t.ones(2, requires_grad=True)
    part = x[:1]
    x.data = t.zeros(3)
    r.data = t.zeros(3)
    x[0] = 5
    return part.tolist(), x.tolist(), x._version, lies(r), r._version


def taken_data_of_another_dtype(t):
    """What was computed before goes on to the tensor, but is not asked for by it."""
    found = []
    for dtype in (t.float64, t.float32):
        x = t.ones(2, dtype=t.float64, requires_grad=True)
        y = (x * 3).sum()
        x.data = t.zeros(2, dtype=dtype)
        found.append(t.autograd.grad(y, x, allow_unused=True, retain_graph=True))
        y.backward(inputs=[x], retain_graph=True)
        found.append(x.grad)
        y.backward()
        found.append((x.grad, str(x.grad.dtype)[-7:]))
    return found


def views_of_before_it_required_grad(t):
    """They require grad, and have no gradients: as an input they are unused, and no sweep starts there."""
    def made():
        x = t.ones(4)
        part = x[::2]
        return x.requires_grad_(), part

    def asked(of, **given):
        x, part = made()
        y = part * x[:2] if of == "both" else part
        return t.autograd.grad(y.sum(), [part, x], allow_unused=True, **given)

    def swept(how):
        x, part = made()
        return refusal(lambda: how(x, part)), x.grad, part.grad

    return (asked("both"), asked("part"), asked("both", create_graph=True)[1].tolist(), made()[1].requires_grad,
            swept(lambda x, part: part.backward(t.ones(2))), swept(lambda x, part: part[0].backward()),
            swept(lambda x, part: part.sum().backward(inputs=[part])),
            swept(lambda x, part: t.autograd.grad(part.sum(), part)[0]),
            swept(lambda x, part: (part * x.sum()).sum().backward()))


def data_has_no_history(t):
    y = t.ones(2, requires_grad=True) * 2
    z = y.data
    z.fill_(7)
    return y.tolist(), z.requires_grad, z._base is None


def deleted_grad(t):
    x = t.ones(2)
    x.grad = t.ones(2)
    del x.grad
    return x.grad


def generators(t):
    g = t.Generator().manual_seed(5)
    t.rand(2, generator=g)
    copies = again(g), copy.deepcopy(g)
    wanted = t.rand(2, generator=g).tolist()
    return [t.rand(2, generator=h).tolist() == wanted for h in copies], str(g.device)


def rearranged_in_place(t):
    x = t.ones(2, 3, requires_grad=True)
    y = x * 2
    part = y[:1]
    kept = y.exp()
    same = y.t_() is y
    (part.sum() + (y * t.arange(6.0).reshape(3, 2)).sum() + kept.sum()).backward()
    return same, y.shape, x.grad


def rearranged_view_in_place(t):
    x = t.ones(2, 3, requires_grad=True)
    y = x * 2
    part = y[:1]
    part.t_()
    y.mul_(3)
    part.sum().backward()
    return part.shape, part._base is y, x.grad, part.grad_fn.name()


def stale_result_rearranged(t):
    x = t.ones(2, 3, requires_grad=True)
    y = x.exp()
    y.t_()
    y.sum().backward()


def numbers_of_pieces(t):
    x = t.ones(7, 2, requires_grad=True)
    pieces = [x.split(3), x.split([2, 5]), x.split([5, 2]), x.split([0, 6, 1]), x.chunk(3), x.chunk(4, -2), x.split(7),
              x.unbind(), x.unbind(1), x.tensor_split(3), x.hsplit(2), (x * 2).split(2)]
    edges = [t.autograd.graph.get_gradient_edge(v).output_nr for some in pieces for v in some]
    (g,) = t.autograd.grad(x.split([5, 2])[1].square().sum(), x, create_graph=True)
    names = [some[-1].grad_fn.name() for some in pieces]
    return names, [[v.output_nr for v in some] for some in pieces], edges, g, t.autograd.grad(g.sum(), x)[0]


def turned_under_no_grad(t):
    """What has a dimension of 1 more or less in front goes on with the gradient that arrives."""
    found = []
    for shape, turn in (((1,), "squeeze_"), ((1, 3), "squeeze_"), ((1, 1, 2), "squeeze_"), ((3,), "unsqueeze_")):
        for leaf in (False, True):
            x = t.ones(shape, requires_grad=True)
            y = x if leaf else x.clone()
            with t.no_grad():
                getattr(y, turn)(*[0][:turn == "unsqueeze_"])
            (y * t.ones(2, 1, *y.shape)).sum().backward()
            found.append((x.grad, y.shape))
    return found


def parts_turned_under_no_grad(t):
    """The parts of what was taken apart may be turned where nothing is recorded, and are refused when they are used."""
    found = []
    for base in (t.ones(2, 3, requires_grad=True), t.ones(3, 2).t().requires_grad_(), t.ones(2, 3)):
        for y in (base.split(1)[0], base[0].chunk(2)[1], base.unbind()[0]):
            with t.no_grad():
                y.unsqueeze_(0)
                found += [y.shape, y.requires_grad]
            found.append(refusal(lambda y=y: (y * 2).sum())[:1])
    return found


def stale_parts_without_derivative(t):
    """What has no derivative takes a part whose base was written to, for it asks for no history."""
    x = t.ones(4, 2, requires_grad=True).clone()
    part, _ = x.chunk(2)
    x /= 2
    found = [part > 0, part == part, part < 1, part.argmax(), part.isnan(), part.any(), part.all(), part.long(),
             part.bool(), ~(part > 0), part.logical_not(), part.signbit(), part.ne(1), t.count_nonzero(part),
             t.equal(part, part), part.tolist(), (part > 0) | (part < 1)]
    return found, [refusal(f)[:1] for f in (lambda: part + 1, lambda: part.sum(), lambda: part[0], lambda: part.sign())]


def another_place(t):
    x, y, z = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True) * 2, t.zeros(2)
    found = [refusal(lambda: x.set_(z)), y.set_(t.zeros(2)), z.set_(x), y.grad_fn.name(), z.grad_fn.name(), z._version,
             refusal((y * 2).sum().backward), refusal(z.sum().backward), t.ones(2).set_(t.zeros(3))]
    y = x * 2
    with t.no_grad():
        y.set_(t.zeros(3))
    return found, y, y.grad_fn.name()


def classes(t):
    class Sub(t.Tensor):
        pass

    class More(Sub):
        pass

    class Other(t.Tensor):
        pass

    x, more, other = (t.ones(2).as_subclass(c) for c in (Sub, More, Other))
    found = [x, x + 1, 1 + x, x * t.ones(2), t.ones(2) * x, x.sum(), x[0], x.view(2, 1), t.sin(x), t.stack([x, x]),
             x.detach(), x.clone(), x.unbind()[0], x.max(0)[0], x.data, x > 0, x.mean(), x @ x, x + more, more + x,
             Sub([1, 2]), Sub(2, 3), Sub(t.ones(2)), again(x), copy.copy(x), x.add_(1), t.cat([x, t.ones(1)])]
    try:
        x + other
        mixed = ""
    except TypeError:
        mixed = "refused"
    r = t.ones(2, requires_grad=True).as_subclass(Sub)
    (r * r).sum().backward()
    p = t.nn.Parameter(t.ones(2))
    return ([type(v).__name__ for v in found], mixed, repr(x), r.requires_grad, r.is_leaf,
            Sub([1, 2]).dtype is t.float32, isinstance(p, t.Tensor), x.tolist())


PROGRAMS = [shared_by_deepcopy, attributes_copied, gradients_copied, no_leaf, weak, hashed, taken_data,
            taken_data_of_another_dtype, views_of_before_it_required_grad, data_has_no_history, deleted_grad,
            generators, rearranged_in_place, rearranged_view_in_place, stale_result_rearranged, numbers_of_pieces,
            turned_under_no_grad, parts_turned_under_no_grad, stale_parts_without_derivative, another_place, classes]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program):
    wanted, found = refusal(lambda: program(torch)), refusal(lambda: program(tapegrad))
    if program in (no_leaf, stale_result_rearranged):
        assert found[0] == wanted[0]
        assert found[1][:60] == wanted[1][:60]
    else:
        assert found == wanted


def swaps(t):
    """What two tensors are after they were swapped, or why they were not."""
    def swap(a, b):
        try:
            return t.utils.swap_tensors(a, b)
        except RuntimeError as error:
            return str(error).split(" has ")[0]

    class Kind(t.Tensor):
        pass

    # Classes, attributes and gradients; and those that come from now on.
    p, x = t.nn.Parameter(t.arange(3.0)), t.ones(2, 2, dtype=t.float64)
    p.grad, x.tag = t.ones(3), 5
    yield swap(p, x), type(p).__name__, type(x).__name__, p.tag, hasattr(x, "tag"), p.grad, x.grad.tolist(), lies(p)
    (x * 2).sum().backward()
    p.add_(1)
    yield x.grad.tolist(), p.grad, p.tolist(), p._version, x._version
    yield swap(p, p), lies(p)
    k = t.zeros(1).as_subclass(Kind)
    yield swap(k, p), type(k).__name__, type(p).__name__, lies(k), lies(p)
    # A module's, and an optimiser's.
    m, w = t.nn.Linear(2, 1), t.nn.Parameter(t.zeros(1, 2))
    step = t.optim.SGD(m.parameters(), lr=0.5).step
    m(t.ones(1, 2)).sum().backward()
    yield swap(m.weight, w), m.weight.grad, w.grad.tolist()
    m(t.ones(1, 2)).sum().backward()
    step()
    yield m.weight.tolist(), w.grad.tolist()
    # Histories, hooks, memory of others, views.
    r, z = t.ones(2, requires_grad=True), t.zeros(2)
    y = r * 3
    yield swap(y, z), y.grad_fn, lies(y), z.requires_grad
    z.sum().backward()
    del y, z  # PyTorch's backward refuses what was computed from a leaf before
    seen, q = [], t.ones(2, requires_grad=True)
    q.register_hook(seen.append)
    yield r.grad.tolist(), swap(q, r)
    q.sum().backward()
    r.sum().backward()
    yield [g.tolist() for g in seen], q.grad.tolist(), r.grad.tolist()
    a, b = t.ones(2), t.zeros(3)
    array = a.numpy()
    array[0] = 7
    yield swap(a, b), a.tolist(), b.tolist(), array.tolist()
    base, other = t.ones(3), t.zeros(1)
    view = base[1:]
    yield swap(view, other), other.add_(2).tolist(), base.tolist(), other._base is base, view._base
    # Who would follow the wrong one.
    yield swap(base, view) is not None, lies(base), lies(view)
    name = weakref.ref(a)
    yield swap(a, b), swap(b, a), name() is a


def test_swapped_tensors():
    for ours, theirs in zip(swaps(tapegrad), swaps(torch), strict=True):
        assert plain(ours) == plain(theirs)


@pytest.mark.parametrize("t", [tapegrad, torch], ids=["tapegrad", "torch"])
def test_attributes_all_at_once(t):
    x = t.ones(1)
    x.__dict__ = {"tag": x}
    assert x.tag is x
    name = weakref.ref(x)
    del x
    gc.collect()
    assert name() is None
