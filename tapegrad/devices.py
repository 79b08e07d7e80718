"""Where tensors live: on the CPU. Other devices are names, which can be made, compared and printed, and not used."""
from __future__ import annotations

from typing import Any

_KINDS = ("cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, "
          "mtia, privateuseone")
# What a build without the device says there, and people search for.
_ABSENT: dict[str, tuple[type[Exception], str]] = {
    "cuda": (AssertionError, "Torch not compiled with CUDA enabled"),
    "xpu": (AssertionError, "Torch not compiled with XPU enabled"),
    "mps": (RuntimeError, "PyTorch is not linked with support for mps devices"),
}
NO_ACCELERATOR = "Cannot access accelerator device when none is available."


class device:
    """Where a tensor lives, or would (`torch.device`).

    >>> device("cpu"), device("cuda:1"), device("cuda", 1).index
    (device(type='cpu'), device(type='cuda', index=1), 1)

    RuntimeError for a name that stands for no device.
    """

    __slots__ = {"type": "What kind of device it is.", "index": "Which of its kind, or None."}  # noqa: RUF023
    type: str
    index: int | None

    def __init__(self, type: Any = ..., index: int | None = None) -> None:
        if isinstance(type, device):
            found, index = type.type, type.index
        elif isinstance(type, str):
            found, colon, number = type.partition(":")
            if found not in _KINDS.split(", "):
                raise RuntimeError(f"Expected one of {_KINDS} device type at start of device string: {found}")
            if colon:
                if index is not None:
                    raise RuntimeError("type (string) must not include an index because index was passed "
                                       f"explicitly: {type}")
                if not number.isdecimal() or str(int(number)) != number:
                    raise RuntimeError(f"Invalid device string: '{type}'")
                index = int(number)
        elif isinstance(type, int):
            raise RuntimeError(NO_ACCELERATOR)
        else:
            got = "" if type is ... else type.__class__.__name__
            raise TypeError(f"device() received an invalid combination of arguments - got ({got}), but expected one "
                            "of:\n * (torch.device device)\n * (str type, int index = -1)")
        if index is not None:
            if isinstance(index, bool) or not hasattr(index, "__index__"):
                raise TypeError(f"device(): argument 'index' (position 2) must be int, not {index.__class__.__name__}")
            if index < 0:
                raise RuntimeError("Device index must not be negative")
        object.__setattr__(self, "type", found)
        object.__setattr__(self, "index", index)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (")" if self.index is None else f", index={self.index})")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        _defaults.append(default_device())
        try:
            set_default_device(self)
        except BaseException:
            _defaults.pop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        set_default_device(_defaults.pop())


CPU = device("cpu")
_default = CPU
_defaults: list[device] = []  # those outside of `with device(…)`


def required(where: Any) -> device:
    """The CPU, if that is what an argument stands for; otherwise the error of a build without the device.

    >>> required("cuda:0")
    Traceback (most recent call last):
        ...
    AssertionError: Torch not compiled with CUDA enabled: tapegrad runs on the CPU only
    """
    if where is CPU or where == "cpu":
        return CPU
    if not isinstance(where, (device, str, int)):
        raise TypeError(f"argument 'device' must be torch.device, not {type(where).__name__}")
    kind = device(where).type
    if kind == "cpu":
        return CPU
    raised, told = _ABSENT.get(kind, (RuntimeError, f"tensors cannot live on '{where}'"))
    raise raised(f"{told}: tapegrad runs on the CPU only")


def default_device() -> device:
    """The device of what is created without one (`torch.get_default_device`).

    >>> default_device()
    device(type='cpu')
    """
    return _default


def set_default_device(device: Any) -> None:
    """Say where tensors are created (`torch.set_default_device`): on the CPU, or AssertionError, RuntimeError.

    >>> set_default_device("cpu")
    """
    global _default
    if device is not None:
        required(device)
    _default = CPU if device is None else _named(device)


def _named(where: Any) -> device:
    return where if isinstance(where, device) else device(where)
