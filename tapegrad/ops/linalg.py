"""Matrix products: rules in terms of `@` and transposes, kernels from BLAS."""
from __future__ import annotations

from .spec import structured

structured("mm", lambda builder, x, y: x @ y, lambda g, x, y: (g @ y.mT, x.mT @ g), multilinear=True)
structured("bmm", lambda builder, x, y: x @ y, lambda g, x, y: (g @ y.mT, x.mT @ g), multilinear=True)
structured("mv", lambda builder, x, y: x @ y, lambda g, x, y: (g.unsqueeze(1) @ y.unsqueeze(0), x.mT @ g),
           multilinear=True)
