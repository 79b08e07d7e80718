"""Checkpointing: a loop whose records would take more memory than there is keeps few of them, and is run again.

A loop that was found leaves a record a turn, which its backward reads in reverse. Here its turns become segments. The
records of one segment lie in a ring; the others' are computed anew when the backward comes to them, from snapshots of
what passes from turn to turn, by the binomial schedule (Griewank and Walther, Algorithm 799: revolve). It is the same
kernels on the same values, so that the gradient is the same to the last bit.

A segment is run again only where that computes the same: nothing that the loop reads may be written before its backward
is done. What is not known to be so is left as it is, with the reason.

Turns are counted from 0. A family of slots is numbered in the direction in which its loop walks, so that a place that
lies in slot n in turn 0 lies in n + t in turn t.

`rewriting.py` chooses and does it (start there); `pairs.py` finds what two loops have to do with each other, by the
`rings.py` of slots that they use, by the `touched.py` of their steps; `schedules.py` knows nothing of programs.
"""
