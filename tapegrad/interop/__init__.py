"""Bridges to other libraries: `interop.scipy`, `interop.safetensors`."""
