"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

class ConstraintRegistry():
    r"""Which map leads to which kind of constraint.

    >>> transform_to(constraints.unit_interval)
    SigmoidTransform()"""
    def __init__(self) -> None: ...
    def register(self, constraint: Any, factory: Any=None) -> Any:
        r"""Say what makes the map for constraints of a kind; without a `factory`, as a decorator of one."""

    def __call__(self, constraint: Any) -> Any: ...

biject_to: ConstraintRegistry
transform_to: ConstraintRegistry
