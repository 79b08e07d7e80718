"""A function summed over partitions that are elsewhere, and its gradient: what Dask, joblib and futures have in common.

`function.py` is what the program sees (start there); `capture.py` and `notes.py` make a tape of its function,
`messages.py` is what goes between processes, `programs.py` what workers do, `sums.py` how results are added up.
"""
