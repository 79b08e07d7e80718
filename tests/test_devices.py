"""Devices are names: they can be made, compared and asked about, and only the CPU is used."""
from __future__ import annotations

import copy
import importlib
import pickle

import pytest

import tapegrad as torch

CUDA, XPU, MPS = ("Torch not compiled with CUDA enabled", "Torch not compiled with XPU enabled",
                  "not linked with support for mps")


def test_a_device_is_a_value():
    there = torch.device("cuda", 1)
    assert (there.type, there.index, str(there), repr(there)) == ("cuda", 1, "cuda:1", "device(type='cuda', index=1)")
    assert there == torch.device("cuda:1") == torch.device(there) and hash(there) == hash(torch.device("cuda:1"))
    assert there != torch.device("cuda") and torch.device("cpu") != "cpu"
    assert pickle.loads(pickle.dumps(there)) == copy.deepcopy(there) == there
    with pytest.raises(AttributeError, match="not writable"):
        there.type = "cpu"


@pytest.mark.parametrize("arguments, error, told", [
    (("foo",), RuntimeError, "Expected one of cpu, cuda"), (("cuda:-1",), RuntimeError, "Invalid device string"),
    (("cuda:01",), RuntimeError, "Invalid device string"), (("cuda:0", 1), RuntimeError, "must not include an index"),
    ((0,), RuntimeError, "Cannot access accelerator"), ((3.5,), TypeError, "invalid combination of arguments"),
    ((), TypeError, "invalid combination of arguments")])
def test_a_name_that_is_none(arguments, error, told):
    with pytest.raises(error, match=told):
        torch.device(*arguments)


