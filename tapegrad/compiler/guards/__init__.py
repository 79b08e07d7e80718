"""Guards: what a function's code may read, and how a captured call sees that none of it changed since.

`reachable` follows the names in its code (start there; `bytecode` lists them, `class_members` and `trusted_values` say
which lead no further). What it meets is compared before every replay, by content (`contents`) or as words of memory
(`memory_words`).
"""
