"""Recurrent layers and cells."""
from __future__ import annotations

import math
import operator
import warnings
from typing import Any

from tapegrad import creation, functions
from tapegrad.functions.nn import recurrent
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.nn import init
from tapegrad.nn.modules.module import Module
from tapegrad.nn.parameter import Parameter
from tapegrad.nn.utils.rnn import PackedSequence
from tapegrad.tensor import Tensor

show_public(__name__)

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _check_input(x: Any, weight: Any, wide: int, expected: int) -> None:
    if x.dtype is not weight.dtype:
        raise ValueError(f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                         f"input.to({weight.dtype}), or convert model: model.to({x.dtype})")
    shape = x.shape
    if len(shape) != expected:
        raise RuntimeError(f"input must have {expected} dimensions, got {len(shape)}")
    if shape[-1] != wide:
        raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {wide}, got {shape[-1]}")


_options = operator.itemgetter("mode", "input_size", "hidden_size", "proj_size", "bias", "num_layers", "dropout",
                               "training", "bidirectional", "batch_first")


def _from_zero(x: Any, weights: Any, options: tuple[Any, ...]) -> Any:
    """What a layer returns, one after the other, of an input that is not packed and no states.

    All of it is one recipe. Asked piece by piece for states and checks, Python took 20 us after whatever else had been
    in the processor's caches (2 us when it had just been called).
    """
    mode, wide, width, shown, bias, layers, dropout, training, both, batch_first = options
    batched = x.ndim == 3
    if not batched:
        x = x.unsqueeze(0 if batch_first else 1)
    if batch_first:
        x = x.transpose(0, 1)
    _check_input(x, weights[0], wide, 3)
    if not len(x):
        raise RuntimeError(_NO_STEPS)
    state = x.new_zeros((layers * (1 + both), x.shape[1], shown or width))
    states: Any = state
    if mode == "LSTM":
        states = state, x.new_zeros((*state.shape[:2], width)) if shown else state
    found = getattr(functions, mode.lower())(x, states, weights, bias, layers, dropout, training, both, False)
    out, ends = found[0], found[1:]
    out = out.transpose(0, 1) if batch_first else out
    if batched:
        return (out, *ends)
    return (out.squeeze(0 if batch_first else 1), *(s.squeeze(1) for s in ends))


_NO_STEPS = "Expected sequence length to be larger than 0 in RNN"
_begin = machine.remembered("_from_zero", _from_zero)


