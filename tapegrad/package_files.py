"""Files of the package, wherever it was imported from: a folder, or a zip file on `sys.path`."""
from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["content", "modules"]

_LOADER: Any = None if __spec__ is None else __spec__.loader


def content(path: Path) -> bytes:
    """What is in a file whose path begins as that of a module does; OSError where there is none.

    >>> content(Path(__file__).with_name("__init__.py"))[:3]
    b'\"\"\"'
    """
    found: bytes = _LOADER.get_data(str(path))
    return found


def modules(folder: Path) -> list[Path]:
    """The modules in a folder.

    >>> "config.py" in [file.name for file in modules(Path(__file__).parent)]
    True
    """
    archive: str | None = getattr(_LOADER, "archive", None)
    if archive is None:
        return [*folder.glob("*.py")]
    import zipfile

    with zipfile.ZipFile(archive) as there:
        files = [Path(archive, *name.split("/")) for name in there.namelist() if name.endswith(".py")]
    return [file for file in files if file.parent == folder]