USES = {
    "ones": lambda where: torch.ones(2, device=where), "tensor": lambda where: torch.tensor(1.0, device=where),
    "full": lambda where: torch.full((2,), 1.0, device=where), "eye": lambda where: torch.eye(2, device=where),
    "arange": lambda where: torch.arange(3, device=where), "empty": lambda where: torch.empty(0, device=where),
    "zeros_like": lambda where: torch.zeros_like(torch.ones(2), device=where),
    "to": lambda where: torch.ones(2).to(where), "to, by name": lambda where: torch.ones(2).to(device=where),
    "Generator": lambda where: torch.Generator(where), "default": torch.set_default_device,
    "a block": lambda where: torch.device(where).__enter__(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("where, error, told", [
    ("cuda", AssertionError, CUDA), ("cuda:0", AssertionError, CUDA), ("xpu", AssertionError, XPU),
    ("mps", RuntimeError, MPS), ("meta", RuntimeError, "on the CPU only")])
def test_only_the_cpu_is_used(use, where, error, told):
    with pytest.raises(error, match=told):
        USES[use](where)
    with pytest.raises(error, match=told):
        USES[use](torch.device(where))
    assert torch.get_default_device() == torch.device("cpu")


@pytest.mark.parametrize("use", USES)
def test_the_cpu_by_any_name(use):
    for where in ("cpu", "cpu:0", torch.device("cpu"), torch.device("cpu", 0)):
        USES[use](where)
        assert torch.ones(2, device=where).device == torch.device("cpu")
    torch.set_default_device(None)


def test_a_default_device_within_a_block():
    with torch.device("cpu", 0):
        assert torch.get_default_device() == torch.device("cpu", 0)
    assert torch.get_default_device() == torch.device("cpu")


def test_moving_there():
    for move in (torch.ones(2).cuda, torch.ones(2).xpu):
        with pytest.raises(AssertionError, match="Torch not compiled"):
            move()
    with pytest.raises(RuntimeError, match="Cannot access accelerator"):
        torch.ones(2).pin_memory()


@pytest.mark.parametrize("name", ["cuda", "mps", "xpu", "accelerator"])
def test_what_is_not_there_says_so(name):
    module = importlib.import_module(f"tapegrad.{name}")
    assert getattr(torch, name) is module
    assert module.is_available() is False and module.device_count() == 0
    for wait in ("synchronize", "empty_cache"):
        assert getattr(module, wait)() is None
    if name != "accelerator":
        module.manual_seed(3)


def test_cuda_is_refused_where_it_would_be_used():
    assert torch.cuda.memory_allocated() == torch.cuda.max_memory_allocated() == 0
    assert not isinstance(torch.ones(2), torch.cuda.FloatTensor)
    with pytest.raises(TypeError, match=r"type torch\.cuda\.FloatTensor not available"):
        torch.cuda.FloatTensor(2)
    for refused in (torch.cuda.get_device_name, torch.cuda.current_device, torch.cuda.Event, torch.cuda.Stream):
        with pytest.raises(AssertionError, match=CUDA):
            refused()
    with torch.cuda.stream(None), pytest.raises(AssertionError, match=CUDA), torch.cuda.device(0):
        pass


def test_switches_of_backends():
    cudnn = importlib.import_module("tapegrad.backends.cudnn")
    assert cudnn is torch.backends.cudnn and cudnn.is_available() is False and cudnn.version() is None
    before = cudnn.deterministic
    cudnn.deterministic = True
    assert torch.backends.cudnn.deterministic is True
    cudnn.deterministic = before
    with cudnn.flags(enabled=False), torch.backends.cuda.sdp_kernel(enable_flash=False):
        pass
    torch.backends.cuda.matmul.allow_tf32 = True
    assert torch.backends.mps.is_available() is torch.backends.mps.is_built() is False
    assert torch.version.cuda is None and torch.version.__version__ == torch.__version__


def test_switches_are_kept():
    torch.set_float32_matmul_precision("medium")
    assert torch.get_float32_matmul_precision() == "medium"
    with pytest.warns(UserWarning, match="is not one of 'highest'"):
        torch.set_float32_matmul_precision("foo")
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_deterministic_debug_mode("error")
    assert torch.get_deterministic_debug_mode() == 2
    torch.use_deterministic_algorithms(False)
    with pytest.raises(RuntimeError, match="invalid value of debug_mode"):
        torch.set_deterministic_debug_mode("x")
    with pytest.raises(TypeError, match="must be bool"):
        torch.use_deterministic_algorithms("a")


def test_default_tensor_type():
    torch.set_default_tensor_type(torch.DoubleTensor)
    assert torch.tensor(1.0).dtype is torch.float64
    torch.set_default_tensor_type("torch.FloatTensor")
    assert torch.tensor(1.0).dtype is torch.float32
    with pytest.raises(TypeError, match="not available"):
        torch.set_default_tensor_type(torch.cuda.FloatTensor)


def test_names():
    assert torch.typename(torch.ones(2)) == "torch.FloatTensor" and torch.typename("a") == "str"
    assert (torch.newaxis, torch.inf, torch.pi > 3.14, torch.e > 2.71) == (None, float("inf"), True, True)
    assert torch.ones(2).layout is torch.strided and repr(torch.channels_last) == "torch.channels_last"
    assert pickle.loads(pickle.dumps(torch.channels_last)) is torch.channels_last


FORMATS = {
    "contiguous": lambda x, f: x.contiguous(memory_format=f), "clone": lambda x, f: x.clone(memory_format=f),
    "to": lambda x, f: x.to(memory_format=f), "to another dtype": lambda x, f: x.to(torch.float64, memory_format=f),
    "double": lambda x, f: x.double(memory_format=f), "empty": lambda x, f: torch.empty(x.shape, memory_format=f),
    "zeros_like": lambda x, f: torch.zeros_like(x, memory_format=f),
    "empty_like": lambda x, f: torch.empty_like(x, memory_format=f),
}


@pytest.mark.parametrize("make", FORMATS)
def test_memory_formats(make):
    x = torch.arange(24.0).reshape(1, 2, 3, 4)
    made = FORMATS[make](x, torch.channels_last)
    assert made.stride() == (24, 1, 8, 2) and made.is_contiguous(memory_format=torch.channels_last)
    assert not made.is_contiguous() and not x.is_contiguous(memory_format=torch.channels_last)
    assert FORMATS[make](made, torch.contiguous_format).stride() == x.stride()
    assert make[:5] in ("empty", "zeros") or made.tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format"):
        FORMATS[make](x[0], torch.channels_last)
    volume = torch.zeros(1, 2, 2, 2, 2)
    assert FORMATS[make](volume, torch.channels_last_3d).stride() == (16, 1, 8, 4, 2)


def test_memory_formats_have_gradients():
    x = torch.arange(24.0).reshape(1, 2, 3, 4).requires_grad_()
    (x.clone(memory_format=torch.channels_last) * x.contiguous(memory_format=torch.channels_last)).sum().backward()
    assert x.grad.equal(2 * x.detach())
    assert x.clone(memory_format=torch.preserve_format).stride() == x.stride()
    assert torch.ones(2).copy_(torch.zeros(2), non_blocking=True).tolist() == [0.0, 0.0]
