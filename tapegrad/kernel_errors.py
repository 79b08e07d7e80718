"""What a kernel's status stands for, and what is raised for it."""
from __future__ import annotations

from collections.abc import Callable

from tapegrad import dtypes, errors
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.kernels.structural import FAILED, OFFENDING
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, machine, planner
from tapegrad.machine.llvm import late_binding
from tapegrad.ops.declaration import REGISTRY
from tapegrad.ops.linalg import REFUSALS, LinAlgError, refusal


def out_of_memory(nbytes: int) -> None:
    """Raise for a value of so many bytes that there is no memory for, or (0) for a tape that is full."""
    if not nbytes:
        raise errors.OutOfMemoryError(errors.TAPE_FULL.format(len(buffers)))
    raise errors.OutOfMemoryError(errors.NO_MEMORY.format(nbytes))


machine.set_hook("out_of_memory", out_of_memory)


def kernel_failed(plan: int, status: int) -> None:
    """Raise what a kernel's status stands for."""
    capturing.failed()
    found = planner.all[plan]
    assert found is not None
    if status == rec.RAISED and late_binding.failure:
        raise late_binding.failure.pop()
    if status in (rec.RAISED, rec.REFUSED) and found.op.name.startswith("custom."):
        raise errors.FunctionRaised(f"{found.op.name}: a function that it calls raised an exception, or returned an "
                                    "array of another shape than its signature says")
    if status == rec.OUT_OF_MEMORY:
        raise errors.OutOfMemoryError(f"{found.op.name}: there is no memory for its intermediate values")
    if status == rec.OUT_OF_RANGE:
        for step in found.steps:
            if step.checks is not None and step.nest[FAILED]:
                dim, size = step.checks
                name = found.op.name.rstrip("_")
                if name == "index_add" and len(found.operands[0].shape) > 1:
                    name = "scatter_add"  # which PyTorch does it by
                raise _OUT_OF_RANGE.get(name, _INDEX)(int(step.nest[OFFENDING]), dim, size)
    if status == rec.REFUSED and found.op.name not in REFUSALS:
        raise LinAlgError(f"{found.op.name}: the derivative needs the inverse of a singular matrix.")
    if status == rec.REFUSED:
        which, element = next(step.nest for step in found.steps if structural.fails(step.store))[-2:]
        raise LinAlgError(refusal(found.op.name, int(which), int(element), len(found.operands[0].shape) > 2))
    raise RuntimeError(f"{found.op.name}: a kernel failed with status {status}")


def _INDEX(place: int, dim: int, size: int) -> Exception:
    if not size:
        return IndexError("index is out of bounds for dimension with size 0")
    return IndexError(f"index {place} is out of bounds for dimension {dim} with size {size}")


def _in_self(place: int, dim: int, size: int) -> Exception:
    return IndexError("index out of range in self")


def _runtime(place: int, dim: int, size: int) -> Exception:
    return RuntimeError(f"index {place} is out of bounds for dimension {dim} with size {size}")


def _target(place: int, dim: int, size: int) -> Exception:
    return IndexError(f"Target {place} is out of bounds.")


def _flat(place: int, dim: int, size: int) -> Exception:
    return IndexError(f"out of range: tried to access index {place} on a tensor of {size} elements.")


def _copied(place: int, dim: int, size: int) -> Exception:
    return IndexError(f"index_copy_(): {_INDEX(place, dim, size)}")


def _zero_divisor(place: int, dim: int, size: int) -> Exception:
    return RuntimeError(errors.ZERO_DIVISION)


def _outside_unit(place: int, dim: int, size: int) -> Exception:
    return RuntimeError(f"all elements of {('input', 'target')[dim]} should be between 0 and 1")


def _beyond(place: int, dim: int, size: int) -> Exception:
    return errors.beyond(dtypes.ALL[size].name)


_OUT_OF_RANGE: dict[str, Callable[[int, int, int], Exception]] = {
    "index_select": _in_self, "embedding": _in_self, "index_add": _in_self, "checked_class": _target,
    "take": _flat, "put": _flat, "index_copy": _copied,
    **dict.fromkeys(("gather", "scatter", "scatter_value", "scatter_add", "scatter_multiply", "scatter_amax",
                     "scatter_amin"), _runtime),
    **dict.fromkeys((op.name for op in REGISTRY.values() if op.nonzero), _zero_divisor),
    **dict.fromkeys((op.name for op in REGISTRY.values() if op.unit), _outside_unit),
    **dict.fromkeys((op.name for op in REGISTRY.values() if op.fitting), _beyond),
}


machine.set_function(0, kernel_failed)
