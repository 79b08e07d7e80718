"""Numbers that vary: where Python keeps them, and what a captured call makes of them.

`places` is what a number is read from and put back to, `substitution` has a call work on stand-ins that are followed
(`machine/learning/following.py`), `formula` is what came of it, computed anew before each replay.
"""
