"""Optimisers beside PyTorch's, over the database of options that comes with it: trajectories, states, errors."""
import importlib
import inspect
import warnings

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")
optim_db = pytest.importorskip("torch.testing._internal.common_optimizers").optim_db

STEPS = 20
SHAPES = [(4, 5), (5,), (), (3, 2, 2)]
WITHOUT = {"SparseAdam"}  # there are no sparse gradients
INFOS = [info for info in optim_db if info.optim_cls.__name__ not in WITHOUT
         and hasattr(tapegrad.optim, info.optim_cls.__name__)]
CASES = [(info.optim_cls.__name__, given.kwargs, flags)
         for info in INFOS for given in info.optim_inputs_func(device="cpu")
         for flags in ({}, {"foreach": True}, {"fused": True})
         if set(flags) <= set(inspect.signature(info.optim_cls.__init__).parameters)]


def ours(option):
    """An option of PyTorch's as one of ours."""
    if isinstance(option, torch.Tensor):
        return tapegrad.from_numpy(option.detach().numpy().copy())
    return type(option)(map(ours, option)) if isinstance(option, (tuple, list)) else option


def parameters(t, dtype, shapes):
    rng = np.random.RandomState(0)
    return [t.from_numpy(np.array(rng.randn(*shape), dtype)).requires_grad_() for shape in shapes]


def losses(params, turn):
    return sum(((p * (turn % 3 + 1) - 0.3) ** 2).sum() + p.sin().sum() for p in params)


def train(t, optimizer, params, steps=STEPS):
    """The parameters after each step."""
    path = []
    for turn in range(steps):
        def closure(turn=turn):
            optimizer.zero_grad()
            loss = losses(params, turn * (type(optimizer).__name__ != "LBFGS"))  # whose history is of one loss
            loss.backward()
            return loss

        if type(optimizer).__name__ == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        path.append([p.detach().numpy().copy() for p in params])
    return path


def shapes_of(name):
    return [(4, 5), (6, 3)] if name == "Muon" else SHAPES


