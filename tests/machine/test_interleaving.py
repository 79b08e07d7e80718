"""Chains of instructions side by side: each where its operands are there, and of the same bits."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.machine.kernels.interleaving import interleaved

CHAIN = ["  %{0}0 = load float, ptr %{0}.at", "  %{0}1 = fadd float %{0}0, 1.0", "  %{0}2 = fmul float %{0}1, %{0}1",
         "  %{0}3 = call float @llvm.fma.f32(float %{0}2, float %{0}1, float 2.0)"]
ENDS = ["  %sum = fadd float %a3, %b3", "  store float %sum, ptr %to", "  %late = add i64 %i, 1"]


def test_two_chains_take_turns():
    a, b = ([line.format(name) for line in CHAIN] for name in "ab")
    assert interleaved([*a, *b, *ENDS]) == [*a[:2], *b[:2], a[2], b[2], a[3], b[3], *ENDS]


@pytest.mark.parametrize("size", [1, 15, 16, 17, 33, 100])
def test_a_kernel_of_several_chains(size):
    """Its vectors, and what is left of a row, give what the functions give one by one."""
    rng = np.random.default_rng(size)
    x, y, c = (torch.from_numpy(rng.normal(0, 4, (3, size)).astype("f4")) for _ in range(3))

    @torch.compile
    def gates(x, y, c):
        return torch.sigmoid(x) * c + torch.sigmoid(y) * torch.tanh(x + y)

    for _ in range(3):
        found = gates(x, y, c)
    parts = torch.sigmoid(x) * c, torch.sigmoid(y) * torch.tanh(x + y)
    assert torch.equal(found, parts[0] + parts[1])
