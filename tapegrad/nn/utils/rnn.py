"""Sequences of several lengths: packed one step of all after the other, or padded (`torch.nn.utils.rnn`)."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tapegrad import creation, dtypes
from tapegrad.functions import PUBLIC
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
           "pad_sequence", "unpack_sequence", "unpad_sequence"]
show_public(__name__)

_UNSORTED = ("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
             "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
             "do not need ONNX exportability.")


class _Packed(NamedTuple):
    """What a packed sequence is made of."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """The first elements of all sequences, then the second, …, and how many there are of each.

    >>> import tapegrad as torch
    >>> packed = pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))

    Sequences come longest first; `sorted_indices` says which they were.
    """

    __slots__ = ()

    def __new__(cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None,
                unsorted_indices: Any = None) -> Any:
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with data of another dtype."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """This one, for everything is on the CPU, or what `to` makes of it."""
        return self.to(*args, **kwargs) if args or kwargs else self

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Refused: there is the CPU only."""
        return self._replace(data=self.data.cuda(*args, **kwargs))

    def pin_memory(self) -> PackedSequence:
        """This one: nothing is copied to a device."""
        return self

    def is_pinned(self) -> bool:
        """Never: memory is not pinned here."""
        return False

    is_cuda = False


def _conversion(name: str) -> Any:
    def convert(self: PackedSequence) -> PackedSequence:
        return self.to(dtypes.BY_NAME[name])

    convert.__doc__ = f"The same with data of dtype {name}."
    return convert


for _method, _dtype in (("double", "float64"), ("float", "float32"), ("half", "float16"), ("long", "int64"),
                        ("int", "int32"), ("short", "int16"), ("char", "int8"), ("byte", "uint8")):
    setattr(PackedSequence, _method, _conversion(_dtype))


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes one; None for None.

    >>> import tapegrad as torch
    >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else permutation.argsort()


def _places(sizes: list[int], step: int, along: int) -> Any:
    """Where the packed elements lie in a padded batch, flattened: (time, batch) or (batch, time)."""
    return creation.tensor([t * step + b * along for t, n in enumerate(sizes) for b in range(n)], dtype=dtypes.int64)


def pack_padded_sequence(input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
                         ) -> PackedSequence:
    """A padded batch without its padding (`torch.nn.utils.rnn.pack_padded_sequence`).

    >>> import tapegrad as torch
    >>> pack_padded_sequence(torch.tensor([[1, 2, 0], [3, 4, 5]]), [2, 3], batch_first=True, enforce_sorted=False).data
    tensor([3, 1, 4, 2, 5])

    The input is (time, batch, …), or (batch, time, …) with `batch_first`. Raises RuntimeError for lengths that are not
    sorted, longest first, unless `enforce_sorted` is False, for one that is not positive or longer than the input, and
    where there are not as many as sequences.
    """
    lengths = creation.as_tensor(lengths, dtype=dtypes.int64)
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    if not input.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    batch, time = (input.shape[0], input.shape[1]) if batch_first else (input.shape[1], input.shape[0])
    counted = lengths.tolist()
    if len(counted) != batch:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(counted)} "
                           f"(batch_size={batch})")
    if min(counted) <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is "
                           "<= 0")
    if counted != sorted(counted, reverse=True):
        raise RuntimeError(_UNSORTED)
    if counted[0] > time:
        raise RuntimeError(f"Expected lengths of at most {time}, as many steps as there are, but got {counted[0]}")
    sizes = [sum(n > t for n in counted) for t in range(counted[0])]
    places = _places(sizes, *((1, time) if batch_first else (batch, 1)))
    data = input.reshape(batch * time, *input.shape[2:]).index_select(0, places)
    return PackedSequence(data, creation.tensor(sizes, dtype=dtypes.int64), order)


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Any, Any]:
    """A padded batch and the lengths in it (`torch.nn.utils.rnn.pad_packed_sequence`).

    >>> import tapegrad as torch
    >>> pad_packed_sequence(pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])]), batch_first=True)
    (tensor([[1, 2, 3],
            [4, 5, 0]]), tensor([3, 2]))

    ValueError for a `total_length` that is shorter than a sequence.
    """
    sizes, data = sequence.batch_sizes.tolist(), sequence.data
    time = len(sizes)
    if total_length is not None:
        if total_length < time:
            raise ValueError("Expected total_length to be at least the length of the longest sequence in input, but "
                             "got "
                             f"total_length={total_length} and max sequence length being {time}")
        time = total_length
    batch = sizes[0]
    shape = (batch, time) if batch_first else (time, batch)
    padded = data.new_full((batch * time, *data.shape[1:]), padding_value)
    padded = padded.index_copy(0, _places(sizes, *((1, time) if batch_first else (batch, 1))), data)
    padded = padded.reshape(*shape, *data.shape[1:])
    lengths = creation.tensor([sum(b < n for n in sizes) for b in range(batch)], dtype=dtypes.int64)
    if sequence.unsorted_indices is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, sequence.unsorted_indices), lengths[sequence.unsorted_indices]


def pad_sequence(sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
                 ) -> Any:
    """Sequences side by side, padded to the length of the longest (`torch.nn.utils.rnn.pad_sequence`).

    >>> import tapegrad as torch
    >>> pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: "
                           f"{type(sequences)}")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    for i, s in enumerate(sequences):
        if not isinstance(s, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(s).__name__}")
        if not s.ndim:
            raise RuntimeError("ArrayRef: invalid slice, N = 1; size = 0")
    longest = max(s.shape[0] for s in sequences)
    first = sequences[0]
    for i, s in enumerate(sequences):  # what follows is copied to the shape and dtype of the first
        if s.shape[1:] != first.shape[1:] or s.dtype is not first.dtype:
            sequences[i] = first.new_empty((s.shape[0], *first.shape[1:])).copy_(s)

    def filled(s: Any) -> list[Any]:
        missing = longest - s.shape[0]
        return [s.new_full((missing, *first.shape[1:]), padding_value)] if missing else []

    rows = [PUBLIC["cat"]([s, *filled(s)] if padding_side == "right" else [*filled(s), s]) for s in sequences]
    return PUBLIC["stack"](rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences of a padded batch (`torch.nn.utils.rnn.unpad_sequence`).

    >>> import tapegrad as torch
    >>> torch.nn.utils.rnn.unpad_sequence(torch.tensor([[1, 3], [2, 0]]), torch.tensor([2, 1]))
    [tensor([1, 2]), tensor([3])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(rows, lengths.tolist(), strict=True)]


def pack_sequence(sequences: list[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences, packed (`torch.nn.utils.rnn.pack_sequence`).

    >>> import tapegrad as torch
    >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]).data
    tensor([1, 3, 2])
    """
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences that were packed (`torch.nn.utils.rnn.unpack_sequence`).

    >>> import tapegrad as torch
    >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
    >>> torch.nn.utils.rnn.unpack_sequence(packed)
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
