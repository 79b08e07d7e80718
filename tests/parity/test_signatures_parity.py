"""Every function and method is called as PyTorch's: the same names in the same order, the same defaults."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import torch_signatures  # noqa: E402
from torch_signatures import Given, _default  # noqa: E402

import tapegrad  # noqa: E402
from tapegrad.documents.descriptions import functions  # noqa: E402
from tapegrad.signatures import REQUIRED, Form  # noqa: E402

SPACES = ("", "Tensor", "linalg", "special", "nn.functional")
WRONG = "PyTorch's stub is not what it does"
ELSEWHERE = {
    "compile": "has options of its own as well",
    "nn.functional.rrelu_": "PyTorch's has a generator as well",
    **dict.fromkeys(("gru", "lstm", "rnn_relu", "rnn_tanh"), "packed sequences are the layers' affair"),
    "Tensor.new": "takes anything",
    **dict.fromkeys(("spmm", "dsmm", "nn.functional.avg_pool2d", "nn.functional.avg_pool3d", "nn.functional.gelu",
                     "nn.functional.linear"), "takes an `out`, which its stub leaves out"),
    "load": "takes further keywords by any name, and refuses them", "save": "has a format of its own as well",
    "set_autocast_enabled": "the form without a device is the older one",
    **dict.fromkeys(("as_tensor", "asarray", "linspace", "logspace", "tensor", "set_num_interop_threads",
                     "set_num_threads", "set_flush_denormal", "Tensor.new_tensor", "Tensor.new_ones",
                     "Tensor.requires_grad_", "div", "Tensor.div", "Tensor.div_", "Tensor.to", "nn.functional.one_hot",
                     "nn.functional.softplus", "nn.functional.softshrink"), WRONG),
    **dict.fromkeys((f"{space}conv{n}d" for n in (1, 2, 3) for space in ("", "nn.functional.")),
                    "PyTorch's second form has padding='valid', if it is left out, and is never met then"),
}
# Parameters that PyTorch has for what is not here, or lists where it does not take them.
IGNORED = {"names", "layout", "pin_memory", "memory_format", "sparse_grad", "implicit", "cls", "storage"}
OF_METHODS = {"add", "floor_divide", "mul", "sub", "true_divide"}  # whose stubs list an `out` that is refused


NAMES = {"from": "from_", "self": "input"}  # as stubs have them: numbers instead of a tensor are `self` to the parser


def ours(form: Form) -> list[Given]:
    return [Given(NAMES.get(p.name, p.name), "" if p.default is REQUIRED else _default(repr(p.default)),
                  p.keyword) for p in form.parameters if p.name not in IGNORED]


def fits(theirs: list[Given], mine: list[Given]) -> bool:
    """Whether each call of PyTorch's form is one of ours: what it must be given, ours may do without."""
    positional, named = ([g for g in theirs if g.keyword is k and g.name not in IGNORED] for k in (False, True))
    places = [g for g in mine if not g.keyword]
    others = {g.name: g for g in mine}
    used = {g.name for g in theirs}
    return len(positional) <= len(places) and all(
        t.name == m.name and t.default in ("", "...", m.default) for t, m in zip(positional, places)) and all(
        t.name in others and others[t.name].keyword and t.default in ("", others[t.name].default)
        for t in named) and all(m.default or m.name in used for m in mine)


LOSSES = {
    "binary_cross_entropy_with_logits": lambda t, x: (x, x.sigmoid()),
    "cosine_embedding_loss": lambda t, x: (x, x * 2, t.ones(3)),
    "ctc_loss": lambda t, x: (x.log_softmax(-1)[:, None].expand(3, 2, 4), t.ones(2, 1, dtype=t.long), [3, 3], [1, 1]),
    "hinge_embedding_loss": lambda t, x: (x, x.sign()),
    "kl_div": lambda t, x: (x.log_softmax(-1), x.softmax(-1)),
    "margin_ranking_loss": lambda t, x: (x, x * 2, x.sign()),
    "triplet_margin_loss": lambda t, x: (x, x * 2, x + 1),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_roots_losses_reduce_nothing(name):
    torch = torch_signatures.torch
    found, wanted = (getattr(t, name)(*LOSSES[name](t, t.arange(12.0).reshape(3, 4) / 7 - 0.8)) for t in (
        tapegrad, torch))
    assert wanted.ndim and tuple(found.shape) == tuple(wanted.shape)
    assert torch.allclose(torch.from_numpy(found.numpy()), wanted, atol=1e-6)


CALLABLE = [d for space in SPACES for d in functions(space) if d.forms and d.path not in ELSEWHERE]


@pytest.mark.parametrize("d", CALLABLE, ids=lambda d: d.path)
def test_the_same_parameters(d):
    space = d.path.rpartition(".")[0]
    owner = torch_signatures.torch
    for part in filter(None, space.split(".")):
        owner = getattr(owner, part)
    if not hasattr(owner, d.name):
        return
    theirs = torch_signatures.forms(space, d.name)
    mine = [ours(form) for form in d.forms]
    for form in theirs:
        if d.name in OF_METHODS and space == "Tensor":
            form = [g for g in form if g.name != "out"]
        if not space:  # its stubs say 1, the mean, and PyTorch reads 0: `test_the_roots_losses_reduce_nothing`
            form = [g._replace(default="0.0") if g.name == "reduction" and g.default else g for g in form]
        assert any(fits(form, m) for m in mine), f"PyTorch: {form}\nours: {mine}"
    known = {g.name for form in theirs for g in form}
    for form in mine:
        assert not theirs or {g.name for g in form} <= known, f"PyTorch: {theirs}\nours: {form}"
