"""Late binding: kernels that are compiled when they are first called.

A captured call names the kernels of all its operations and may never call them: what runs in the end are others, fused
of them. So while a capture puts its kernel calls off, a kernel is a stub, whose address stands for it for good. The
first call through a stub has LLVM compile what is behind it; later ones jump there, 1 ns on.
"""
from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.llvm import cache, jit

_STUBS = 64  # in one piece of code, loaded as often as there is need
_SLOT = 8
failure: list[BaseException] = []  # what Python raised when a kernel last returned `rec.RAISED`


def _source() -> str:
    """Stubs, each with a slot for the address of its kernel; without a nest they only see that it is there."""
    names = ", ".join(f"ptr @stub.{i}" for i in range(_STUBS))
    parts = [
        f"@tapegrad_targets = global [{_STUBS} x ptr] zeroinitializer\n",
        f"@tapegrad_stubs = constant [{_STUBS} x ptr] [{names}]\n",
        "declare void @tapegrad_bind(ptr)\n",
        "define internal i32 @unbound(ptr %slot, ptr %pointers, ptr %nest) noinline nounwind {\n"
        "  call void @tapegrad_bind(ptr %slot)\n"
        "  %kernel = load ptr, ptr %slot\n"
        "  %failed = icmp eq ptr %kernel, null\n"
        "  br i1 %failed, label %fail, label %bound\n"
        "fail:\n"
        f"  ret i32 {rec.RAISED}\n"
        "bound:\n"
        "  %asked = icmp eq ptr %nest, null\n"
        "  br i1 %asked, label %done, label %run\n"
        "done:\n"
        "  ret i32 0\n"
        "run:\n"
        "  %status = tail call i32 %kernel(ptr %pointers, ptr %nest)\n"
        "  ret i32 %status\n"
        "}\n",
    ]
    for i in range(_STUBS):
        slot = f"getelementptr (i8, ptr @tapegrad_targets, i64 {i * _SLOT})"
        parts.append(
            f"define internal i32 @stub.{i}(ptr %pointers, ptr %nest) nounwind {{\n"
            f"  %kernel = load ptr, ptr {slot}\n"
            "  %asked = icmp eq ptr %nest, null\n"
            "  %unbound = icmp eq ptr %kernel, null\n"
            "  %other = or i1 %asked, %unbound\n"
            "  br i1 %other, label %slow, label %run\n"
            "run:\n"
            "  %status = musttail call i32 %kernel(ptr %pointers, ptr %nest)\n"
            "  ret i32 %status\n"
            "slow:\n"
            f"  %found = tail call i32 @unbound(ptr {slot}, ptr %pointers, ptr %nest)\n"
            "  ret i32 %found\n"
            "}\n")
    return "".join(parts)


def build() -> bytes:
    """The stubs' object code, from the disk cache or from LLVM."""
    return cache.obtain("stubs", lambda: jit.compile_ir(_source(), 0 if jit.quick() else 1, optimise=False))


class _Stub:
    """A stub in use: `slot` is where the address of its kernel goes, `make` compiles that."""

    def __init__(self, slot: int, make: Callable[[], int]) -> None:
        self.slot, self.make = slot, make

    def bind(self) -> int:
        """The kernel's address, which from now on the stub jumps to."""
        target = ctypes.c_size_t.from_address(self.slot)
        if not target.value:
            with jit.BUILDING:
                if not target.value:
                    target.value = self.make()
        return target.value


_stubs: dict[int, _Stub] = {}  # by address
_by_slot: dict[int, _Stub] = {}
_free: list[tuple[int, int]] = []  # (address, slot)


@ctypes.CFUNCTYPE(None, ctypes.c_size_t)
def _bind(slot: int) -> None:
    try:
        _by_slot[slot].bind()
    except BaseException as error:
        failure[:] = [error]


@functools.cache
def _define() -> None:
    jit.keep(_bind)
    jit.define_symbol("tapegrad_bind", ctypes.cast(_bind, ctypes.c_void_p).value or 0)


_reasons = 0


def wanted() -> bool:
    """Whether kernels that are asked for now may never be called."""
    return _reasons > 0


def want(more: int) -> None:
    """One reason more, or (-1) less, to think so."""
    global _reasons
    with jit.BUILDING:
        _reasons += more


def stub(make: Callable[[], int]) -> int:
    """The address of a kernel that `make` is asked for when it is first called; it stands for that kernel for good."""
    if not _free:
        _define()
        found = jit.load_object("stubs", build(), ("tapegrad_stubs", "tapegrad_targets"), ("tapegrad_bind",))
        addresses = np.ctypeslib.as_array((ctypes.c_size_t * _STUBS).from_address(found["tapegrad_stubs"]))
        slots = range(found["tapegrad_targets"], found["tapegrad_targets"] + _STUBS * _SLOT, _SLOT)
        _free.extend(reversed([*zip(addresses.tolist(), slots)]))
    address, slot = _free.pop()
    _stubs[address] = _by_slot[slot] = _Stub(slot, make)
    return address


def bound(address: int) -> int:
    """The kernel behind a stub, compiled now if it was not yet; any other kernel's address is what it is."""
    found = _stubs.get(address)
    return address if found is None else found.bind()


def is_unbound(address: int) -> bool:
    """Whether this is a stub with no kernel behind it yet."""
    found = _stubs.get(address)
    return found is not None and not ctypes.c_size_t.from_address(found.slot).value


def is_late(address: int) -> bool:
    """Whether this is a stub."""
    return address in _stubs
