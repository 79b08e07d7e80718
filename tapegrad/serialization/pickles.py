"""PyTorch's dialect of pickle: tensors as places in storages that lie beside it, and names of PyTorch's own.

`dumps` writes it, `loads` reads it. Unless the caller trusts the file, it is read by an unpickler that knows a fixed
list of names and of instructions, so that nothing in a file is run.
"""
from __future__ import annotations

import io
import pickle
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

from tapegrad import devices, dtypes, formats, shapes
from tapegrad.nn.parameter import Parameter
from tapegrad.serialization import storages
from tapegrad.tensor import Tensor

STORAGES = {"HalfStorage": dtypes.float16, "BFloat16Storage": dtypes.bfloat16, "FloatStorage": dtypes.float32,
            "DoubleStorage": dtypes.float64, "LongStorage": dtypes.int64,
            "IntStorage": dtypes.int32, "ShortStorage": dtypes.int16, "CharStorage": dtypes.int8,
            "ByteStorage": dtypes.uint8, "BoolStorage": dtypes.bool_}
_STORAGE_OF = {dtype: name for name, dtype in STORAGES.items()}
Locate = Callable[[str], None]  # raises for a place that storages cannot be brought to


class _Name:
    """A module's member that is written by name alone: PyTorch's need not be there to be named."""

    def __init__(self, module: str, name: str) -> None:
        self.written = f"{module}\n{name}\n".encode("ascii")

    def __call__(self, *args: Any) -> None:
        raise TypeError("a name is there to be written")  # and callable, as a pickler asks of what rebuilds an object


_TENSOR, _PARAMETER = _Name("torch._utils", "_rebuild_tensor_v2"), _Name("torch._utils", "_rebuild_parameter")
_SUBCLASS, _SIZE, _DEVICE = (_Name("torch._tensor", "_rebuild_from_type_v2"), _Name("torch", "Size"),
                             _Name("torch", "device"))
_SPARSE, _LAYOUT = _Name("torch._utils", "_rebuild_sparse_tensor"), _Name("torch.serialization", "_get_layout")
_NAMES = {name: _Name("torch", name) for name in (*STORAGES, *dtypes.BY_NAME)}
_NAMES |= {"Tensor": _Name("torch", "Tensor"), "Parameter": _Name("torch.nn.parameter", "Parameter")}


# ---------------------------------------------------------------- writing


# Pickle as it is written in Python: C's looks up each name where it is, and reads every instruction.
_PICKLER: Any = pickle._Pickler
_UNPICKLER: Any = pickle._Unpickler


class _Pickler(_PICKLER):
    dispatch: ClassVar[dict[type, Any]] = dict(_PICKLER.dispatch)

    def __init__(self, file: io.BytesIO, protocol: int, writer: storages.Writer) -> None:
        super().__init__(file, protocol)
        self.writer = writer

    def _save_name(self, name: _Name) -> None:
        self.write(pickle.GLOBAL + name.written)
        self.memoize(name)

    dispatch[_Name] = _save_name

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is not storages.Block:
            return None
        return "storage", _NAMES[_STORAGE_OF[obj.dtype]], obj.key, "cpu", obj.numel

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Tensor):
            return self._tensor(obj)
        if type(obj) is formats.layout:
            return _LAYOUT, (str(obj),)
        if type(obj) is shapes.Size:
            return _SIZE, (tuple(obj),)
        if type(obj) is devices.device:
            return _DEVICE, (obj.type, *(() if obj.index is None else (obj.index,)))
        return NotImplemented

    def _save_dtype(self, obj: dtypes.dtype) -> None:
        self.write(pickle.GLOBAL + _NAMES[obj.name].written)
        self.memoize(obj)

    dispatch[dtypes.dtype] = _save_dtype

    def _tensor(self, x: Tensor) -> Any:
        kind = type(x)
        if x.is_sparse:
            of: Any = x
            return _SPARSE, (of.layout, (of._indices(), of._values(), of.shape, of.is_coalesced()))
        if kind is Parameter and not vars(x):
            return _PARAMETER, (x.detach(), x.requires_grad, OrderedDict())
        block, place = self.writer.place(x)
        rebuilt: Any = block, place.offset, place.shape, place.strides, x.requires_grad, OrderedDict()
        if kind is Tensor and not vars(x):
            return _TENSOR, rebuilt
        written: Any = {Tensor: _NAMES["Tensor"], Parameter: _NAMES["Parameter"]}.get(kind, kind)
        return _SUBCLASS, (_TENSOR, written, rebuilt, dict(vars(x)))


