"""Files of forms, which random programs are written from: sections of lines, with things to be filled in in braces."""
from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any


def read_forms(path: Path) -> dict[str, list[str]]:
    """Each section's forms, those with a number before them that many times."""
    sections: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if header := re.fullmatch(r"\[(.*)\]", line):
            sections[header[1]] = []
        elif line and not line.startswith("#"):
            times, form = re.fullmatch(r"(?:(\d+)\* )?(.*)", line).groups()  # type: ignore[union-attr]
            *_, last = sections
            sections[last] += [form.replace("\\n", "\n")] * int(times or 1)
    return sections


class Filler:
    """Forms filled in: for `{name}` stands what the method `_name` says."""

    rng: random.Random

    def fill(self, form: str, **given: str) -> str:
        return re.sub(r"(?<!\{)\{(\w+)\}(?!\})", lambda m: given[m[1]] if m[1] in given else str(self.named(m[1])),
                      form).replace("{{", "{").replace("}}", "}")

    def named(self, name: str) -> Any:
        return getattr(self, f"_{name}")()
