"""Files of weights that models are published with (`torch.hub`), fetched once and kept.

>>> import os, tempfile, tapegrad as torch
>>> with tempfile.TemporaryDirectory() as folder:
...     torch.save({"w": torch.ones(2)}, os.path.join(folder, "published.pt"))
...     url = f"file://{folder}/published.pt"
...     torch.hub.load_state_dict_from_url(url, os.path.join(folder, "kept"), progress=False)
{'w': tensor([1., 1.])}

`torch.hub.load`, which runs a repository's code, is not there.
"""
from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from typing import Any

from tapegrad import serialization
from tapegrad.namespaces import show_public

__all__ = ["download_url_to_file", "get_dir", "load_state_dict_from_url", "set_dir"]
show_public(__name__)

_chosen: str | None = None
_HASH = re.compile(r"-([a-f0-9]*)\.")  # resnet18-5c106cde.pth


def get_dir() -> str:
    """Where files are kept: what `set_dir` said, or `$TORCH_HOME/hub`, or in the user's cache (`torch.hub.get_dir`).

    >>> import os, tapegrad as torch
    >>> os.path.basename(torch.hub.get_dir())
    'hub'
    """
    if _chosen is not None:
        return _chosen
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    return os.path.join(os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))), "hub")


def set_dir(d: Any) -> None:
    """Keep files in a directory from now on (`torch.hub.set_dir`)."""
    global _chosen
    _chosen = os.path.expanduser(d)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Fetch a file (`torch.hub.download_url_to_file`): `dst` is whole, and has the hash, or is not there.

    Raises RuntimeError for a file whose SHA-256 does not begin with `hash_prefix`, urllib.error.URLError for one that
    cannot be reached. Progress is not shown.
    """
    from urllib.request import Request, urlopen

    dst = os.path.expanduser(dst)
    made = hashlib.sha256()
    with urlopen(Request(url, headers={"User-Agent": "torch.hub"})) as source:
        handle, part = tempfile.mkstemp(".partial", dir=os.path.dirname(os.path.abspath(dst)))
        try:
            with open(handle, "wb") as written:
                while block := source.read(1 << 17):
                    written.write(block)
                    made.update(block)
            if hash_prefix is not None and not made.hexdigest().startswith(hash_prefix):
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{made.hexdigest()}")')
            os.replace(part, dst)
        finally:
            if os.path.exists(part):
                os.remove(part)


def load_state_dict_from_url(url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True,
                             check_hash: bool = False, file_name: str | None = None, weights_only: bool = True) -> Any:
    """What `load` reads from a file that is fetched the first time (`torch.hub.load_state_dict_from_url`).

    `check_hash` compares it with the digits in its name (`resnet18-5c106cde.pth`). Like `load`, it runs nothing of the
    file, unless `weights_only=False` says that it is trusted.
    """
    from urllib.parse import urlparse

    folder = model_dir if model_dir is not None else os.path.join(get_dir(), "checkpoints")
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    kept = os.path.join(folder, name)
    if not os.path.exists(kept):
        sys.stderr.write(f'Downloading: "{url}" to {kept}\n')
        found = _HASH.search(name) if check_hash else None
        download_url_to_file(url, kept, found.group(1) if found else None, progress)
    return serialization.load(kept, map_location, weights_only=weights_only)
