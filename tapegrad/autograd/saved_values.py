"""What a node keeps for its backward, as it can be asked for (`grad_fn._saved_self`), and hooks on one of these."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import errors
from tapegrad.autograd import engine, modes, recorded_adjoints
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine
from tapegrad.machine.planning import KEEPS_RESULT
from tapegrad.tape import history, hooks
from tapegrad.tape.reading import instruction_of, operands_of, plan_of

# The names that PyTorch gives them, and which operand that is here.
SAVED = {"_saved_self": 0, "_saved_other": 1, "_saved_exponent": 1, "_saved_mat2": 1, "_saved_result": KEEPS_RESULT}


class SavedTensor:
    """Where a node keeps a tensor for its backward (`torch.autograd.SavedTensor`), for hooks on that one alone.

    >>> import tapegrad
    >>> x = tapegrad.tensor([1.0, 2.0], requires_grad=True)
    >>> y = x.exp()
    >>> y.grad_fn._raw_saved_result.register_hooks(lambda t: t.tolist(), lambda kept: tapegrad.tensor(kept))
    >>> y.sum().backward(); x.grad
    tensor([2.7183, 7.3891])

    Raises RuntimeError where it has hooks already, or was freed.
    """

    __slots__ = ("_place",)

    def __init__(self, *place: Any) -> None:
        if not place:
            raise RuntimeError("Trying to create a SavedTensor object from Python is forbidden.")
        self._place = place

    def register_hooks(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        """Keep what `pack_hook` makes of the tensor; backward is given what `unpack_hook` makes of that."""
        if not callable(pack_hook) or not callable(unpack_hook):
            raise TypeError("register_hooks(): incompatible function arguments: two functions are expected")
        self._place[0](*self._place[1:], (pack_hook, unpack_hook))

    def _value(self) -> Any:
        return self._place[0](*self._place[1:], None)


def packed_by(pack: Callable[[Any], Any], tensor: Any) -> Any:
    """What a hook makes of a tensor, which it may not write to."""
    version = history.version(tensor)
    with modes.no_grad():
        found = pack(tensor)
    if history.version(tensor) != version:
        raise RuntimeError("A saved tensor pack hook is modifying its input in place. Tensors provided as input to "
                           "pack hook cannot be modified by in-place operations as this can lead to unexpected "
                           "side-effects. Please open an issue if you need to perform in-place operations on the input "
                           "to a pack hook.")
    return found


def of_instruction(node: Any, position: int, given: Any) -> Any:
    """What an instruction keeps of an operand or (KEEPS_RESULT) of its result; with hooks `given`, let them keep it."""
    t = instruction_of(node._row)
    assert t is not None
    plan, (rows, needs) = plan_of(t), operands_of(t)
    if not any(position in kept for j, kept in enumerate(plan.keeps) if needs >> j & 1):
        if given is not None:
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        return None
    attached = hooks.find(node._row)
    if machine.instructions[t]["plan"] & rec.RELEASED:
        raise RuntimeError(errors.SECOND_BACKWARD)
    by_hooks = {} if attached is None or attached.saved is None else attached.saved
    if position in by_hooks:
        if given is not None:
            raise RuntimeError("Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only "
                               "one pair of hooks is allowed at a time.")
        return recorded_adjoints.unpacked(*by_hooks[position])
    engine.check_kept(t)
    value = machine.call.tensor_of(node._row if position == KEEPS_RESULT else rows[position],
                                   recorded_adjoints.tensor_type())
    if given is None:
        return value
    pack, unpack = given
    row = node._row if position == KEEPS_RESULT else rows[position]
    node._attached().saved = {**by_hooks, position: (unpack, packed_by(pack, value.detach()), row)}
    return None
