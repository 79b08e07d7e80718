"""Marks for NVIDIA's profilers (`torch.cuda.nvtx`), which are refused as PyTorch's build for the CPU refuses them.

>>> import tapegrad as torch
>>> torch.cuda.nvtx.range_push("step")
Traceback (most recent call last):
    ...
RuntimeError: NVTX functions not installed. Are you sure you have a CUDA build?: tapegrad runs on the CPU only
"""
from __future__ import annotations

from tapegrad import absent
from tapegrad.namespaces import show_public

_FUNCTIONS = absent.namespace(
    __name__, {}, refused="range_push(msg) range_pop mark(msg) range(msg,*args,**kwargs)",
    told="NVTX functions not installed. Are you sure you have a CUDA build?")
globals().update(_FUNCTIONS)
__all__ = sorted(_FUNCTIONS)
show_public(__name__)
