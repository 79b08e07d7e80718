"""What this library was built with (`torch.version`): for the CPU alone.

>>> import tapegrad as torch
>>> torch.version.cuda is None
True
"""
from tapegrad import __version__
from tapegrad.namespaces import show_public

cuda = hip = xpu = rocm = git_version = None
debug = False
__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "rocm", "xpu"]
show_public(__name__)