def started(t, name, options, dtype):
    params = parameters(t, dtype, shapes_of(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return params, getattr(t.optim, name)(params, **options)


def attempt(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error)


def plain(state):
    """A state dict with arrays in it, each with its dtype."""
    if isinstance(state, dict):
        return {key: plain(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [plain(value) for value in state]
    return np.array(state) if hasattr(state, "numpy") else state


def assert_same(found, wanted, rtol):
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key in wanted:
            assert_same(found[key], wanted[key], rtol)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            assert_same(one, other, rtol)
    elif isinstance(wanted, float):
        np.testing.assert_allclose(found, wanted, rtol=rtol)
    elif isinstance(wanted, np.ndarray):
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol * 1e-2)
    else:
        assert repr(found) == repr(wanted)


def tolerance(name, options, dtype):
    if name == "LBFGS":  # it stops where the loss stands still, a rounding sooner or later
        return 1e-2 if dtype == "float32" else 1e-6
    if dtype == "float32":
        return 3e-3 if name == "Muon" else 3e-5
    # PyTorch's ASGD keeps its rates in float32 on this way of going about it, and those of tensors in their dtype.
    return 1e-5 if (name == "ASGD" and options.get("foreach")) or name == "Muon" else 1e-9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, given, flags", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(
    f"{key}={value}" for key, value in v.items()).replace("\n", ""))
def test_trajectories_states_and_errors(name, given, flags, dtype):
    options = {**given, **flags}
    wanted = attempt(lambda: started(torch, name, options, dtype))
    found = attempt(lambda: started(tapegrad, name, {key: ours(value) for key, value in options.items()}, dtype))
    if isinstance(wanted[0], str):
        assert found == wanted
        return
    (params, theirs), (own, mine) = wanted, found
    assert repr(mine) == repr(theirs)
    rtol = tolerance(name, options, dtype)
    for after, before in zip(train(tapegrad, mine, own), train(torch, theirs, params)):
        for p, q in zip(after, before):
            np.testing.assert_allclose(p, q, rtol=rtol, atol=rtol)
    if name == "LBFGS":
        (params, theirs), (own, mine) = (started(t, name, o, dtype) for t, o in (
            (torch, options), (tapegrad, {key: ours(value) for key, value in options.items()})))
        train(torch, theirs, params, 1), train(tapegrad, mine, own, 1)
    if name != "LBFGS" or dtype == "float64":
        assert_same(plain(mine.state_dict()["state"]), plain(theirs.state_dict()["state"]), 100 * rtol)
    assert_same(*(plain([dict(sorted(group.items())) for group in o.state_dict()["param_groups"]])
                  for o in (mine, theirs)), rtol)


@pytest.mark.parametrize("info", INFOS, ids=lambda info: info.optim_cls.__name__)
def test_states_go_both_ways(info):
    """Half the steps with one library, its state loaded by the other, and the rest there: as one walk."""
    name = info.optim_cls.__name__
    given = next((g.kwargs for g in info.optim_inputs_func(device="cpu") if g.kwargs and not any(
        isinstance(v, torch.Tensor) for v in g.kwargs.values())), {})
    params, whole = started(torch, name, given, "float64")
    wanted = train(torch, whole, params, 6)[-1]
    for first, second in ((torch, tapegrad), (tapegrad, torch)):
        params, optimizer = started(first, name, given, "float64")
        train(first, optimizer, params, 3)
        saved = optimizer.state_dict()
        moved = {"param_groups": saved["param_groups"], "state": {
            key: {field: crossed(second, value) for field, value in state.items()}
            for key, state in saved["state"].items()}}
        after, other = started(second, name, given, "float64")
        for p, q in zip(after, params):
            p.data.copy_(second.from_numpy(q.detach().numpy()))
        other.load_state_dict(moved)
        for found, value in zip(train(second, other, after, 6 - 3), [None, None, wanted]):
            if value is not None and name not in ("LBFGS",):
                for p, q in zip(found, value):
                    np.testing.assert_allclose(p, q, rtol=1e-6, atol=1e-8)


def crossed(t, value):
    if isinstance(value, list):
        return [crossed(t, v) for v in value]
    return t.from_numpy(np.array(value.detach())) if hasattr(value, "detach") else value


@pytest.mark.parametrize("info", INFOS, ids=lambda info: info.optim_cls.__name__)
def test_signatures(info):
    name = info.optim_cls.__name__
    mine = inspect.signature(getattr(tapegrad.optim, name).__init__).parameters
    theirs = inspect.signature(info.optim_cls.__init__).parameters
    assert [(p.name, p.kind, p.default) for p in mine.values()] == [
        (p.name, p.kind, p.default) for p in theirs.values()]


ERRORS = [(info.optim_cls.__name__, error) for info in optim_db
          for error in info.optim_error_inputs_func(device="cpu", dtype=torch.float32)
          if not any(word in error.optimizer_error_input.desc for word in ("complex", "dense params"))]


def moved(params, seen):
    """Parameters of PyTorch's, in any nesting, as ours: the same one where they are the same."""
    if isinstance(params, torch.Tensor):
        if id(params) not in seen:
            seen[id(params)] = tapegrad.from_numpy(params.detach().numpy().copy()).requires_grad_(params.requires_grad)
        return seen[id(params)]
    if isinstance(params, dict):
        return {key: moved(value, seen) for key, value in params.items()}
    return type(params)(moved(part, seen) for part in params) if isinstance(params, (list, tuple)) else params


@pytest.mark.parametrize("name, error", ERRORS,
                         ids=lambda v: v if isinstance(v, str) else v.optimizer_error_input.desc)
def test_refused_as_the_database_says(name, error):
    given = error.optimizer_error_input
    params = [tapegrad.ones(1, 1, requires_grad=True)] if given.params is None else moved(given.params, {})
    options = {key: ours(value) for key, value in given.kwargs.items()}
    caught = pytest.warns if issubclass(error.error_type, Warning) else pytest.raises
    with caught(error.error_type, match=error.error_regex):
        getattr(tapegrad.optim, name)(params, **options)


DIFFERENTIABLE = [(info.optim_cls.__name__, given.kwargs) for info in INFOS
                  if "differentiable" in inspect.signature(info.optim_cls.__init__).parameters
                  for given in info.optim_inputs_func(device="cpu")
                  if not any(isinstance(value, torch.Tensor) for value in given.kwargs.values())]


def meta_gradient(t, name, options):
    """The gradient of a loss after three steps with respect to the start and to a factor of the inner losses."""
    start = t.tensor([0.7, -1.3, 0.4], dtype=t.float64, requires_grad=True)
    scale = t.tensor([1.1, 0.9, 1.3], dtype=t.float64, requires_grad=True)
    p = start.clone()
    optimizer = getattr(t.optim, name)([p], differentiable=True, **options)
    for _ in range(3):
        now = p.clone()  # what the graph reads again must not be what is written to
        (p.grad,) = t.autograd.grad((now ** 2 * scale).sum() + now.sin().sum(), now, create_graph=True)
        optimizer.step()
    return [g.tolist() for g in t.autograd.grad((p ** 3).sum(), [start, scale], allow_unused=True) if g is not None]


# PyTorch's own writes are in the way of its backward there; and the first momentum is detached from its gradient.
ITS_OWN = {"Adamax", "Rprop", "amsgrad", "centered", "momentum"}


@pytest.mark.parametrize("name, given", DIFFERENTIABLE, ids=lambda v: v if isinstance(v, str) else "-".join(
    f"{key}={value}" for key, value in v.items()))
def test_differentiable_steps(name, given):
    found = meta_gradient(tapegrad, name, given)
    if ITS_OWN.isdisjoint({name, *given}):
        for one, other in zip(found, meta_gradient(torch, name, given)):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-9)
    else:  # against finite differences
        slopes = finite_differences(name, given)
        np.testing.assert_allclose(found[0], slopes, rtol=1e-4, atol=1e-6)


