"""`python -m tapegrad.machine.ship`: have numba write what is shipped of sources that have changed.

With `--check` all is written, but nowhere; the exit status says whether the archive holds what the sources give. Texts
are compared where the archive was made by the same Python, numba and LLVM: others word the same code in other ways.
"""
from __future__ import annotations

import argparse
import functools
import platform
import sys
import zipfile
from collections.abc import Mapping

import llvmlite
import numba

from tapegrad.machine import dataflow  # noqa: F401 - what is shipped, and not imported before it is used
from tapegrad.machine.llvm import shipped
from tapegrad.machine.native import build

_ABOUT = "about.txt"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same content is the same archive


def _about() -> str:
    python = ".".join(platform.python_version_tuple()[:2])
    return f"numba {numba.__version__}\nllvmlite {llvmlite.__version__}\npython {python}\nsystem {platform.system()}\n"


def contents(old: Mapping[str, str]) -> dict[str, str]:
    """Every entry of the archive, as the sources give it; those of `old` are taken for granted."""
    def text(jitted: shipped.Jitted) -> str:
        return shipped.joined(jitted.write(jitted.parts))

    new = [jitted for jitted in shipped.ALL if jitted.entry not in old]
    texts = build.in_parallel([functools.partial(text, jitted) for jitted in new])
    made = {**old, **dict(zip([jitted.entry for jitted in new], texts))}
    return {_ABOUT: _about(), **{jitted.entry: made[jitted.entry] for jitted in shipped.ALL}}


def read() -> dict[str, str]:
    """The archive there is; nothing where there is none."""
    if not shipped.ARCHIVE.exists():
        return {}
    with zipfile.ZipFile(shipped.ARCHIVE) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def write(made: Mapping[str, str]) -> None:
    """Write the archive."""
    with zipfile.ZipFile(shipped.ARCHIVE, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in made.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), text, zipfile.ZIP_DEFLATED, 9)


def complaint(found: Mapping[str, str], made: Mapping[str, str]) -> str:
    """What is wrong with an archive; nothing is an empty text."""
    if found.keys() != made.keys():
        return "the sources have left it behind"
    differ = [name for name, text in made.items() if found[name] != text]
    if found[_ABOUT] == made[_ABOUT] and differ:
        return f"not what the sources give: {', '.join(differ)}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tapegrad.machine.ship", description="Write what is shipped.")
    parser.add_argument("--check", action="store_true", help="write nothing, say whether the archive is right")
    found = read()
    if parser.parse_args().check:
        wrong = complaint(found, contents({}))
        sys.exit(f"{shipped.ARCHIVE}: {wrong}" if wrong else 0)
    write(contents(found if found.get(_ABOUT) == _about() else {}))
    print(f"{shipped.ARCHIVE}: {shipped.ARCHIVE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
