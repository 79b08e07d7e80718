"""Kernels, the kernel table and the interpreter that replays tapes."""
