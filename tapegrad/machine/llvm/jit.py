"""The way from LLVM IR to object code, and from object code to an address.

The two halves are separate so that a kernel found in the disk cache never meets LLVM's parser or optimiser. One LLJIT
serves the process: MCJIT engines, one a module, crash when they share a target machine.
"""
from __future__ import annotations

import ctypes
import functools
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding import ffi

from tapegrad import config

BUILDING = threading.RLock()  # held by whoever adds a layout, a plan or a kernel: one thread at a time

__all__ = [
    "compile_ir", "define_symbol", "fuses", "host", "improve", "keep", "load_object", "quick", "vector_functions"]


@functools.cache
def _target() -> llvm.Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@functools.cache
def host() -> tuple[str, str, str]:
    """The target triple, CPU name and CPU features that code is generated for."""
    if named := config.processor():
        return _target().triple, named, ""
    return _target().triple, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@functools.cache
def fuses() -> bool:
    """Whether the host multiplies and adds in one instruction."""
    triple, _, features = host()
    return "+fma" in features.split(",") or triple.startswith(("aarch64", "arm64"))


@functools.cache
def quick() -> bool:
    """Whether text that is written the way it should be is compiled at level 0, with registers allocated all the same.

    Kernels take LLVM 40 % of the time that level 1 takes them and run as fast. With level 0's own allocator, which
    keeps what goes from turn to turn in memory, it was 25 %, but sums took twice as long. Elsewhere than on x86-64
    level 0 is another instruction selector, which nobody has measured.
    """
    return host()[0].startswith("x86_64")


@functools.cache
def _allocate_registers() -> None:
    llvm.set_option("tapegrad", "-optimize-regalloc")  # of the process; levels above 0 do so anyway


def _new_machine(opt_level: int, processor: tuple[str, str] | None = None) -> llvm.TargetMachine:
    if opt_level == 0:
        _allocate_registers()
    # Position-independent small-model code reaches libm through stubs that the linker adds; the large code model
    # would load every 64-bit address with a movabs, and its constant pools too.
    cpu, features = processor or host()[1:]
    return _target().create_target_machine(cpu=cpu, features=features, opt=opt_level, reloc="pic", codemodel="small",
                                           jit=True)


@functools.cache
def _data_layout() -> str:
    return str(_new_machine(2).target_data)


@functools.cache
def _builder(opt_level: int) -> Any:
    options = llvm.create_pipeline_tuning_options(speed_level=opt_level)
    options.loop_vectorization = options.slp_vectorization = options.loop_interleaving = opt_level > 1
    options.loop_unrolling = opt_level > 1
    return llvm.create_pass_builder(_new_machine(opt_level), options)


def improve(module: Any, opt_level: int) -> None:
    """Run LLVM's passes over a module, in place."""
    builder = _builder(opt_level)
    builder.getModulePassManager().run(module, builder)  # a pass manager runs once; the builder may be kept


def simplify(module: Any) -> None:
    """Run the passes over a module, in place, that look at no processor."""
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_interleaving = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(_new_machine(2, ("generic", "")), options)
    builder.getModulePassManager().run(module, builder)


def compile_ir(ir_text: str, opt_level: int = 3, optimise: bool = True) -> bytes:
    """Object code for the host from the text of a module; RuntimeError carries LLVM's words when it is malformed.

    Without `optimise` the code is generated from the text as it stands, for text that is written the way it should be.
    """
    module = llvm.parse_assembly(ir_text, llvm.create_context())
    module.triple, module.data_layout = host()[0], _data_layout()
    if opt_level and optimise:
        improve(module, opt_level)
    idle = _idle.setdefault(opt_level, [])
    try:
        machine = idle.pop()
    except IndexError:
        machine = _new_machine(opt_level)
    try:
        return _generate(machine, module)
    finally:
        idle.append(machine)


_idle: dict[int, list[Any]] = {}  # target machines of each level that no thread is generating code with


@functools.cache
def _generator() -> Any:
    """LLVM's code generator without the lock that llvmlite holds around all of LLVM.

    Threads may generate code side by side, each in a context and with a target machine of its own.
    """
    locked = ffi.lib.LLVMPY_TargetMachineEmitToMemory
    try:
        found = ctypes.CDLL(ffi.lib._name).LLVMPY_TargetMachineEmitToMemory
    except (AttributeError, OSError):
        return locked
    found.restype, found.argtypes = locked.restype, locked.argtypes
    return found