def finite_differences(name, options, h=1e-6):
    """The first of those gradients, from nearby starts without any history."""
    def end(place):
        p = tapegrad.tensor(place, dtype=tapegrad.float64, requires_grad=True)
        optimizer = getattr(tapegrad.optim, name)([p], **options)
        scale = tapegrad.tensor([1.1, 0.9, 1.3], dtype=tapegrad.float64)
        for _ in range(3):
            optimizer.zero_grad()
            ((p ** 2 * scale).sum() + p.sin().sum()).backward()
            optimizer.step()
        return (p ** 3).sum().item()

    start = [0.7, -1.3, 0.4]
    moved_by = [[x + h * sign * (i == j) for j, x in enumerate(start)] for i in range(3) for sign in (1, -1)]
    ends = [end(place) for place in moved_by]
    return [(up - down) / (2 * h) for up, down in zip(ends[::2], ends[1::2])]


def test_line_search_by_its_names():
    """Minimisers outside of PyTorch take its search for themselves."""
    found = []
    for t in (torch, tapegrad):
        lbfgs = importlib.import_module(f"{t.__name__}.optim.lbfgs")
        at = t.tensor([-1.2, 1.0], dtype=t.float64)
        direction = t.tensor([1.0, 0.7], dtype=t.float64)

        def evaluate(x, step, d, t=t):
            y = (x + step * d).requires_grad_()
            loss = 100 * (y[1] - y[0] ** 2) ** 2 + (1 - y[0]) ** 2
            return float(loss), t.autograd.grad(loss, y)[0]

        loss, gradient = evaluate(at, 0.0, direction)
        new, slope, step, calls = lbfgs._strong_wolfe(
            evaluate, at, 1.0, direction, loss, gradient, gradient.dot(direction))
        least = lbfgs._cubic_interpolate(0.0, 1.0, t.tensor(-1.0), 1.0, 2.0, t.tensor(3.0))
        found.append([new, *slope.tolist(), float(step), calls, float(least)])
    assert found[1] == pytest.approx(found[0], rel=1e-9)


def test_groups_show_their_options_in_pytorchs_order():
    for name in ("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SGD", "ASGD", "RMSprop", "Rprop",
                 "LBFGS", "SparseAdam", "Adafactor"):
        theirs, ours = (list(getattr(t.optim, name)([t.ones(1, requires_grad=True)]).param_groups[0])
                        for t in (torch, tapegrad))
        assert sorted(ours) == sorted(theirs)
        theirs, ours = (list(getattr(t.optim, name)([t.ones(1, requires_grad=True)]).state_dict()["param_groups"][0])
                        for t in (torch, tapegrad))
        assert ours == theirs, name


DECAYS = {}, {"weight_decay": 0.1}
WRITES = [(name, given) for name, several in {
    **dict.fromkeys(("SGD", "Adagrad", "Adadelta", "Adamax"), DECAYS), "Rprop": [{}],
    "Adam": [{}, {"amsgrad": True}, {"weight_decay": 0.1}], "AdamW": [{}, {"amsgrad": True}, {"weight_decay": 0}],
    "RMSprop": [{}, {"momentum": 0.9}, {"centered": True}], "ASGD": [*DECAYS, {"lambd": 0}],
    **dict.fromkeys(("NAdam", "RAdam"), (*DECAYS, {"weight_decay": 0.1, "decoupled_weight_decay": True})),
}.items() for given in several]


@pytest.mark.parametrize("name, given", WRITES, ids=str)
def test_writes_to_a_parameter(name, given):
    """How often a step counts as a write, of an empty parameter and of one that no kernel takes too."""
    def counted(t, shape, dtype):
        p = t.ones(shape, dtype=getattr(t, dtype)).requires_grad_()
        optimizer, versions = getattr(t.optim, name)([p], lr=0.1, **given), []
        for _ in range(2):
            p.grad = t.ones_like(p)
            optimizer.step()
            versions.append(p._version)
        return versions

    for shape in ((3,), (0,), ()):
        for dtype in ("float64", "float16"):
            assert counted(tapegrad, shape, dtype) == counted(torch, shape, dtype), (shape, dtype)
