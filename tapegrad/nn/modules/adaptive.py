"""Softmax over very many classes, the rare ones in clusters."""
from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from tapegrad.functions import PUBLIC
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn.modules.container import ModuleList, Sequential
from tapegrad.nn.modules.linear import Linear
from tapegrad.nn.modules.module import Module

show_public(__name__)

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])
_CUTOFFS = ("cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
            "value is "
            "between 1 and n_classes-1")


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of classes, of which the rare ones come in clusters with smaller layers each.

    >>> import tapegrad as torch
    >>> layer = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 100, cutoffs=[10, 50])
    >>> output, loss = layer(torch.ones(2, 8), torch.tensor([3, 70]))
    >>> output.shape, layer.log_prob(torch.ones(2, 8)).shape
    (torch.Size([2]), torch.Size([2, 100]))

    `torch.nn.AdaptiveLogSoftmaxWithLoss`; Grave et al., 2016.
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    shortlist_size: int
    n_clusters: int
    head_size: int
    head: Linear
    tail: ModuleList

    def __init__(self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0,
                 head_bias: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (any(int(c) != c for c in cutoffs) or cutoffs != sorted(set(cutoffs)) or cutoffs[0] <= 0
                or cutoffs[-1] > n_classes - 1):
            raise ValueError(_CUTOFFS)
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*cutoffs, n_classes]
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for j, (start, stop) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            hidden = int(in_features // div_value ** (j + 1))
            self.tail.append(Sequential(Linear(in_features, hidden, bias=False, device=device, dtype=dtype),
                                        Linear(hidden, stop - start, bias=False, device=device, dtype=dtype)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for layers in self.tail:
            for layer in layers:
                layer.reset_parameters()

    def forward(self, input_: Any, target_: Any) -> Any:
        """The log-probability of each target, and the mean of their negatives."""
        if target_.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target_.dim() == 1 and input_.size(0) != target_.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if input_.dim() != target_.dim() + 1:
            raise RuntimeError(f"{target_.dim()}D target tensor expects {target_.dim() + 1}D input tensors, but found "
                               f"inputs with size {input_.size()}")
        input, target = (input_, target_) if target_.dim() else (input_.unsqueeze(0), target_.unsqueeze(0))
        if ((target < 0) | (target >= self.n_classes)).any():
            raise RuntimeError(f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                               f"[{target.min().item()}, {target.max().item()}] were found. ")
        of_head = F.log_softmax(self.head(input), dim=1)
        place = target  # in the head: of the class itself, or of its cluster
        within: list[tuple[Any, Any]] = []
        for j, (start, stop) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            rows = ((target >= start) & (target < stop)).nonzero().squeeze(1)
            if rows.numel():
                place = place.index_fill(0, rows, self.shortlist_size + j)
                of_cluster = F.log_softmax(self.tail[j](input.index_select(0, rows)), dim=1)
                wanted = (target.index_select(0, rows) - start).unsqueeze(1)
                within.append((rows, of_cluster.gather(1, wanted).squeeze(1)))
        output = of_head.new_zeros(len(target))
        for rows, more in within:
            output = output.index_copy(0, rows, more)
        output = output + of_head.gather(1, place.unsqueeze(1)).squeeze(1)
        return _ASMoutput(output if target_.dim() else output.squeeze(0), (-output).mean())

    def _get_full_log_prob(self, input: Any, head_output: Any) -> Any:
        of_head = F.log_softmax(head_output, dim=1)
        first = self.shortlist_size
        parts = [of_head[:, :first]]
        for j, layers in enumerate(self.tail):
            parts.append(F.log_softmax(layers(input), dim=1) + of_head[:, first + j].unsqueeze(1))
        return PUBLIC["cat"](parts, 1)

    def log_prob(self, input: Any) -> Any:
        """The log-probabilities of all classes."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Any) -> Any:
        """The most likely class of each sample."""
        of_head = self.head(input)
        output = of_head.argmax(1)
        rare = output >= self.shortlist_size
        if rare.any():
            output[rare] = self._get_full_log_prob(input[rare], of_head[rare]).argmax(1)
        return output
