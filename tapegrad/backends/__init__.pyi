"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad.backends import cpu as cpu
from tapegrad.backends import cuda as cuda
from tapegrad.backends import cudnn as cudnn
from tapegrad.backends import mkl as mkl
from tapegrad.backends import mkldnn as mkldnn
from tapegrad.backends import mps as mps
from tapegrad.backends import openmp as openmp
from tapegrad.backends import opt_einsum as opt_einsum

__all__: list[str]