def dumps(obj: Any, protocol: int, writer: storages.Writer) -> bytes:
    """An object as a pickle; the memory of its tensors is left to `writer`."""
    file = io.BytesIO()
    _Pickler(file, protocol, writer).dump(obj)
    return file.getvalue()


# ---------------------------------------------------------------- reading


def _rebuild_tensor(storage: Any, storage_offset: Any, size: Any, stride: Any, requires_grad: Any,
                    backward_hooks: Any = None, metadata: Any = None, kind: type | None = None) -> Any:
    if not isinstance(storage, storages.Loaded):
        raise pickle.UnpicklingError("a tensor must lie in a storage")
    return storage.tensor(tuple(size), tuple(stride), storage_offset, kind).requires_grad_(bool(requires_grad))


def _rebuild_old(storage: Any, storage_offset: Any, size: Any, stride: Any) -> Any:
    return _rebuild_tensor(storage, storage_offset, size, stride, False)


def _rebuild_parameter(data: Any, requires_grad: Any, backward_hooks: Any = None, state: Any = None) -> Any:
    if not isinstance(data, Tensor):
        raise pickle.UnpicklingError("a parameter must be made of a tensor")
    made = Parameter(data, bool(requires_grad))
    vars(made).update(_attributes(state))
    return made


def _rebuild_subclass(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    if function is not _rebuild_tensor or not (isinstance(kind, type) and issubclass(kind, Tensor)):
        raise pickle.UnpicklingError(f"{kind} is no kind of tensor")
    made = _rebuild_tensor(*arguments[:6], kind=kind)
    vars(made).update(_attributes(state))
    return made


def _rebuild_sparse(layout: Any, parts: Any) -> Any:
    if layout is not formats.sparse_coo or not isinstance(parts, tuple) or len(parts) not in (3, 4):
        raise pickle.UnpicklingError(f"there are no tensors of layout {layout}")
    if not all(isinstance(x, Tensor) for x in parts[:2]):
        raise pickle.UnpicklingError("a sparse tensor must be made of tensors")
    from tapegrad.functions import sparse

    indices, values, size = parts[:3]
    return sparse.from_parts(indices, values, size, None, None, False, len(parts) == 4 and bool(parts[3]))


def _layout(name: Any) -> Any:
    if not isinstance(name, str) or name.removeprefix("torch.") not in formats.LAYOUTS:
        raise pickle.UnpicklingError(f"there is no layout {name!r:.50}")
    return formats.LAYOUTS[name.removeprefix("torch.")]


def _attributes(state: Any) -> dict[str, Any]:
    if isinstance(state, tuple) and len(state) == 2:  # attributes, and slots, of which tensors have none
        state = state[0]
    if state is None:
        return {}
    if not (isinstance(state, dict) and all(isinstance(name, str) for name in state)):
        raise pickle.UnpicklingError("attributes of a tensor must be a dict")
    return state


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "utf-8"):
        raise pickle.UnpicklingError("bytes must be made of text")
    return text.encode(encoding)


def _bytearray(content: Any = b"", encoding: Any = None) -> bytearray:
    if encoding is not None:
        content = _encode(content, encoding)
    if not isinstance(content, bytes):  # of a number it would be that many bytes
        raise pickle.UnpicklingError("a bytearray must be made of bytes")
    return bytearray(content)


# What PyTorch's names stand for, and the few of Python's that hold values and do nothing.
_KNOWN: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor, ("torch._utils", "_rebuild_tensor"): _rebuild_old,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _rebuild_parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): _rebuild_subclass,
    ("torch._utils", "_rebuild_sparse_tensor"): _rebuild_sparse, ("torch.serialization", "_get_layout"): _layout,
    ("torch", "Tensor"): Tensor, ("torch.nn.parameter", "Parameter"): Parameter, ("torch", "Size"): shapes.Size,
    ("torch", "device"): devices.device, ("collections", "OrderedDict"): OrderedDict,
    ("collections", "Counter"): Counter, ("collections", "defaultdict"): defaultdict, ("_codecs", "encode"): _encode,
} | {("torch", name): dtype for name, dtype in (STORAGES | dtypes.BY_NAME).items()} | {
    (module, name): made for module in ("builtins", "__builtin__")  # of which the second is protocol 2's
    for name, made in (("set", set), ("frozenset", frozenset), ("complex", complex), ("bytearray", _bytearray))}
