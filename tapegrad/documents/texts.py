"""What `help()` shows of native functions, by their paths: the pages of `manual.txt`, which `manual.py` writes."""
from __future__ import annotations

from pathlib import Path

from tapegrad.package_files import content

FILE = Path(__file__).with_name("manual.txt")
PAGE = "\f"  # stands before each page, whose first line is a path (`sin`, `Tensor.sin`, `linalg.norm`)


def read(text: str) -> dict[str, str]:
    """The pages in the text of such a file.

    >>> read("\\fsin\\nsin(input)\\n--\\n\\nThe sine.\\n")
    {'sin': 'sin(input)\\n--\\n\\nThe sine.\\n'}
    """
    return {path: page for path, _, page in (part.partition("\n") for part in text.split(PAGE)[1:])}


TEXTS = read(content(FILE).decode())
