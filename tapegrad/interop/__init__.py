"""Bridges to other libraries: `interop.scipy`."""
