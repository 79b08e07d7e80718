"""Connectionist temporal classification: the likelihood of a text over all its alignments with a sequence."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad import creation
from tapegrad.functions.common import PUBLIC, kind_name
from tapegrad.functions.nn.activations import nn
from tapegrad.functions.pointwise.arithmetic import where
from tapegrad.functions.several_outputs import one_node
from tapegrad.tensor import Tensor

_NOWHERE = -1e30  # the logarithm of no probability: finite, so that its gradient is zero and not NaN


_CHECKED = "(while checking arguments for ctc_loss_allocate_outputs)"


def _lengths(x: Any, name: str, count: int) -> list[int]:
    if isinstance(x, Tensor) and x.dtype.is_floating_point:
        raise RuntimeError(f"{name} must be integral")
    found = [int(n) for n in (x.tolist() if isinstance(x, Tensor) and x.ndim else [x] if isinstance(x, int) else
                              [x.item()] if isinstance(x, Tensor) else x)]
    if len(found) != count:
        raise RuntimeError(f"{name} must be of size batch_size")
    if min(found, default=0) < 0:
        raise RuntimeError(f"Expected {name} to have value at least 0, but got value {min(found)} {_CHECKED}")
    return found


def _labels(targets: Any, lengths: list[int], blank: int, classes: int) -> np.ndarray[Any, Any]:
    """Each text with blanks around its letters, to the longest one's length (N, 2 S + 1)."""
    values = targets._array()
    found = np.full((len(lengths), 2 * max(lengths, default=0) + 1), blank, np.int64)
    if values.ndim not in (1, 2):
        raise RuntimeError(f"Expected 1 to 2 dimensions, but got {values.ndim}-dimensional tensor for argument #2 "
                           f"'targets' {_CHECKED}")
    there, wanted = values.shape[0], len(lengths) if values.ndim == 2 else sum(lengths)
    if there != wanted:
        raise RuntimeError(f"Expected tensor to have size {wanted} at dimension 0, but got size {there} for argument "
                           f"#2 'targets' {_CHECKED}")
    start = 0
    for row, n in enumerate(lengths):
        text = values[row, :n] if values.ndim == 2 else values[start:start + n]
        if len(text) < n:
            raise RuntimeError(f"Expected tensor to have size at least {max(lengths)} at dimension 1, but got size "
                               f"{values.shape[-1]} for argument #2 'targets' {_CHECKED}")
        if np.any((text < 0) | (text >= classes)):
            raise RuntimeError(f"targets must be between 0 and {classes - 1}")
        found[row, 1:2 * n:2] = text
        start += n
    return found


@nn
def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
             reduction: str = "mean", zero_infinity: bool = False) -> Any:
    """Minus the log-likelihood of texts, over all alignments (`torch.nn.functional.ctc_loss`).

    >>> import tapegrad
    >>> ctc_loss(tapegrad.zeros(2, 1, 3).log_softmax(2), tapegrad.tensor([[1]]), [2], [1])
    tensor(1.0986)

    `log_probs` is (T, N, C) or (T, C), `targets` (N, S) or all texts one after the other. `mean` divides each by its
    length. The gradient is that of the probabilities that `log_probs` are logarithms of, as PyTorch's: it is to go on
    through `log_softmax`. From Graves et al. (2006).
    """
    if not log_probs.dtype.is_floating_point:
        raise NotImplementedError(f"\"ctc_loss_cpu\" not implemented for '{kind_name(log_probs)}'")
    if log_probs.ndim not in (2, 3):
        given = log_probs.ndim + (log_probs.ndim < 2)  # an axis for the batch is counted
        raise RuntimeError(f"Expected 3-dimensional tensor, but got {given}-dimensional tensor for argument "
                           f"#1 'log_probs' {_CHECKED}")
    batched = log_probs.ndim == 3
    x = log_probs if batched else log_probs.unsqueeze(1)
    texts = targets if batched or targets.ndim != 1 else targets.unsqueeze(0)
    steps, count, classes = x.shape
    if not x.numel():
        raise RuntimeError("log_probs tensor must not be empty")
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    heard, written = _lengths(input_lengths, "input_lengths", count), _lengths(target_lengths, "target_lengths", count)
    for n in heard:
        if n > steps:
            raise RuntimeError(f"Expected input_lengths to have value at most {steps}, but got value {n} {_CHECKED}")
    loss = _losses(x, _labels(texts, written, blank, classes), heard, written, blank, zero_infinity)
    if zero_infinity:
        loss = where(loss == math.inf, creation.zeros((), dtype=x.dtype), loss)
    if reduction == "mean":
        return (loss / creation.from_array(np.maximum(written, 1), x.dtype)).mean()
    if reduction == "sum":
        return loss.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return loss if batched else loss.squeeze(0)


@one_node("CtcLossBackward0")
def _losses(x: Tensor, labels: Any, heard: list[int], written: list[int], blank: int, forgiven: bool) -> Any:
    """Of each of a batch; infinite where there is no alignment, and so that its gradient is NaN unless `forgiven`."""
    steps, count, _ = x.shape
    width = labels.shape[1]
    emitted = x.gather(2, creation.from_array(np.broadcast_to(labels, (steps, count, width)).copy()))
    skips = np.full(labels.shape, _NOWHERE)  # over a blank, to a letter that is not the one before
    skips[:, 2:][(labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])] = 0
    begun = np.full(labels.shape, _NOWHERE)
    begun[:, 0] = 0
    begun[[n > 0 for n in written], 1:2] = 0
    skip, alpha = creation.from_array(skips, x.dtype), creation.from_array(begun, x.dtype) + emitted[0]
    nowhere = creation.full((count, 2), _NOWHERE, dtype=x.dtype)
    cat, stack = PUBLIC["cat"], PUBLIC["stack"]
    reached = [alpha]
    for t in range(1, steps):
        wide = cat([nowhere, alpha], 1)
        alpha = stack([alpha, wide[:, 1:-1], wide[:, :-2] + skip]).logsumexp(0) + emitted[t]
        reached.append(alpha)
    ends = creation.from_array(np.array([[2 * n, max(2 * n - 1, 0)] for n in written]).reshape(count, 2))
    last = creation.from_array(np.array([max(n - 1, 0) for n in heard], np.int64)).view(1, count, 1)
    last = last.expand(1, count, width)
    final = stack(reached).gather(0, last).squeeze(0).gather(1, ends)
    single = creation.from_array(np.array([[0.0, 0.0 if n else _NOWHERE] for n in written]).reshape(count, 2), x.dtype)
    loss = -(final + single).logsumexp(1)
    heard_at = creation.from_array(np.arange(steps)[:, None] < np.array(heard))
    mass = where(heard_at, x.exp().sum(2), creation.zeros((), dtype=x.dtype)).sum(0)
    loss = loss + (mass - mass.detach())  # the normalisation's share of the gradient
    impossible = loss.detach() > -_NOWHERE / 2
    if not bool(impossible.any()):
        return loss
    loss = loss.masked_fill(impossible, math.inf)
    if not forgiven:
        nothing = where(impossible, mass - mass.detach(), creation.ones((), dtype=x.dtype)).sqrt() * 0
        loss = loss + nothing  # whose slope at nought is infinite
    return loss


