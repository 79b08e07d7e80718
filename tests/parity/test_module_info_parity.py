"""Every entry of PyTorch's own list of modules and inputs for them: built, run and differentiated by both libraries.

For each the parameters for a seed, what is printed and saved, the outputs, the gradients of inputs and parameters, and
what becomes of a copy and a pickle are compared.
"""
from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db


MOST = 60  # of an entry's samples: every second, or third, of those that have more


def ours(value: Any) -> Any:
    """An argument for our own module."""
    if isinstance(value, torch.Tensor):
        made = tapegrad.tensor(value.detach().numpy())
        if value.dim() > 1 and not value.is_contiguous():
            made = made.transpose(0, 1).contiguous().transpose(0, 1)
        return made.requires_grad_(value.requires_grad)
    if isinstance(value, torch.dtype):
        return getattr(tapegrad, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return tapegrad.device(str(value))
    if isinstance(value, torch.nn.Module):
        return twin(value)
    if callable(value) and hasattr(tapegrad.nn.functional, getattr(value, "__name__", "")):
        return getattr(tapegrad.nn.functional, value.__name__)
    if isinstance(value, dict):
        return {k: ours(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(ours(v) for v in value)
    return value


def twin(module: Any) -> Any:
    """A module that another is made with."""
    kind = getattr(tapegrad.nn, type(module).__name__)
    if isinstance(module, torch.nn.LayerNorm):
        made = kind(module.normalized_shape)
    elif isinstance(module, torch.nn.TransformerEncoderLayer):
        attention = module.self_attn
        made = kind(attention.embed_dim, attention.num_heads, module.linear1.out_features, module.dropout.p,
                    ours(module.activation), module.norm1.eps, attention.batch_first, module.norm_first,
                    module.linear1.bias is not None, dtype=ours(module.linear1.weight.dtype))
    else:
        return kind()
    made.load_state_dict({name: ours(x) for name, x in module.state_dict().items()})
    return made


def tensors(value: Any) -> list[Any]:
    """The tensors in a result or among arguments."""
    if isinstance(value, (torch.Tensor, tapegrad.Tensor)):
        return [value]
    if isinstance(value, dict):
        return [t for v in value.values() for t in tensors(v)]
    return [t for v in value for t in tensors(v)] if isinstance(value, (list, tuple)) else []


def same(mine: Any, theirs: Any, what: str, exact: bool = False) -> None:
    assert tuple(mine.shape) == tuple(theirs.shape), f"{what}: {tuple(mine.shape)}, PyTorch {tuple(theirs.shape)}"
    assert str(mine.dtype) == str(theirs.dtype), f"{what}: {mine.dtype}, PyTorch {theirs.dtype}"
    a, b = np.asarray(mine.detach().tolist(), float), np.asarray(theirs.detach().tolist(), float)
    rounding = 1e-5 if mine.dtype is tapegrad.float32 else 1e-9  # of the largest, for the others are sums of such
    scale = np.abs(b[np.isfinite(b)]).max(initial=1.0)
    near = np.array_equal(a, b) if exact else np.allclose(a, b, 10 * rounding, rounding * scale, equal_nan=True)
    assert near, f"{what}: {a.reshape(-1)[:4]}, PyTorch {b.reshape(-1)[:4]}"


class Run:
    """One library's module, and what came out of it."""

    def __init__(self, t: Any, kind: Any, made_with: Any, called_with: Any, dtype: Any, training: bool) -> None:
        t.manual_seed(3)
        self.module = kind(*made_with.args, **made_with.kwargs)
        self.module.train(training).to(dtype)
        self.inputs = tensors((called_with.args, called_with.kwargs))
        t.manual_seed(4)
        self.outputs = tensors(self.module(*called_with.args, **called_with.kwargs))
        self.again = lambda module: tensors(module(*called_with.args, **called_with.kwargs))

    def backward(self) -> None:
        results = [y for y in self.outputs if y.requires_grad]
        if results:
            sum((y * y).sum() for y in results).backward()


class Given:
    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs


def compare(kind: Any, sample: Any, dtype: Any, training: bool) -> None:
    made, called = sample.constructor_input, sample.forward_input
    mine_made, mine_called = (Given(ours(tuple(g.args)), ours(dict(g.kwargs))) for g in (made, called))
    theirs = Run(torch, kind, made, called, dtype, training)
    mine = Run(tapegrad, getattr(tapegrad.nn, kind.__name__), mine_made, mine_called, ours(dtype), training)
    assert repr(mine.module) == repr(theirs.module)
    a, b = mine.module.state_dict(), theirs.module.state_dict()
    assert list(a) == list(b)
    lazy = {k for k, v in b.items() if isinstance(v, torch.nn.parameter.UninitializedTensorMixin)}
    for name in b.keys() - lazy:
        same(a[name], b[name], name, exact=not name.startswith("running"))
    assert len(mine.outputs) == len(theirs.outputs)
    for j, (x, y) in enumerate(zip(mine.outputs, theirs.outputs)):
        same(x, y, f"output {j}")
        assert x.requires_grad == y.requires_grad, f"output {j} requires grad"
    mine.backward()
    theirs.backward()
    pairs = [(f"input {j}", x, y) for j, (x, y) in enumerate(zip(mine.inputs, theirs.inputs)) if y.is_leaf]
    pairs += [(n, p, q) for (n, p), (_, q) in zip(mine.module.named_parameters(), theirs.module.named_parameters())]
    for what, x, y in pairs:
        assert (x.grad is None) == (y.grad is None), f"gradient of {what}"
        if x.grad is not None:
            same(x.grad, y.grad, f"gradient of {what}")
    for name, twin in (("copy", copy.deepcopy(mine.module)), ("pickle", pickle.loads(pickle.dumps(mine.module)))):
        assert repr(twin) == repr(mine.module) and type(twin) is type(mine.module)
        assert list(twin.state_dict()) == list(a)
        if not training:
            for x, y in zip(mine.again(twin), mine.outputs):
                assert x.tolist() == y.tolist() or np.isnan(x.tolist()).any(), name


def samples(info: Any, dtype: Any, training: bool) -> Any:
    found = info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training)
    return found[::len(found) // MOST + 1]


@pytest.mark.parametrize("info", module_db, ids=lambda m: m.name)
def test_same(info):
    failures = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for training in (True, False):
            for dtype in (torch.float64, torch.float32)[:2 if training else 1]:
                for sample in samples(info, dtype, training):
                    try:
                        compare(info.module_cls, sample, dtype, training)
                    except AssertionError as error:
                        failures.append(f"{sample.desc} {dtype} training={training}: {str(error)[:300]}")
    assert not failures, f"{len(failures)}: " + "\n".join(failures[:4])
