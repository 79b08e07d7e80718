"""A tensor as a Python object: as a number, a container, a string; copied and pickled.

`Protocols` is mixed into `Tensor`. A copy or a pickle is of the storage and how a tensor lies in it, so that a view
stays where it was, and tensors that share memory still do after `copy.deepcopy`.
"""
from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, errors, printing, shapes
from tapegrad.autograd import modes
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.tape import hooks
from tapegrad.tape.reading import instruction_of, plan_of

# Methods that look at where elements lie, or at the elements, which not every subclass has.
ELEMENTS = ("_array _memory numpy tolist __array__ __dlpack__ data_ptr storage untyped_storage "
            "typed_storage _typed_storage storage_offset share_memory_ __reduce_ex__ __deepcopy__")
_told = False  # PyTorch, too, says it once a process


def reread(x: Any, dtype: dtypes.dtype, shape: shapes.Shape, strides: shapes.Shape, offset: int = 0,
           kind: type | None = None) -> Any:
    """A tensor on another's memory, `offset` bytes from where that starts: it shares the version, and no history."""
    if x._stands_in:
        raise errors.PerLane(errors.LANES_STORAGE)
    row = buffers[x._buffer]
    return call.adopt(layouts.intern(dtype, shape, strides).id, int(row["address"]) + offset, int(row["owner"]),
                      kind or machine.tensor_type)


def alias(x: Any, kind: type | None = None) -> Any:
    """The same memory in the same layout, without history."""
    if x._stands_in:
        return x.detach()
    layout = layouts.all[x._layout]
    return reread(x, layout.dtype, layout.shape, layout.strides, 0, kind)


def storage(x: Any) -> tuple[int, int]:
    """Where the memory begins that `x` lies in, and its bytes."""
    owner = buffers[int(buffers[x._buffer]["owner"])]
    return int(owner["address"]), layouts.all[int(owner["layout"])].nbytes


def _shown(x: Any) -> dict[str, Any]:
    """The attributes that the user gave; hooks are about this very tensor's gradient."""
    return {name: value for name, value in vars(x).items() if name not in (hooks.NAME, hooks.POST_ACCUMULATE)}


def _on_storage(block: Any, like: tuple[Any, ...], kind: type) -> Any:
    """A tensor on a block of bytes; `like` is (dtype, shape, strides, offset in bytes)."""
    dtype, shape, strides, offset = like
    return reread(block, dtype, shape, strides, offset, kind)


def copied(content: np.ndarray[Any, Any]) -> Any:
    """A tensor of bytes."""
    made = call.empty(layouts.intern(dtypes.uint8, (len(content),)).id)
    made._memory()[...] = content
    return made


def rebuild(kind: type, content: np.ndarray[Any, Any], like: tuple[Any, ...], requires_grad: bool) -> Any:
    """What a pickle holds, as a tensor again."""
    made = _on_storage(copied(content), like, kind)
    return made.requires_grad_(requires_grad)


def _tell_what_is_lost() -> None:
    """Say once that a number does not know what it was computed from."""
    global _told
    if not _told:
        _told = True
        from tapegrad import dispatch

        dispatch.warn("Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
                      "Consider using tensor.detach() first.")


class Protocols:
    """What Python asks of a tensor."""

    __slots__ = ()

    # ------------------------------------------------------------ a number

    def __bool__(self: Any) -> bool:
        numel = self.numel()
        if numel == 1:
            return bool(self._scalar())
        if numel == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")

    def _number(self: Any) -> Any:
        if self.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._scalar()

    def __float__(self: Any) -> float:
        if self.requires_grad and call.is_recording(None):
            _tell_what_is_lost()
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __complex__(self) -> complex:
        return complex(float(self))

    def __index__(self: Any) -> int:
        if self.dtype.is_floating_point or self.numel() != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._scalar())

    def __invert__(self: Any) -> Any:
        if self.dtype.is_floating_point:
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return self.bitwise_not()

    # ------------------------------------------------------------ a container

    def __len__(self: Any) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self: Any) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (machine.TensorBase, bool, int, float, np.generic)):
            raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                               f"{type(element)}.")
        found: Any = element == self
        return bool(found.any())

    def __reversed__(self: Any) -> Any:
        return self.flip(0) if self.ndim else self

    # ------------------------------------------------------------ a string

    def __repr__(self: Any, *, tensor_contents: Any = None) -> str:
        capturing.refuse("a tensor is turned into text")
        try:
            t = None if self.is_leaf else instruction_of(self._buffer)  # `is_leaf` brings a view up to date
            node = None if t is None else plan_of(t).grad_name
        except RuntimeError:  # a view that may have no history any more
            node = "Invalid"
        tangent = None if dispatch.tangents is None else dispatch.tangents.of(self)
        if tangent is not None:
            tangent = str(tangent if tangent.ndim else tangent.item())
        plain = type(self) is machine.tensor_type or not type(self)._spreads
        text = printing.format_tensor(
            self._array(), self.dtype, default_dtype=dtypes.default_dtype(), requires_grad=self.requires_grad,
            grad_fn_name=node, tangent=tangent, **({} if plain else {"prefix": f"{type(self).__name__}("}),
        )
        return text if plain or "_is_param" not in vars(self) else f"Parameter({text})"

    def _repr_html_(self: Any) -> str:
        """The same for notebooks, and below it the tape that it depends on, to be opened."""
        import html

        from tapegrad.tape import Tape, naming, taking

        shown = f"<pre>{html.escape(repr(self))}</pre>"
        try:
            recorded = not self._stands_in and not self.is_leaf
        except RuntimeError:  # as above
            recorded = False
        if not recorded:
            return shown
        count = len(taking.leading_to([self._buffer], ()))
        if count > Tape.MOST_SHOWN:
            return f"{shown}<pre>on a tape of {count} instructions</pre>"
        program = [(value, name) for name, value in [*vars(sys.modules["__main__"]).items()] if name[0] != "_"]
        tape = Tape._of([self], None, None, naming.names_from(program), True)
        return f"{shown}<details><summary>{html.escape(repr(tape))}</summary>{tape._repr_html_()}</details>"

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    # ------------------------------------------------------------ copies

    def __copy__(self: Any) -> Any:
        """The same memory in a new object; a leaf."""
        made = alias(self, type(self)).requires_grad_(self.requires_grad)
        vars(made).update(_shown(self))
        return made

    def __deepcopy__(self: Any, memo: dict[Any, Any]) -> Any:
        if not self.is_leaf:
            raise RuntimeError(errors.DEEPCOPY_NON_LEAF)
        if id(self) in memo:
            return memo[id(self)]
        start, nbytes = storage(self)
        key = ("storage of a tensor", start)
        if key not in memo:
            with modes.no_grad():
                memo[key] = self.clone() if self.nbytes == nbytes and layouts.all[self._layout].dense else copied(
                    machine.memory(start, "u1", nbytes))
        new = _on_storage(memo[key], self._place(), type(self))
        memo[id(self)] = new.requires_grad_(self.requires_grad)
        if self.grad is not None:
            new.grad = copy.deepcopy(self.grad, memo)
        vars(new).update(copy.deepcopy(_shown(self), memo))
        return new

    def _place(self: Any) -> tuple[Any, ...]:
        layout = layouts.all[self._layout]
        return layout.dtype, layout.shape, layout.strides, self.data_ptr() - storage(self)[0]

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        capturing.refuse("a tensor is copied or pickled")
        content = np.array(machine.memory(*storage(self)[:1], "u1", storage(self)[1]))
        return rebuild, (type(self), content, self._place(), self.requires_grad), _shown(self) or None

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
