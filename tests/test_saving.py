"""What `save` writes `load` reads: the same values, sharing the same memory; no file is run, however it was made."""
from __future__ import annotations

import collections
import contextlib
import copy
import io
import os
import pickle
import random
import zipfile

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.serialization import pickles

KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
FORMATS = ["torch", "arrays"]


def through(obj, format="torch", **options):
    file = io.BytesIO()
    torch.save(obj, file, format=format)
    file.seek(0)
    return torch.load(file, **options)


def told(x):
    if isinstance(x, torch.Tensor):
        return type(x), x.tolist(), x.stride(), x.storage_offset(), x.dtype, x.requires_grad
    if isinstance(x, dict):
        return type(x), [(told(k), told(v)) for k, v in x.items()]
    if isinstance(x, (list, tuple)):
        return type(x), [told(v) for v in x]
    return type(x), repr(x)


def objects():
    base = torch.arange(12.0).reshape(3, 4)
    yield from ([torch.tensor([1, 0], dtype=getattr(torch, kind))] for kind in KINDS)
    yield {"view": base[1:, ::2], "transposed": base.t(), "expanded": torch.zeros(1).expand(5, 7), 3: torch.empty(0, 3),
           (1, "a"): torch.tensor(2.0)}
    yield [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2), requires_grad=False),
           torch.ones(2, requires_grad=True)]
    yield None, True, 7, -(10**30), 2.5, float("inf"), "é", b"ab", {3}, frozenset("a"), complex(1, 2)
    yield collections.OrderedDict(b=1, a=2), torch.float32, torch.device("cpu"), torch.Size([2, 3]), [], {}, ()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("obj", [*objects()], ids=lambda o: type(o).__name__)
def test_there_and_back(obj, format):
    assert told(through(obj, format)) == told(obj)


@pytest.mark.parametrize("format", FORMATS)
def test_what_shares_memory_still_does(format):
    base = torch.arange(6.0)
    found = through({"base": base, "view": base[2:4], "again": [base, base], "other": base.clone()}, format)
    found["base"][2] = 100.0
    assert found["view"].tolist() == [100.0, 3.0] and found["other"].tolist() == base.tolist()
    assert found["again"][0] is found["again"][1]
    assert found["base"]._base is None and found["view"]._version == 1


@pytest.mark.parametrize("format", FORMATS)
def test_files(tmp_path, format):
    torch.save([torch.ones(2)], tmp_path / "f.pt", format=format)
    assert torch.load(str(tmp_path / "f.pt"), map_location="cpu")[0].tolist() == [1.0, 1.0]
    assert torch.load(tmp_path / "f.pt", map_location=torch.device("cpu"), mmap=True)[0].tolist() == [1.0, 1.0]


def test_a_result_is_saved_as_a_leaf():
    x = torch.ones(2, requires_grad=True) * 2
    found = through(x)
    assert found.is_leaf and found.requires_grad


def test_storages_lie_where_they_can_be_mapped(tmp_path):
    torch.save({str(n): torch.ones(n) for n in range(5)}, tmp_path / "f.pt")
    with zipfile.ZipFile(tmp_path / "f.pt") as archive, open(tmp_path / "f.pt", "rb") as raw:
        for info in archive.infolist():
            if "/data/" in info.filename:
                raw.seek(info.header_offset + 26)
                name, extra = np.frombuffer(raw.read(4), "<u2")
                assert (info.header_offset + 30 + int(name) + int(extra)) % 64 == 0


class Custom:
    def __init__(self, value):
        self.value = value


class Loud:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def test_a_users_class_is_read_when_the_file_is_trusted():
    obj = {"custom": Custom(torch.ones(2))}
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        through(obj)
    assert through(obj, weights_only=False)["custom"].value.tolist() == [1.0, 1.0]
    with torch.serialization.safe_globals([Custom]):
        assert torch.serialization.get_safe_globals() == [Custom]
        assert through(obj)["custom"].value.tolist() == [1.0, 1.0]
    with pytest.raises(pickle.UnpicklingError, match=r"add_safe_globals\(\[Custom\]\)"):
        through(obj)


