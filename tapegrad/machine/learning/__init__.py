"""What native code is taught while Python runs.

`lessons` writes down what a function of the facade does for arguments of a kind, so that the next such call takes no
Python (`notes` has what is written, `recipes` what native code gets of it); `capturing` notes what a captured call does
that native code does not see, and puts its kernel calls off; `following` notes what it makes of Python numbers that are
others at each call, and `parts` which parts of tensors begin where one of them says.
"""
from __future__ import annotations

from tapegrad.machine.learning import capturing, following, lessons, parts

__all__ = ["capturing", "following", "lessons", "parts"]
