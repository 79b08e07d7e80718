"""The base of all optimisers: groups, state dicts, hooks, closures, copies."""
import copy
import pickle
import warnings

import pytest

import tapegrad as torch
from tapegrad.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def with_gradient(*values):
    x = leaf(*values)
    x.grad = torch.ones_like(x)
    return x


class Descent(torch.optim.Optimizer):
    def __init__(self, params, lr=required):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad, alpha=-group["lr"])
        return "stepped"


x = leaf(1.0)
REFUSED = {
    "a tensor": (lambda: torch.optim.SGD(x), TypeError, "should be an iterable of Tensors or dicts, but got torch.F"),
    "none": (lambda: torch.optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
    "a number": (lambda: torch.optim.SGD([1.0]), TypeError, "only optimize Tensors, but one of the params is float"),
    "a set": (lambda: torch.optim.SGD([{"params": {x}}]), TypeError, "Please use a list instead"),
    "no leaf": (lambda: torch.optim.SGD([x * 2]), ValueError, "can't optimize a non-leaf Tensor"),
    "twice": (lambda: torch.optim.SGD([{"params": [x]}, {"params": [x]}]), ValueError,
              "some parameters appear in more than one parameter group"),
    "some names": (lambda: torch.optim.SGD([("x", x), leaf(2.0)]), ValueError, "Some param names are missing"),
    "names in one group": (lambda: torch.optim.SGD([{"params": [("x", x)]}, {"params": [leaf(1.0)]}]), ValueError,
                           "cannot add param group without names"),
    "no dict": (lambda: torch.optim.SGD([x]).add_param_group([x]), TypeError, "param_group must be a dict, but got"),
    "no lr": (lambda: Descent([x]), ValueError, "didn't specify a value of required optimization parameter lr"),
    "not defined": (lambda: torch.optim.Optimizer([x], {}).step(), NotImplementedError, ""),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind):
    call, error, words = REFUSED[kind]
    with pytest.raises(error, match=words):
        call()


def test_a_group_that_is_refused_leaves_the_others_as_they_were():
    optimizer = torch.optim.SGD([x], lr=0.1)
    with pytest.raises(ValueError):
        optimizer.add_param_group({"params": [leaf(1.0), x]})
    assert len(optimizer.param_groups) == 1


def test_duplicates_in_a_group_warn():
    with pytest.warns(UserWarning, match="duplicate parameters"):
        torch.optim.SGD([x, x])


def test_subclasses_of_users():
    y = with_gradient(3.0)
    optimizer = Descent([{"params": [y], "lr": 0.5}])
    assert optimizer.step() == "stepped" and y.item() == 2.5
    assert isinstance(optimizer.state, dict) and optimizer.state[y] == {}


def test_names_come_along():
    optimizer = torch.optim.SGD([("a", leaf(1.0)), ("b", leaf(2.0))])
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    other = torch.optim.SGD([("c", leaf(1.0)), ("d", leaf(2.0))])
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["param_names"] == ["a", "b"]


def test_zero_grad():
    y = with_gradient(1.0, 2.0)
    optimizer = torch.optim.SGD([y])
    held = y.grad
    optimizer.zero_grad(set_to_none=False)
    assert y.grad is held and held.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert y.grad is None


def test_a_gradient_with_a_history_is_detached_before_it_is_zeroed():
    y = leaf(2.0)
    (y ** 3).sum().backward(create_graph=True)
    torch.optim.SGD([y]).zero_grad(set_to_none=False)
    assert y.grad.tolist() == [0.0] and not y.grad.requires_grad


def test_a_closure_is_called_with_recording_on():
    y = leaf(3.0)
    optimizer = torch.optim.SGD([y], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (y ** 2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert y.item() == 0.0


def test_hooks_in_their_order():
    seen = []
    y = with_gradient(1.0)
    optimizer = torch.optim.SGD([y])
    handles = [
        register_optimizer_step_pre_hook(lambda o, a, k: seen.append("every before")),
        register_optimizer_step_post_hook(lambda o, a, k: seen.append("every after")),
        optimizer.register_step_pre_hook(lambda o, a, k: seen.append(("before", o is optimizer, a == (o,), k))),
        optimizer.register_step_post_hook(lambda o, a, k: seen.append("after")),
    ]
    optimizer.step()
    assert seen == ["every before", ("before", True, True, {}), "after", "every after"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4


def test_a_hook_may_change_arguments():
    optimizer = torch.optim.SGD([with_gradient(1.0)])
    with optimizer.register_step_pre_hook(lambda o, a, k: ((o, lambda: "loss"), {})):
        assert optimizer.step() == "loss"
    with optimizer.register_step_pre_hook(lambda o, a, k: 3), pytest.raises(RuntimeError, match="must return None or"):
        optimizer.step()


def test_hooks_of_state_dicts():
    optimizer = torch.optim.SGD([with_gradient(1.0)], lr=0.1)
    seen = []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "more": 1})
    optimizer.register_state_dict_post_hook(lambda o, s: seen.append(sorted(s)), prepend=True)
    optimizer.register_load_state_dict_pre_hook(lambda o, s: seen.append("more" in s))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    saved = optimizer.state_dict()
    assert saved["more"] == 1
    optimizer.load_state_dict(saved)
    assert seen == ["pre", ["param_groups", "state"], True, "loaded"]


@pytest.mark.parametrize("change, words", [
    (lambda s: s["param_groups"].append({"params": []}), "different number of parameter groups"),
    (lambda s: s["param_groups"][0]["params"].append(7), "doesn't match the size of optimizer's group"),
])
def test_a_state_that_does_not_fit_changes_nothing(change, words):
    y = with_gradient(1.0)
    optimizer = torch.optim.SGD([y], lr=0.1, momentum=0.9)
    optimizer.step()
    saved = copy.deepcopy(optimizer.state_dict())
    change(saved)
    saved["param_groups"][0]["lr"] = 7.0
    saved["state"].clear()
    with pytest.raises(ValueError, match=words):
        optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 0.1 and "momentum_buffer" in optimizer.state[y]


def test_loaded_state_takes_the_dtype_of_the_parameter_and_counts_do_not():
    y = with_gradient(1.0)
    optimizer = torch.optim.Adam([y])
    optimizer.step()
    z = y.detach().double().requires_grad_()
    other = torch.optim.Adam([z])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[z]["exp_avg"].dtype is torch.float64 and other.state[z]["step"].dtype is torch.float32


def test_old_states_count_in_numbers():
    y = with_gradient(1.0)
    optimizer = torch.optim.Adam([y])
    optimizer.step()
    saved = optimizer.state_dict()
    saved["state"][0]["step"] = 1
    del saved["param_groups"][0]["amsgrad"]
    optimizer.load_state_dict(saved)
    assert optimizer.state[y]["step"].item() == 1.0 and optimizer.param_groups[0]["amsgrad"] is False
    optimizer.step()
    assert optimizer.state[y]["step"].item() == 2.0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_copies_go_on_by_themselves(copied):
    y = with_gradient(1.0, 2.0)
    optimizer = torch.optim.Adam([y], lr=0.1)
    optimizer.step()
    twin = copied(optimizer)
    (z,) = twin.param_groups[0]["params"]
    assert z is not y and repr(twin) == repr(optimizer)
    z.grad = torch.ones(2)
    before = y.tolist()
    twin.step()
    assert y.tolist() == before and twin.state[z]["step"].item() == 2.0
    optimizer.step()
    assert y.tolist() == z.tolist()


def test_repr():
    assert repr(Descent([{"params": [leaf(1.0)], "lr": 0.5, "b": [1]}])) == (
        "Descent (\nParameter Group 0\n    b: [1]\n    lr: 0.5\n)")


def test_parameters_without_a_gradient_stay_and_have_no_state():
    y, z = with_gradient(1.0), leaf(1.0)
    optimizer = torch.optim.Adam([y, z])
    optimizer.step()
    assert z.item() == 1.0 and list(optimizer.state) == [y]


def test_importing_tapegrad_does_not_load_it():
    import subprocess
    import sys

    script = "import sys, tapegrad; sys.exit('tapegrad.optim' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_no_warnings_in_ordinary_use():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.optim.Adam([with_gradient(1.0)], fused=True).step()


def test_an_interrupt_leaves_the_grad_mode_as_it_was():
    """It may come where a block without gradients ends, whose own end is then left out."""
    class Interrupted(torch.optim.SGD):
        def step(self, closure=None):
            torch.no_grad().__enter__()
            raise KeyboardInterrupt

    p = torch.ones(2, requires_grad=True)
    with pytest.raises(KeyboardInterrupt):
        Interrupted([p], lr=0.1).step()
    assert torch.is_grad_enabled()
