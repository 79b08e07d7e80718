"""What a declaration that cannot be right is told, before anything is registered."""
from __future__ import annotations

import pytest

from tapegrad.ops import declaration

REFUSED = {
    "an operand called as the cotangent": (
        lambda: declaration.elementwise("taken", lambda g, x: g * x, lambda g, x: (g * x, g)),
        "in its vjp g is another value"),
    "a rule that asks for what is not there": (
        lambda: declaration.elementwise("asking", lambda x: x, lambda g, y: g * y), "vjp asks for y"),
    "a name that is taken": (lambda: declaration.elementwise("sin", lambda x: x), "declared twice"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_wrong_declaration_is_refused_and_leaves_nothing(kind):
    declare, said = REFUSED[kind]
    registered, opcodes = dict(declaration.REGISTRY), len(declaration.BY_OPCODE)
    with pytest.raises(declaration.DeclarationError, match=said):
        declare()
    assert registered == declaration.REGISTRY and len(declaration.BY_OPCODE) == opcodes