def _generate(machine: llvm.TargetMachine, module: llvm.ModuleRef) -> bytes:
    with ffi.OutputString() as error:
        buffer = _generator()(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    try:
        return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer))
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


def side_by_side(tasks: Sequence[Callable[[], object]]) -> None:
    """Do some tasks on as many threads as there are cores; raises what the first of them raised that failed."""
    left, failures = iter(tasks), []
    taking = threading.Lock()

    def work() -> None:
        while True:
            with taking:
                task = next(left, None)
            if task is None:
                return
            try:
                task()
            except BaseException as error:
                failures.append(error)

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    helpers = [threading.Thread(target=work, daemon=True) for _ in range(min(len(tasks), cores) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]


@functools.cache
def _libmvec() -> Any:
    """glibc's vector mathematics, or None where there is none (then LLVM calls libm, one lane at a time)."""
    try:
        library = ctypes.CDLL("libmvec.so.1")
        llvm.load_library_permanently("libmvec.so.1")
        return library
    except (OSError, RuntimeError):
        return None


@functools.cache
def vector_functions(name: str, arity: int, single: bool) -> tuple[tuple[int, str], ...]:
    """The (lanes, symbol) of the vector versions of a libm function that this host can run.

    `name` is the double version's (`exp`); `single` asks for float's (`expf`). Empty off x86-64 and before AVX2.
    """
    triple, _, features = host()
    library = _libmvec() if triple.startswith("x86_64") and "+avx2" in features.split(",") else None
    if library is None:
        return ()
    width, suffix = (2, "f") if single else (1, "")
    found = []
    for isa, lanes, feature in (("d", 4 * width, "+avx2"), ("e", 8 * width, "+avx512f")):
        symbol = f"_ZGV{isa}N{lanes}{'v' * arity}_{name}{suffix}"
        if feature in features.split(",") and hasattr(library, symbol):
            found.append((lanes, symbol))
    return tuple(found)


@functools.cache
def _engine() -> Any:
    if sys.platform == "win32":
        raise RuntimeError("tapegrad's machine runs on Linux and macOS")
    _target()
    _libmvec()
    # JITLink, for the older linker may put an object's sections more than 2 GiB apart, and dies when one then refers to
    # another by a 32-bit offset, as unwind tables do in every code model.
    return llvm.create_lljit_compiler(_new_machine(2), use_jit_link=True)


_count_in = ctypes.pythonapi["Py_IncRef"]
_count_in.restype, _count_in.argtypes = None, [ctypes.py_object]


def keep(*objects: Any) -> None:
    """Never free these: native code and CPython point into them until the process is gone.

    Not a module's list: the interpreter empties that on its way out, and then collects once more what reads them.
    """
    for each in objects:
        _count_in(each)


_symbols: dict[str, int] = {}
_library_numbers = itertools.count()


def define_symbol(name: str, address: int) -> None:
    """Let object code loaded from now on call `name` at `address`."""
    _symbols[name] = address


def is_defined(name: str) -> bool:
    """Whether there is something at this name."""
    return name in _symbols


loaded: dict[int, str] = {}  # what lies at an address, for those who print programs
# Of kernels that are no rule's, the symbol and the text, for those who write them elsewhere.
sources: dict[int, tuple[str, Callable[[], str]]] = {}


def load_object(name: str, code: bytes | Sequence[bytes], symbols: Sequence[str],
                imports: Iterable[str] | None = None) -> dict[str, int]:
    """Link object code, of one piece or several, into the process and return the addresses of `symbols`, for good.

    `imports` names the defined symbols that the code may call, all of them by default (a few us each).
    """
    library = llvm.JITLibraryBuilder().add_current_process()
    for piece in [code] if isinstance(code, bytes) else code:
        library.add_object_img(piece)
    for symbol in _symbols if imports is None else imports:
        library.import_symbol(symbol, _symbols[symbol])
    for symbol in symbols:
        library.export_symbol(symbol)
    tracker = library.link(_engine(), f"{name}.{next(_library_numbers)}")
    keep(tracker)  # without it the code is unloaded, and nobody knows who still holds the address
    found = {symbol: tracker[symbol] for symbol in symbols}
    loaded.update((address, f"{name}.{symbol}") for symbol, address in found.items())
    return found
