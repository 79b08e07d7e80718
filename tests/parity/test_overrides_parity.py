"""`__torch_function__`: which calls ask the classes of their arguments, for what, and what becomes of the answers."""
import inspect
import operator

import pytest
from both import plain

import tapegrad

torch = pytest.importorskip("torch")

LIBRARIES = {"torch": torch, "tapegrad": tapegrad}


def classes(library):
    """A tensor that takes notes, one that changes sums, and two things that are no tensors."""
    asked = []

    class Noted(library.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            name = func.__name__.removeprefix("linalg_").removeprefix("special_")  # what is native in PyTorch
            asked.append((name, [t.__name__ for t in types if t is not library.Tensor]))
            return super().__torch_function__(func, types, args, kwargs or {})

    class Doubled(library.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            with library._C.DisableTorchFunctionSubclass():
                found = func(*args, **(kwargs or {}))
                return 2 * found if func in (library.add, library.Tensor.add) else found

    class Marked:
        def __init__(self, data):
            self.data = data

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            def data(x):
                return [*map(data, x)] if isinstance(x, list) else x.data if isinstance(x, Marked) else x

            return cls(func(*map(data, args), **(kwargs or {})))

    class Silent:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    class Plain(library.Tensor):
        __torch_function__ = library._C._disabled_torch_function_impl

    class Deeper(Noted):
        pass

    class Bare(library.Tensor):
        pass

    return asked, {c.__name__: c for c in (Noted, Doubled, Marked, Silent, Plain, Deeper, Bare)}


CALLS = """
n + 1 | 1 + n | w - n | n - w | 1 - n | -n | abs(n) | n @ w | w @ n | 2 ** n | n > 1 | 1 < n | n.add(1)
torch.add(n, 1) | torch.add(w, other=n) | w.clone().add_(n) | n.mean(dim=0) | torch.mean(n, 0, keepdim=True) | n.shape
n.grad | n.dtype | n.T | n.is_leaf | n.requires_grad | n.size() | n.dim() | n.data | n.device | n[0] | n[0, 1]
w[n.long()[0]] | len(n) | float(n.sum()) | bool(n.sum() > 0) | n.tolist() | torch.cat([w, n]) | torch.stack((n, w), 1)
torch.split(n, 1) | n.unbind(0) | torch.max(n, 0) | n.max() | n.view(4) | F.relu(n) | F.linear(w, n)
F.mse_loss(n, w) | F.softmax(n, dim=1) | lin(n) | torch.relu(n) | torch.linalg.norm(n) | torch.zeros_like(n)
torch.full_like(n, 2) | n.new_zeros(2) | torch.where(n > 1, n, w) | torch.equal(n, w) | torch.is_tensor(n)
torch.einsum('ij,jk->ik', n, w) | torch.logsumexp(n, 1) | n.detach().requires_grad_() | torch.special.entr(n)
torch.special.xlog1py(n, w) | torch.bitwise_left_shift(n.long(), 1) | d + 1 | 1 + d | torch.add(d, 1) | d - 1
d.sum().item() | (d + d).tolist() | d * 2 | torch.add(m, 1).data | (w + m).data | (w * m).data
torch.cat([m, w]).data | F.linear(w, m).data | lin(m).data | torch.matmul(w, m).data | (w @ m).data | w.add(m).data
torch.sum(m, dim=0).data | torch.stack([m, m]).data | torch.ones_like(m).data | w[m] | torch.add(s, 1) | w + s | w[s]
m + 1 | repr(P(b)) | b + 1 | P(b) * 2 | p + 1 | p.sum() | p.clone() | deeper + 1 | deeper + n | n + deeper
deeper.sum() | torch.stack([n, deeper]) | torch.overrides.has_torch_function((n,))
torch.overrides.has_torch_function((w, 1)) | torch.overrides.has_torch_function_variadic(1, m)
torch.overrides.has_torch_function_unary(lin.weight) | torch.overrides.is_tensor_like(m)
torch.overrides.is_tensor_like(1) | torch.overrides.resolve_name(torch.Tensor.shape.__get__)
torch.overrides.resolve_name(torch.add) | torch.overrides.resolve_name(torch.Tensor.add)
torch.overrides.resolve_name(F.relu) | api(m) | api(3) | api(s) | wrapped(n) | wrapped(3)
"""


def shown(x):
    if isinstance(x, (tuple, list)):
        return [shown(e) for e in x]
    if hasattr(x, "tolist"):
        return type(x).__name__, plain(x)
    return str(x).replace("tapegrad.", "torch.")


def said(error):
    return type(error).__name__, str(error).split("\n")[0][:60]


def outcomes(name, call):
    library = LIBRARIES[name]
    with pytest.raises(TypeError):
        library.cat([[1], [2]])  # lists in lists, which no later call may be mistaken for
    asked, kinds = classes(library)
    w = library.arange(4.0).reshape(2, 2)
    lin = library.nn.Linear(2, 2)
    with library.no_grad():
        lin.weight.fill_(0.5)
        lin.bias.zero_()
    overrides = library.overrides

    def api(x):
        return overrides.handle_torch_function(api, (x,), x) if overrides.has_torch_function_unary(x) else "plain"

    wrapped = overrides.wrap_torch_function(lambda x: (x,))(lambda x: type(x).__name__)
    of_class = {"n": "Noted", "d": "Doubled", "p": "Plain", "b": "Bare", "deeper": "Deeper"}
    given = {name: w.clone().as_subclass(kinds[kind]) for name, kind in of_class.items()}
    given |= {"torch": library, "F": library.nn.functional, "P": library.nn.Parameter, "w": w, "lin": lin, "api": api,
              "wrapped": wrapped, "m": kinds["Marked"](w.clone()), "s": kinds["Silent"]()}
    try:
        found = eval(call, given)
    except Exception as error:
        found = said(error)
    noted = [*asked]
    with library._C.DisableTorchFunctionSubclass():
        return shown(getattr(found, "data", found) if call.startswith("api(m") else found), noted


@pytest.mark.parametrize("call", [c.strip() for line in CALLS.strip().split("\n") for c in line.split(" | ")])
def test_classes_are_asked_for_the_same(call):
    assert outcomes("tapegrad", call) == outcomes("torch", call)


def needed(function):
    try:
        parameters = inspect.signature(torch.overrides.get_testing_overrides()[function]).parameters.values()
    except ValueError:
        return 1
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) or 1


@pytest.mark.parametrize("space", ["", "nn.functional", "linalg", "special"])
def test_every_function_that_asks_in_pytorch_asks(space):
    class Answers:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func

    theirs, ours = (operator.attrgetter(space)(t) if space else t for t in (torch, tapegrad))
    asking, silent = [], []
    for name in sorted(set(dir(theirs)) & set(ours.__all__)):
        function, mine = getattr(theirs, name), getattr(ours, name)
        if not callable(mine) or isinstance(mine, type) or function not in torch.overrides.get_testing_overrides():
            continue
        asking.append(name)
        x, n = Answers(), needed(function)
        for args in ((x,) * n, (x,) * (n - 1), ([x], *(x,) * (n - 1)), ("i,i", *(x,) * n)):
            try:
                if mine(*args) is mine:
                    break
            except (TypeError, ValueError):
                continue
        else:
            silent.append(name)
    assert len(asking) > 30 and not silent


def test_asked_as_plain_tensors():
    """What `Tensor.__torch_function__` itself gives is a plain tensor, of which a class makes what it likes."""
    def found(library):
        tensor = library.Tensor

        class Unit(tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                plain = tensor.__torch_function__(func, (tensor for _ in types), args, kwargs or {})
                if func is not library.Tensor.mul:
                    return plain
                made = plain.as_subclass(cls)
                made.unit = args[0].unit + args[1].unit
                return made

        x = tensor._make_subclass(Unit, library.ones(2))
        x.unit = 3
        r = library.ones(2, requires_grad=True).as_subclass(Unit)
        kinds = [x, x + 1, 1 + x, library.add(x, 1), x.sum(), x[0], library.cat([x, x]), library.sin(x), x.max(0)[0],
                 x.clone(), x.detach(), x.view(2, 1), x * x, r * x if hasattr(r, "unit") else r.exp()]
        return [type(k).__name__ for k in kinds], (x * x).unit, x.add_(1) is x, x.tolist(), (r + 1).requires_grad

    assert found(tapegrad) == found(torch)


def made_subclass(library, case):
    class Bare(library.Tensor):
        pass

    make, x = library.Tensor._make_subclass, library.ones(2, requires_grad=True)
    made = eval(case, {"make": make, "Bare": Bare, "x": x, "y": x * 2, "torch": library, "P": library.nn.Parameter})
    with library.no_grad():
        made.fill_(7)
    return type(made).__name__, made.requires_grad, made.is_leaf, made.tolist(), x.tolist(), isinstance(made, Bare)


@pytest.mark.parametrize("case", ["make(Bare, x)", "make(Bare, x, True)", "make(Bare, y, require_grad=True)",
                                  "make(P, x, True)", "make(torch.Tensor, y)", "make(Bare, torch.ones(2).long())",
                                  "make(cls=Bare, data=make(Bare, x))", "make(Bare, torch.ones(0, 2)[:, 0], True)",
                                  "make(int, x)", "make(3, x)", "make(Bare, 3)", "make(Bare, torch.arange(2), True)"])
def test_a_subclass_on_memory_that_is_there(case):
    def told(library):
        try:
            return made_subclass(library, case)
        except (TypeError, RuntimeError) as error:
            return type(error).__name__, str(error).split("\n")[0].lower().replace(" and complex", "")

    assert told(tapegrad) == told(torch)
