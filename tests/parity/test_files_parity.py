"""Files of PyTorch's are read, and PyTorch reads those written here: values, strides, sharing and kinds."""
from __future__ import annotations

import collections
import io

import pytest

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


def objects(t):
    base = t.arange(12.0).reshape(3, 4)
    state = collections.OrderedDict(weight=t.ones(2, 3), bias=t.zeros(3, dtype=t.float64))
    state._metadata = {"": {"version": 1}}
    return {
        "views": [base[1:, ::2], base, base.t(), t.zeros(1).expand(5, 7), t.empty(0, 3), t.tensor(3.0)],
        "parameters": [t.nn.Parameter(t.ones(2)), t.nn.Parameter(t.ones(1), requires_grad=False)],
        "requires grad": [t.ones(2, requires_grad=True), t.ones(2, requires_grad=True) * 2],
        "kinds": [t.tensor([1, 0], dtype=getattr(t, kind)) for kind in KINDS],
        "state": state, "counted": collections.Counter("aab"),
        "values": [None, 1, 2.5, True, "é", b"ab", (1, (2,)), {3}, 10**30, float("inf"), 1j, bytearray(b"x")],
        "names": [t.float32, t.device("cpu"), t.device("cuda", 1), t.Size([2, 3])],
    }


def plain(x):
    if hasattr(x, "stride"):
        return type(x).__name__, x.tolist(), x.stride(), x.storage_offset(), str(x.dtype), x.requires_grad, x.is_leaf
    if isinstance(x, dict):
        return type(x).__name__, {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x).__name__, [plain(v) for v in x]
    return repr(x)


@pytest.mark.parametrize("writer, reader", [(tapegrad, torch), (torch, tapegrad)], ids=["by PyTorch", "from PyTorch"])
@pytest.mark.parametrize("careful", [True, False])
@pytest.mark.parametrize("what", objects(tapegrad))
def test_both_ways(what, careful, writer, reader):
    file = io.BytesIO()
    writer.save(objects(writer)[what], file)
    file.seek(0)
    expected, found = plain(objects(writer)[what]), reader.load(file, weights_only=careful)
    if what == "requires grad":
        expected[1][1] = (*expected[1][1][:-1], True)  # what is loaded is a leaf
    assert plain(found) == expected
    if what == "views":
        found[1][1, 0] = 100.0
        assert found[0][0, 0] == found[2][0, 1] == 100.0
    if what == "state":
        assert found._metadata == {"": {"version": 1}}


def test_storages_can_be_mapped(tmp_path):
    tapegrad.save({"a": tapegrad.arange(5.0)}, tmp_path / "f.pt")
    assert torch.load(tmp_path / "f.pt", mmap=True)["a"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols(protocol):
    for writer, reader in ((tapegrad, torch), (torch, tapegrad)):
        file = io.BytesIO()
        writer.save([writer.ones(2), "x" * 300], file, pickle_protocol=protocol)
        file.seek(0)
        assert plain(reader.load(file, weights_only=False)) == plain([writer.ones(2), "x" * 300])
