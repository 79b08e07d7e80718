"""The one LLVM emitter: from the mathematics of a rule to the address of a kernel.

A `Region` is a loop nest over operands: it maps elements, or reduces rows, or both (softmax is three passes over a
row). `kernel_source` writes it as LLVM text; start at `RegionWriter.emit`. A kernel is
`int32_t kernel(int64_t *pointers, int64_t *nest)`:

    pointers  the data addresses, outputs first, then inputs
    nest      K, R, the sizes of K kept loops (outermost first), the sizes of R reduced loops, then for each operand
              (outputs first) K + R byte strides

The reduced loops make up the row. Sizes and strides are read at run time, so one kernel serves all shapes; only what
decides whether the innermost loop becomes SIMD code is compiled in: its `pattern`, a letter an operand (c contiguous,
0 the same element throughout, s any stride). Some patterns change the shape of the code:

    1      every loop has size one: straight-line code that does not look at `nest`; see `straight_writer`
    |cc0   the letters describe the innermost *kept* loop: blocks of columns are reduced side by side, so that memory
           is read along its cache lines when the row itself is strided (a sum over axis 0)
    cc#10  the innermost loop has so many elements, and is written out: short rows, and few columns (|cc#10)
    cc:0+0,0+1  two kept loops without frames, with the pointer that each operand takes: see `flat_writer`
    @m0:…  straight-line code as a loop, at other places each turn: see `turns_writer`
    ~mii   the same at places that are looked up in a table: see `gather_writer`
    ?16:0  straight-line code as a loop that each lane leaves in its time: see `while_writer`

Outputs may be inputs as well when they overlap exactly. Aliasing is therefore told to LLVM by marking loops parallel
and not by `noalias`, which would be a lie. Arithmetic is strict IEEE, element by element what NumPy and PyTorch
compute; only reductions are reordered, and floats are summed in double precision.
"""
from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterable, Mapping, Sequence

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels import loop_helpers, series
from tapegrad.machine.kernels.flat_writer import FlatWriter
from tapegrad.machine.kernels.gather_writer import GatherWriter
from tapegrad.machine.kernels.instruction_writer import QUICK
from tapegrad.machine.kernels.kernel_writer import KernelWriter
from tapegrad.machine.kernels.loop_helpers import MAX_RANK
from tapegrad.machine.kernels.region_writer import Region, RegionWriter
from tapegrad.machine.kernels.straight_writer import StraightWriter
from tapegrad.machine.kernels.turns_writer import TurnsWriter
from tapegrad.machine.kernels.while_writer import WhileWriter
from tapegrad.machine.llvm import cache, jit, late_binding
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import key

__all__ = ["MAX_RANK", "Region", "compile_region", "compiled", "kernel_source", "region_key"]


def region_key(region: Region, pattern: str, accumulate: tuple[bool, ...]) -> str:
    """The text that names a kernel: equal texts mean equal code."""
    def short(ds: tuple[dtype, ...]) -> str:
        return ",".join(d.short for d in ds)
    flags = "".join("er"[r] for r in region.per_row) + "/" + "".join("=+"[a] for a in accumulate)
    return f"{pattern} {short(region.inputs)} > {short(region.outputs)} {flags} {key(region.values)}"


class Kernel(NamedTuple):
    """What `compile_region` was asked for."""

    region: Region
    pattern: str
    accumulate: tuple[bool, ...]


_OFTEN = "often "
_addresses: dict[str, int] = {}
_names: dict[int, str] = {}
kernels: dict[int, Kernel] = {}  # what the kernel at an address computes, for those who fuse several into one


def compile_region(region: Region, pattern: str, accumulate: tuple[bool, ...], often: bool = False) -> int:
    """The address of the kernel for `region`, from this process, the disk cache or LLVM, in this order.

    With one that a single step calls `often` LLVM takes its time. While a capture puts its calls off it is that of a
    stub, and the kernel is looked for when it is called.

    >>> from tapegrad import dtypes
    >>> from tapegrad.ops.symbols import Sym
    >>> x = Sym.operand(0, dtypes.float64)
    >>> twice = Region((dtypes.float64,), (x + x,), (dtypes.float64,), (False,))
    >>> compile_region(twice, "cc", (False,)) == compile_region(twice, "cc", (False,))
    True
    """
    name = _OFTEN * often + region_key(region, pattern, accumulate)
    address = _addresses.get(name)
    if address is None:
        with jit.BUILDING:
            kernel = Kernel(region, pattern, accumulate)
            make = functools.partial(_load, name, kernel)
            address = _addresses[name] = late_binding.stub(make) if late_binding.wanted() else make()
            kernels[address], _names[address] = kernel, name
    return address