_CALLED = {id(f) for f in _KNOWN.values() if callable(f) and f not in (Tensor, Parameter)}  # these are arguments
_FILLED = (OrderedDict, Counter, defaultdict)  # whose attributes an instruction may set
trusted: dict[tuple[str, str], Any] = {}  # what the user declared to be safe

_ALLOWED = (b"\x80 ( . 0 1 2 N \x88 \x89 J K M G \x8a \x8b I F L X \x8c \x8d U T B C \x8e \x96 V S ] e a l ) t "
            b"\x85 \x86 \x87 } u s d \x8f \x90 \x91 g h j q r p \x94 \x95 c \x93 R \x81 b Q").split(b" ")


def _resolved(module: str, name: str) -> Any:
    found = trusted.get((module, name), _KNOWN.get((module, name)))
    if found is None:
        raise pickle.UnpicklingError(
            f"Unsupported global: GLOBAL {module}.{name} was not an allowed global by default. Please use "
            f"`torch.serialization.add_safe_globals([{name}])` to allowlist it.")
    return found


class _Careful(_UNPICKLER):
    """Reads what holds values: a name outside the list, and an instruction that could act on one, is refused."""

    dispatch: ClassVar[dict[int, Any]] = {ord(code): _UNPICKLER.dispatch[ord(code)] for code in _ALLOWED}

    def find_class(self, module: str, name: str) -> Any:
        return _resolved(module, name)

    def _called(self, function: Any) -> None:
        if id(function) not in _CALLED and function not in trusted.values():
            raise pickle.UnpicklingError(f"Trying to call {function!r}, which is no function that makes values")

    def load_reduce(self) -> None:
        self._called(self.stack[-2])
        super().load_reduce()

    def load_newobj(self) -> None:
        self._called(self.stack[-2])
        super().load_newobj()

    def load_build(self) -> None:
        inst = self.stack[-2]
        if isinstance(inst, Tensor) or type(inst) in _FILLED:
            vars(inst).update(_attributes(self.stack.pop()))
        elif type(inst) in trusted.values():
            super().load_build()
        else:
            raise pickle.UnpicklingError(f"Can only build Tensor, Parameter, OrderedDict or types allowlisted, and not "
                                         f"{type(inst).__name__}")

    dispatch |= {pickle.REDUCE[0]: load_reduce, pickle.NEWOBJ[0]: load_newobj, pickle.BUILD[0]: load_build}


class _Trusting(pickle.Unpickler):
    """Reads whatever pickle can, PyTorch's names as this library's."""

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        if known is not None and module.startswith("torch"):
            return known
        root, dot, rest = module.partition(".")
        if root == "torch":
            try:
                return super().find_class(f"tapegrad{dot}{rest}", name)
            except (ImportError, AttributeError):
                pass
        return super().find_class(module, name)


def loads(content: bytes, read: Callable[[str, dtypes.dtype], bytes], locate: Locate, careful: bool) -> Any:
    """The object in a pickle; `read` gives the bytes of a storage.

    Raises UnpicklingError for what is not understood, or not trusted.
    """
    held: dict[str, storages.Loaded] = {}

    def persistent_load(what: Any) -> Any:
        kinds = [str, dtypes.dtype, str, str, int]
        if not (isinstance(what, tuple) and [*map(type, what)] == kinds and what[0] == "storage" and what[4] >= 0):
            raise pickle.UnpicklingError(f"persistent_load can only read storages of known dtypes, not {what!r:.200}")
        _, dtype, key, where, numel = what
        locate(where)
        if key not in held:
            held[key] = storages.Loaded(dtype, read(key, dtype), numel)
        return held[key]

    made: Any = (_Careful if careful else _Trusting)(io.BytesIO(content))
    made.persistent_load = persistent_load
    if not careful:
        return made.load()
    try:
        return made.load()
    except RuntimeError:  # a storage that is not there, or a place beyond it
        raise
    except Exception as error:
        raise pickle.UnpicklingError(
            "Weights only load failed. Objects that are no tensors, numbers, texts or containers of them are read with "
            "`weights_only=False`, which runs code of the file's: do that only if you trust its source.\n"
            f"{type(error).__name__}: {error}") from error
