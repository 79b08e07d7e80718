"""What native code is taught while Python runs.

`lessons` writes down what a function of the facade does for arguments of a kind, so that the next such call takes no
Python; `capturing` notes what a captured call does that native code does not see, and puts its kernel calls off.
"""
from __future__ import annotations

from tapegrad.machine.learning import capturing, lessons

__all__ = ["capturing", "lessons"]