def archive(content, **entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, held in {"data.pkl": content, "version": b"3\n", **entries}.items():
            out.writestr(f"archive/{name}", held)
    file.seek(0)
    return file


HOSTILE = {
    "runs a function": pickle.dumps(Loud()),
    "calls what it finds": b"cbuiltins\neval\n(S'1+1'\ntR.",
    "by a longer name": b"\x80\x04\x8c\x05torch\x8c\x0bos.mkdir\x93.",
    "changes a dtype": b"ctorch\nfloat32\n(N}S'itemsize'\nK\x01stb.",
    "changes a function": b"ctorch._utils\n_rebuild_tensor_v2\n(N}S'__defaults__'\n)stb.",
    "changes a class": b"ctorch\nTensor\n(N}S'item'\nK\x01stb.",
    "calls a dtype": b"ctorch\nfloat32\n)R.",
    "makes an instance of a class": b"ctorch\nTensor\n)\x81.",
    "fills memory": b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR.",
    "a tensor of no storage": b"ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00))\x89NtR.",
    "an instruction that is not known": b"(icollections\nOrderedDict\n.",
    "a storage of no dtype": b"(S'storage'\nS'x'\nS'0'\nS'cpu'\nK\x01tQ.",
    "cut short": b"\x80\x02}q\x00(X\x01",
    "nothing": b"",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_in_a_file_is_run(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(archive(HOSTILE[what]))
    assert not [*tmp_path.iterdir()] and torch.float32.itemsize == 4 and callable(torch.Tensor.item)
    assert pickles._rebuild_tensor.__defaults__ == (None, None, None)


def placed(size, stride, offset, numel=4):
    """The pickle of a tensor at some place of a storage of four numbers."""
    def whole(x):
        return b"(" + b"".join(b"L%dL\n" % n for n in x) + b"t" if isinstance(x, tuple) else b"L%dL\n" % x
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\n"
            + b"L%dL\n" % numel + b"tQ" + whole(offset) + whole(size) + whole(stride) + b"\x89NtR.")


@pytest.mark.parametrize("place", [((5,), (1,), 0), ((2,), (4,), 0), ((1,), (1,), 4), ((2,), (-1,), 2),
                                   ((2,), (1,), -1), ((2, 2), (1,), 0), ((1 << 63,), (0,), 0), ((2,), (1,), 0, 5),
                                   ((-1,), (1,), 0)])
def test_no_tensor_reaches_beyond_its_storage(place):
    assert torch.load(archive(placed((2, 2), (2, 1), 0), **{"data/0": bytes(16)})).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match=r"storage|tensor"):
        torch.load(archive(placed(*place), **{"data/0": bytes(16)}))


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_files(format):
    """Whatever a byte is changed to, a file is read or refused, and by an error that says so."""
    file = io.BytesIO()
    obj = {"a": torch.arange(6.0).reshape(2, 3).t(), "b": [1, "x", torch.nn.Parameter(torch.ones(3))]}
    torch.save(obj, file, format=format)
    whole, draw = file.getvalue(), random.Random(7)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        if draw.random() < 0.2:
            damaged = damaged[:draw.randrange(len(damaged))]
        with contextlib.suppress(RuntimeError, pickle.UnpicklingError, EOFError, ValueError, NotImplementedError):
            torch.load(io.BytesIO(damaged))


@pytest.mark.parametrize("content, error", [
    (b"", EOFError), (b"abc", pickle.UnpicklingError), (b"PK\x03\x04", RuntimeError)])
def test_what_is_no_file(content, error):
    with pytest.raises(error):
        torch.load(io.BytesIO(content))


def test_bad_arguments(tmp_path):
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "none.pt")
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
        torch.save(torch.ones(2), 3)
    with pytest.raises(AttributeError, match="expected 'f' to be string"):
        torch.load(3)
    with pytest.raises(ValueError, match="format must be"):
        torch.save(1, io.BytesIO(), format="json")
    with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
        through(torch.ones(2), map_location="cuda")
    base = torch.ones(2)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        through([base, base.view(torch.int32)])


@pytest.mark.parametrize("format, error", [("torch", (AttributeError, pickle.PicklingError)), ("arrays", TypeError)])
def test_what_cannot_be_kept_leaves_the_file_alone(tmp_path, format, error):
    path = tmp_path / "f.pt"
    torch.save(torch.ones(2), path)
    before = path.read_bytes()
    with pytest.raises(error):
        torch.save({"f": lambda: 1}, path, format=format)
    assert path.read_bytes() == before


def test_arrays_and_what_contains_itself():
    assert through(np.arange(3), "arrays").tolist() == [0, 1, 2]
    loop = [torch.ones(2)]
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        through(loop, "arrays")
    found = through(loop)
    assert found[1] is found


def test_attributes_and_subclasses():
    class_of = type("Marked", (torch.Tensor,), {"__module__": __name__})
    globals()["Marked"] = class_of
    x = torch.ones(2)
    x.label = "first"
    assert through(x).label == "first"
    found = through(copy.copy(torch.ones(2).as_subclass(class_of)), weights_only=False)
    assert type(found) is class_of and found.tolist() == [1.0, 1.0]
