"""Bridges to other libraries: `interop.scipy`, `interop.dask`, `.futures` and `.joblib`, `interop.safetensors`."""
