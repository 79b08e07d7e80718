"""`vmap` where minimisers outside of PyTorch look for it (`torch._vmap_internals`)."""
from tapegrad.batching import vmap

_vmap = vmap
