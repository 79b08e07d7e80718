"""Lanes: a batch of tensors that a function of one takes for one (`vmap`).

Start with `batched.py`: a `Batched` tensor has a value with an axis more for each level. `rules.py` is what `dispatch`
asks while a level is open, `kinds.py` how an operation on lanes is that operation on larger operands.
"""
