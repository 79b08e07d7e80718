"""LLVM text that comes with the package: numba's front end has run where a release was made, and not where it is used.

What numba makes of sources depends on neither the Python nor the processor nor the LLVM that it is for, once it is
simplified (`native.portable`), so that one archive serves all. An entry is found by its name and a digest of the
sources that it was made from: one that they have left behind is not found, and numba is asked as if there were none.

`python -m tapegrad.machine.ship` writes the archive anew.
"""
from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tapegrad.machine.llvm import cache, jit, waiting
from tapegrad.package_files import content

__all__ = ["ALL", "ARCHIVE", "Jitted", "digest", "joined"]

ARCHIVE = Path(__file__).parents[1] / "native" / "text.zip"
_DAMAGE = (KeyError, OSError, ValueError, NotImplementedError, zlib.error)


class Jitted:
    """Code in parts, modules of LLVM text that numba writes: `write` does it for the parts that it is asked for."""

    name: str
    parts: tuple[str, ...]
    write: Callable[[Sequence[str]], Mapping[str, str]]
    optimised: bool

    def __init__(self, name: str, parts: Sequence[str], sources: Iterable[Path],
                 write: Callable[[Sequence[str]], Mapping[str, str]], optimised: bool = False) -> None:
        self.name, self.parts, self.write, self.optimised = name, tuple(parts), write, optimised
        self._sources = tuple(sources)
        ALL.append(self)

    @functools.cached_property
    def entry(self) -> str:
        """What the archive has it under."""
        return f"{self.name}-{digest(self._sources)[:20]}.ll"

    def key(self, part: str) -> str:
        """What the disk cache has a part's object code under."""
        return f"jitted {self.entry} {part}"

    @functools.cached_property
    def shipped(self) -> Mapping[str, str]:
        """The parts that came with the package: all of them, or none where they are of other sources."""
        import io
        import zipfile

        try:
            with zipfile.ZipFile(io.BytesIO(content(ARCHIVE))) as archive:
                found = _parted(archive.read(self.entry).decode())
        except (*_DAMAGE, zipfile.BadZipFile):
            return {}
        return found if found.keys() == {*self.parts} else {}

    def texts(self, parts: Sequence[str]) -> Mapping[str, str]:
        """Some parts, as they came with the package or as numba writes them."""
        if self.shipped:
            return self.shipped
        with waiting.announced(f"{self.name}: sources differ from those shipped, compiling them", after=0):
            return self.write(parts)

    def code(self, part: str, text: Callable[[], str] | None = None) -> bytes:
        """The object code of a part; `text` is asked for its text when the disk cache does not have it."""
        def make() -> bytes:
            source = text() if text is not None else self.texts([part])[part]
            return jit.compile_ir(source, 2, optimise=not self.optimised)

        return cache.obtain(self.key(part), make)


ALL: list[Jitted] = []  # of the modules that were imported


def digest(sources: Iterable[Path]) -> str:
    """What stands for the content of some sources, wherever they lie and whatever they are called."""
    return cache.digest(sorted(content(source) for source in sources))


def joined(parts: Mapping[str, str]) -> str:
    """Parts as an entry holds them, each below a line with its name."""
    return "".join(f";; {name}\n{text}" for name, text in parts.items())


def _parted(content: str) -> dict[str, str]:
    _, *pieces = re.split(r"^;; (.+)\n", content, flags=re.MULTILINE)
    return dict(zip(pieces[::2], pieces[1::2]))