class RNNBase(Module):
    """What RNN, LSTM and GRU share (`torch.nn.RNNBase`): their weights, and sequences in every form they come in."""

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._check_options(dropout)
        gates = _GATES[mode] * hidden_size
        shown = proj_size or hidden_size
        self._flat_weights_names: list[str] = []
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            width = input_size if layer == 0 else shown * (1 + bidirectional)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, width), "weight_hh": (gates, shown)}
            if bias:
                shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for suffix in (f"_l{layer}", f"_l{layer}_reverse")[:1 + bidirectional]:
                for name, shape in shapes.items():
                    setattr(self, name + suffix, Parameter(creation.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append([name + suffix for name in shapes])
                self._flat_weights_names += self._all_weights[-1]
        self._weights_of = operator.itemgetter(*self._flat_weights_names)
        self.reset_parameters()

    def _check_options(self, dropout: Any) -> None:
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element "
                             "being "
                             "zeroed")
        if dropout > 0 and self.num_layers == 1:
            warnings.warn("dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                          f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                          stacklevel=4)
        for name in ("input_size", "hidden_size"):
            if not isinstance(getattr(self, name), int):
                raise TypeError(f"{name} should be of type int, got: {type(getattr(self, name)).__name__}")
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters, layer by layer and direction by direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Any]:
        held = self._parameters
        # An attribute where a parametrization, or somebody by hand, computes the weight.
        return [held[name] if name in held else getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Nothing to do: parameters lie where they lie (`torch.nn.RNNBase.flatten_parameters`)."""

    def reset_parameters(self) -> None:
        """Draw all weights anew, uniform between ±1/√hidden_size."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def get_expected_hidden_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape of a state for this input."""
        if batch_sizes is not None:
            count = int(batch_sizes[0])
        else:
            first, second, *_ = input.shape
            count = first if self.batch_first else second
        return self.num_layers * (1 + self.bidirectional), count, self.proj_size or self.hidden_size

    def get_expected_cell_size(self, input: Any, batch_sizes: Any) -> tuple[int, int, int]:
        """The shape of an LSTM's memory for this input."""
        return (*self.get_expected_hidden_size(input, batch_sizes)[:2], self.hidden_size)

    def check_input(self, input: Any, batch_sizes: Any) -> None:
        """Refuse an input that does not go with the weights."""
        _check_input(input, self.weight_ih_l0, self.input_size, 2 if batch_sizes is not None else 3)

    def check_hidden_size(self, hx: Any, expected: tuple[int, int, int],
                          msg: str = "Expected hidden size {}, got {}") -> None:
        """Refuse a state of another shape."""
        if tuple(hx.size()) != expected:
            raise RuntimeError(msg.format(expected, [*hx.size()]))

    def check_forward_args(self, input: Any, hidden: Any, batch_sizes: Any) -> None:
        """Refuse an input or states that do not fit."""
        self.check_input(input, batch_sizes)
        shape = self.get_expected_hidden_size(input, batch_sizes)
        if self.mode == "LSTM":
            self.check_hidden_size(hidden[0], shape, "Expected hidden[0] size {}, got {}")
            self.check_hidden_size(hidden[1], self.get_expected_cell_size(input, batch_sizes),
                                   "Expected hidden[1] size {}, got {}")
        else:
            self.check_hidden_size(hidden, shape)

    def permute_hidden(self, hx: Any, permutation: Any) -> Any:
        """States with their sequences in another order."""
        if permutation is None:
            return hx
        if isinstance(hx, tuple):
            return tuple(s.index_select(1, permutation) for s in hx)
        return hx.index_select(1, permutation)

    def _zeros(self, input: Any, sizes: Any) -> tuple[Any, ...]:
        """The states to start with where none are given."""
        shape = self.get_expected_hidden_size(input, sizes)
        state = input.new_zeros(shape)
        if self.mode != "LSTM":
            return (state,)
        return state, input.new_zeros((*shape[:2], self.hidden_size)) if self.proj_size else state

    def _states(self, hx: Any, batched: bool, sizes: Any, order: Any) -> tuple[Any, ...]:
        """The states that are given, in the order of the batch."""
        lstm = self.mode == "LSTM"
        given: tuple[Any, ...] = (hx[0], hx[1]) if lstm else (hx,)
        if sizes is None:
            axes = 3 if batched else 2
            if any(s.dim() != axes for s in given):
                names = "hx and cx" if lstm else "hx"
                each = ", ".join(f"{s.dim()}-D" for s in given)
                found = f"({each}) tensors" if lstm else f"{each} tensor"
                kind = "batched 3-D" if batched else "unbatched 2-D"
                raise RuntimeError(f"For {kind} input, {names} should also be {axes}-D but got {found}")
            if not batched:
                given = tuple(s.unsqueeze(1) for s in given)
        return tuple(self.permute_hidden(s, order) for s in given)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The states shown at every step, and the last ones of every layer."""
        # Few calls: of each, the memory that Python reads lies in no cache after a large operation, 2 to 4 µs.
        packed = isinstance(input, PackedSequence)
        if not packed and (axes := input.ndim) != 3 and axes != 2:
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {axes}D instead")
        if hx is None and not packed:
            try:
                weights = self._weights_of(self._parameters)
            except KeyError:
                weights = self._flat_weights
            found = _begin(input, weights, _options(self.__dict__))
            return found[0], found[1:] if self.mode == "LSTM" else found[1]
        x, sizes, order, back = input if packed else (input, None, None, None)
        batched = packed or axes == 3
        time_first = packed or not self.batch_first
        if not batched:
            x = x.unsqueeze(1 if time_first else 0)
        if hx is None:
            states = self._zeros(x, sizes)
            self.check_input(x, sizes)
        else:
            states = self._states(hx, batched, sizes, order)
            self.check_forward_args(x, states if self.mode == "LSTM" else states[0], sizes)
        if not time_first:
            x = x.transpose(0, 1)
        if not len(x):
            raise RuntimeError(_NO_STEPS)
        if sizes is not None:
            weights = recurrent.grouped(self.mode, self._flat_weights, self.bias, bool(self.proj_size))
            out, ends = recurrent.network(
                self.mode, x, states, weights, 1 + self.bidirectional, self.dropout, self.training, sizes.tolist())
            out = PackedSequence(out, sizes, order, back)
        else:
            out, *ends = getattr(functions, self.mode.lower())(
                x, states if self.mode == "LSTM" else states[0], self._flat_weights, self.bias, self.num_layers,
                self.dropout, self.training, self.bidirectional, False)
            out = out if time_first else out.transpose(0, 1)
            out = out if batched else out.squeeze(1 if time_first else 0)
        if back is not None:
            ends = tuple(self.permute_hidden(s, back) for s in ends)
        elif not batched:
            ends = tuple(s.squeeze(1) for s in ends)
        return out, (tuple(ends) if self.mode == "LSTM" else ends[0])

    def extra_repr(self) -> str:
        shown = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0),
                            ("bidirectional", False)):
            if getattr(self, name) != usual:
                shown += f", {name}={getattr(self, name)}"
        return shown


class RNN(RNNBase):
    """`h = tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)`, step by step (`torch.nn.RNN`).

    >>> import tapegrad as torch
    >>> out, h = torch.nn.RNN(3, 4)(torch.ones(5, 2, 3))
    >>> out.shape, h.shape
    (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]))

    Inputs are (T, N, I), (N, T, I) with `batch_first`, (T, I), or packed. `nonlinearity` is `tanh` or `relu`.
    """

    nonlinearity: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self.nonlinearity, args = args[3], (*args[:3], *args[4:])
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory (`torch.nn.LSTM`): gates decide what a memory takes in, keeps and shows.

    >>> import tapegrad as torch
    >>> out, (h, c) = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True)(torch.ones(5, 2, 3))
    >>> out.shape, h.shape, c.shape
    (torch.Size([5, 2, 8]), torch.Size([4, 2, 4]), torch.Size([4, 2, 4]))

    With `proj_size`, what is shown is projected to that many numbers. From Hochreiter and Schmidhuber (1997).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units (`torch.nn.GRU`): a gate mixes a new state with the old.

    >>> import tapegrad as torch
    >>> out, h = torch.nn.GRU(3, 4, batch_first=True)(torch.ones(2, 5, 3))
    >>> out.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))

    From Cho et al. (2014).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells share (`torch.nn.RNNCellBase`)."""

    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Tensor
    weight_hh: Tensor
    _mode = "RNN_TANH"

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(creation.empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(creation.empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(creation.empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, uniform between ±1/√hidden_size."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        shown = f"{self.input_size}, {self.hidden_size}" + (f", bias={self.bias}" if not self.bias else "")
        kind = getattr(self, "nonlinearity", "tanh")
        return shown if kind == "tanh" else f"{shown}, nonlinearity={kind}"

    def _check(self, x: Any, states: tuple[Any, ...]) -> None:
        if x.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}")
        for n, state in enumerate(states):
            if state.shape[0] != x.shape[0]:
                raise RuntimeError(f"Input batch size {x.shape[0]} doesn't match hidden{n} batch size {state.shape[0]}")
            if state.shape[1] != self.hidden_size:
                raise RuntimeError(f"hidden{n} has inconsistent hidden_size: got {state.shape[1]}, expected "
                                   f"{self.hidden_size}")

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state."""
        name, lstm = self._get_name(), self._mode == "LSTM"
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        if hx is not None:
            for n, state in enumerate(hx if lstm else (hx,)):
                if state.dim() not in (1, 2):
                    which = f"hx[{n}]" if lstm else "hidden"
                    raise ValueError(f"{name}: Expected {which} to be 1D or 2D, got {state.dim()}D instead")
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if hx is None:
            zeros = x.new_zeros((x.shape[0], self.hidden_size))
            states = (zeros, zeros) if lstm else (zeros,)
        else:
            states = tuple(s if batched else s.unsqueeze(0) for s in (hx if lstm else (hx,)))
        self._check(x, tuple(s if s.dim() == 2 else s.unsqueeze(1) for s in states))
        found = recurrent.cell(self._mode, x, states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        found = found if batched else tuple(s.squeeze(0) for s in found)
        return found if lstm else found[0]


class RNNCell(RNNCellBase):
    """One step of an RNN (`torch.nn.RNNCell`).

    >>> import tapegrad as torch
    >>> torch.nn.RNNCell(3, 4)(torch.ones(2, 3)).shape
    torch.Size([2, 4])
    """

    nonlinearity: str

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state; RuntimeError for a nonlinearity that is none."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return super().forward(input, hx)

    @property
    def _mode(self) -> str:  # type: ignore[override]
        return f"RNN_{self.nonlinearity.upper()}"


class LSTMCell(RNNCellBase):
    """One step of an LSTM (`torch.nn.LSTMCell`).

    >>> import tapegrad as torch
    >>> h, c = torch.nn.LSTMCell(3, 4)(torch.ones(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    _mode = "LSTM"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
                 ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)


class GRUCell(RNNCellBase):
    """One step of a GRU (`torch.nn.GRUCell`).

    >>> import tapegrad as torch
    >>> torch.nn.GRUCell(3, 4)(torch.ones(2, 3), torch.zeros(2, 4)).shape
    torch.Size([2, 4])
    """

    _mode = "GRU"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
                 ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)