def _load(name: str, kernel: Kernel) -> int:
    found = _linked.pop(name, None)
    if found is None:
        (found,) = _link({name: cache.obtain(name, lambda: _compiled(name, kernel))})
    return found


def load(code: bytes) -> int:
    """The address of a kernel, from the object code of its text."""
    (found,) = _loaded([code], ["kernel"], "")
    return found


def _link(codes: Mapping[str, bytes]) -> list[int]:
    """The addresses of kernels by their names, which hold the custom operations that they call, from object code.

    All at once: of 17 kernels, one by one took 3.5 ms, and takes 1.2.
    """
    return _loaded([*codes.values()], [_symbol(name) for name in codes], "".join(codes))


def _loaded(codes: Sequence[bytes], symbols: Sequence[str], text: str) -> list[int]:
    loop_helpers.load()
    called = {symbol for code in codes for symbol in series.called_by_object(code)}
    for symbol in called:
        series.load(symbol)
    found = jit.load_object("kernel", codes, symbols, (*loop_helpers.NAMES, *called, *linked_symbols(text)))
    return [found[symbol] for symbol in symbols]


def _symbol(name: str) -> str:
    """What a kernel of this name is called in its object code, of which a library has several."""
    return f"kernel_{cache.digest([name.encode()])}"


def linked_symbols(text: str) -> list[str]:
    """The symbols of functions of this process that a kernel may call, by its name or its text."""
    return [s for n in {*_LINKED.findall(text)} for s in (n, f"{n}f") if jit.is_defined(s)]


_LINKED = re.compile(r"\btapegrad_custom_\d+")


_linked: dict[str, int] = {}  # of kernels whose stubs do not know them yet


def bind(addresses: Iterable[int]) -> None:
    """Have the kernels behind stubs in place before they are called, compiled side by side where they have to be."""
    unbound = [a for a in {*addresses} if late_binding.is_unbound(a)]
    with jit.BUILDING:
        wanted = {_names[a]: kernels[a] for a in unbound}
        wanted = {name: kernel for name, kernel in wanted.items() if name not in _linked}
        ready: dict[str, bytes] = {}
        new: dict[str, bytes] = {}

        def get_ready(name: str, kernel: Kernel) -> None:
            ready[name] = cache.obtain(name, lambda: _compiled(name, kernel), new.__setitem__)

        largest = sorted(wanted.items(), key=lambda item: -len(item[0]))  # first, so that none waits for it at the end
        jit.side_by_side([functools.partial(get_ready, *item) for item in largest])
        called = {symbol for code in ready.values() for symbol in series.called_by_object(code)}
        jit.side_by_side([functools.partial(series.code, s) for s in sorted(called) if not jit.is_defined(s)])
        if ready:
            _linked.update(zip(ready, _link(ready)))
        for address in unbound:
            late_binding.bound(address)
    if new:  # nobody waits for the disk, but the end of the process
        threading.Thread(target=_keep, args=(new,)).start()


def _keep(codes: dict[str, bytes]) -> None:
    for name, code in codes.items():
        cache.put(name, code)


def compiled(text: str) -> bytes:
    """The object code of a kernel's text."""
    return jit.compile_ir(text, 0 if jit.quick() else 1, optimise=False)


def _compiled(name: str, kernel: Kernel) -> bytes:
    """The object code of a kernel: of one that is called often with instructions in an order that suits processors.

    The gates of an LSTM (8 x 64) take 0.55 us then instead of 0.62, and LLVM 13 ms instead of 10.
    """
    text = kernel_source(*kernel).replace("@kernel(", f"@{_symbol(name)}(")
    return jit.compile_ir(text.replace(QUICK, ""), 1, optimise=False) if name.startswith(_OFTEN) else compiled(text)


def kernel_source(region: Region, pattern: str, accumulate: tuple[bool, ...]) -> str:
    """The LLVM text of the kernel that `compile_region` compiles."""
    begins: dict[str, type[RegionWriter]] = {"1": StraightWriter, "@": TurnsWriter, "~": GatherWriter, "?": WhileWriter}
    usual = FlatWriter if ":" in pattern else KernelWriter
    return begins.get(pattern[:1], usual)(region, pattern, accumulate).emit()
