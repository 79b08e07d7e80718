"""Powers by numbers, in compiled functions as eager: to the last bit, whichever number it is this time."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

POWERS: dict[str, Callable[..., Any]] = {
    "alone": lambda x, p: x ** p,
    "fused": lambda x, p: ((x * 2 + 1) ** p).sin() * x ** (p - 1) + (x * 0.5) ** (p * 0.5),
    "constants": lambda x, p: (x * 2 + 1) ** 2.0 + x ** 0.5 * p + (x * 0.5) ** -0.5 + (x - 1) ** 3.0 + x ** -1.0,
    "in turns": lambda x, p: sum(((x + i) ** p for i in range(6)), x * 0),
    "another each turn": lambda x, p: sum((x ** (i * 0.5) for i in range(8)), x * p),
    "another each row": lambda x, p: torch.stack([x[i] ** float(i % 4) for i in range(12)]) * p,
    "in place": lambda x, p: (x * 1).pow_(p).__ipow__(2.0),
    "of a derivative": lambda x, p: torch.autograd.grad((x ** p).sum(), x, create_graph=True)[0],
}


@pytest.mark.filterwarnings("ignore:.*captured.*never replayed")
@pytest.mark.parametrize("name", POWERS)
def test_powers_are_chosen_by_value(name):
    """An exponent that varies is a product or a root where it is one as written, in value and derivative."""
    f = POWERS[name]
    g = compile(f)
    data = torch.cat([torch.randn(60, generator=torch.Generator().manual_seed(0)),
                      torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40])])
    for p in (2.5, 2.0, 3.0, 0.5, -0.5, -1.0, -2.0, 0.0, 1.0, 4.0, 1.5, 2.0, 2.0, 2, 2, 3, 3, -1) * 2:
        ours, theirs = (data.clone().requires_grad_() for _ in range(2))
        pairs = [(g(ours, p), f(theirs, p))]
        assert pairs[0][0].requires_grad == pairs[0][1].requires_grad
        if pairs[0][0].requires_grad:
            for y in pairs[0]:
                y.sum().backward()
            pairs.append((ours.grad, theirs.grad))
        for a, b in pairs:
            a, b = a.detach().nan_to_num(nan=7.5), b.detach().nan_to_num(nan=7.5)
            assert torch.equal(a.view(torch.int32), b.view(torch.int32)), p
