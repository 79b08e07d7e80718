"""The optimisers that treat each element by itself: a paragraph each, of options, state, numbers and a rule.

In a rule, `p` is the parameter, `g` its gradient, and what follows its state; it returns all of these but `g` as they
are afterwards. What is the same for all elements is worked out among the numbers, in double precision.
"""
from tapegrad.optim.rules.adam import Adam, Adamax, AdamW, NAdam, RAdam
from tapegrad.optim.rules.descent import ASGD, SGD, Rprop
from tapegrad.optim.rules.squares import Adadelta, Adagrad, RMSprop

__all__ = ["ASGD", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"]
