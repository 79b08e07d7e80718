"""What calls look like: one description a function, which everything that parses, refuses or explains calls reads.

A function written in Python is described by its own parameters and their annotations, an operation by its declaration,
and `table.FORMS` has what neither can say: several forms of one name, and PyTorch's names where a family shares code.
`overloads` turns all three into `Form`s, `kinds` says what an annotation lets in, and `argument_parser.checked` puts
arguments in place before a function sees them. Nothing is read before a function is first called with arguments that
native code has not learnt.
"""
from tapegrad.signatures.argument_parser import checked, described, made, unwrapped
from tapegrad.signatures.kinds import Ints, Number, Sizes, Tensor, Text
from tapegrad.signatures.overloads import REQUIRED, Form, Parameter, forms_of, operand_names

__all__ = [
    "REQUIRED", "Form", "Ints", "Number", "Parameter", "Sizes", "Tensor", "Text", "checked", "described", "forms_of",
    "made", "operand_names", "unwrapped",
]
