"""Words that calls made turn by turn are written with (see `loops.turns`)."""
from __future__ import annotations

HEAD = 6  # words before the first call
SCRATCH = 31  # as a pointer's number: the scratch
NO_ROWS = 95  # as a place in a call's nest: it does not depend on how many rows there are
MOST_WORDS = 95  # of the nest of one call
MOST_POINTERS = 12  # that move: those of a step
BUT_LAST = 1  # as a call's kernel of the first span: it is made at every turn but the last
KEY = "tapegrad_turns_key"  # the symbol of a word: the key of the memory that a thread keeps for the next turns
