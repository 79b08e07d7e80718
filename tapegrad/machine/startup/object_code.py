"""The machine's object code: from the disk cache, from text that is shipped, or from the sources by way of numba."""
from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from tapegrad.dtypes import FLOATING
from tapegrad.machine.kernels import loop_helpers, series
from tapegrad.machine.kernels.products import gemm, gemv
from tapegrad.machine.llvm import Jitted, cache, jit, late_binding, waiting
from tapegrad.package_files import modules


def _write(parts: Sequence[str]) -> Mapping[str, str]:
    from tapegrad.machine.native import build

    return build.texts()


_MACHINE = Path(__file__).parents[1]
MACHINE = Jitted("machine", ("operators", "plans"), [_MACHINE / "records.py", *modules(_MACHINE / "native")],
                 _write, optimised=True)


def found(trampolines: str) -> tuple[list[bytes], bytes]:
    """The object code of the machine's parts, and of the text of trampolines; what is missing is made side by side."""
    keys = {part: MACHINE.key(part) for part in MACHINE.parts}
    last = "trampolines " + cache.digest([trampolines.encode()])
    codes = {key: cache.get(key) for key in (*keys.values(), last)}
    if None in codes.values():
        texts = MACHINE.texts(MACHINE.parts)

        def of_part(part: str) -> None:
            codes[keys[part]] = MACHINE.code(part, lambda: texts[part])

        def of_trampolines() -> None:
            codes[last] = cache.obtain(last, lambda: jit.compile_ir(trampolines, 0 if jit.quick() else 2, False))

        # With them what belongs to the machine, so that a first product, or capture, shall not wait for it.
        others = [*(functools.partial(made.build, of) for made in (gemm, gemv) for of in FLOATING),
                  *(functools.partial(series.code, symbol) for symbol in series.usual())]
        with waiting.announced("compiling for this processor, once"):
            jit.side_by_side([of_trampolines, *(functools.partial(of_part, part) for part in MACHINE.parts), *others,
                              late_binding.build, loop_helpers.build])
    *parts, rest = (code or b"" for code in codes.values())
    return parts, rest
