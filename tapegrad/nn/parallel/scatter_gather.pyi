"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad.nn.parallel import gather as gather
from tapegrad.nn.parallel import parallel_apply as parallel_apply
from tapegrad.nn.parallel import replicate as replicate
from tapegrad.nn.parallel import scatter as scatter

__all__: list[str]


