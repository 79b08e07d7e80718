"""Along axes: reductions, running reductions, sorting, statistics."""
