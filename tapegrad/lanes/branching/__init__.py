"""Lanes that go different ways: a function under a compiled `vmap` that looks at a number of each lane.

Start with `groups.py`: what a call does. Lanes that see the same are a group, and the function is run for each group
(`paths.py`). Where all that it does is operations on lanes, it is read as a graph instead (`flow.py`): a node for each
state of the Python program at a look (`python_state.py`), an edge for what is computed from there to the next. Lanes go
through that by themselves (`walks.py`), and where all is numbers (`numbers.py`) in native code (`kernels.py`), loops a
register of lanes at a time, whose places are taken by other lanes as lanes leave the loop. The way back is each lane's
own (`history.py`).
"""
from __future__ import annotations

from tapegrad.lanes.branching.groups import Grouped

__all__ = ["Grouped"]
