"""Kernels of matrix products: `gemm` (start there), `gemv` for vectors, `weighted` for sums of products with weights,
all written with `product_writer`.

`blas` finds SciPy's BLAS and LAPACK: products on hosts without AVX2, factors and decompositions on all.
"""
from __future__ import annotations

from tapegrad.machine.kernels.products import blas, gemm, gemv, weighted
from tapegrad.machine.kernels.products.product_writer import Product, product

__all__ = ["Product", "blas", "gemm", "gemv", "product", "weighted"]
