"""The kernels that order elements, against NumPy: every dtype, lengths on both sides of each algorithm's bounds."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad as T
from tapegrad.ops.scans import middle, ordered

KINDS = ("float64", "float32", "int64", "int32", "int16", "int8", "uint8", "bool")
LENGTHS = (1, 2, 7, 48, 49, 100, 1000)


def rows(kind: str, n: int, special: bool = True) -> np.ndarray:
    rng = np.random.default_rng(n)
    least = 0 if kind in ("uint8", "bool") else -50
    a = rng.integers(least, 100, (3, n)) if n % 2 else rng.standard_normal((3, n)) * 60 + (60 if least == 0 else 0)
    a = a.astype(kind)
    if special and kind.startswith("f") and n > 2:
        a[0, ::3] = np.nan
        a[0, 0], a[0, 1], a[0, 2], a[-1, -1] = -np.nan, -0.0, 0.0, -np.inf
    return a


def both_ways(a: np.ndarray) -> list[T.Tensor]:
    return [T.tensor(a), T.tensor(np.ascontiguousarray(a.T)).t()]


@pytest.mark.parametrize("kind", KINDS)
def test_sorted_positions_are_numpys_stable_ones(kind: str) -> None:
    for n in LENGTHS:
        a = rows(kind, n)
        for descending in (False, True):
            wanted = ordered(a, 1, descending)
            for x in both_ways(a):
                assert np.array_equal(x.argsort(1, descending).numpy(), wanted), (n, descending)
                for k in {0, 1, min(n, 3), min(n, 32), min(n, 33), n}:
                    found = x.topk(k, 1, descending)
                    assert np.array_equal(found.indices.numpy(), wanted[:, :k]), (n, k, descending)


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_medians_are_where_numpys_stable_order_has_them(kind: str) -> None:
    for n in LENGTHS:
        a = rows(kind, n)
        for x in both_ways(a):
            assert np.array_equal(x.median(1, True).indices.numpy(), middle(a, 1, False)), n
            if kind.startswith("f"):
                assert np.array_equal(x.nanmedian(1, True).indices.numpy(), middle(a, 1, True)), n


@pytest.mark.parametrize("n", [10, 1000, 5000])
def test_medians_of_rows_that_are_hard_to_select_in(n: int) -> None:
    i = np.arange(n)
    for a in (i, i[::-1], np.minimum(i, n - i), np.zeros(n), i % 2, i % 7, np.where(i < n // 2, i, i - n)):
        a = a.astype("float64")
        assert T.tensor(a).median().item() == np.sort(a)[(n - 1) // 2]


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_places_in_order_are_numpys(kind: str) -> None:
    for n in LENGTHS:
        values = rows(kind, n)
        edges = np.sort(values, 1)
        for right in (False, True):
            side = "right" if right else "left"
            wanted = np.stack([np.searchsorted(e, v, side) for e, v in zip(edges, values)])
            assert np.array_equal(T.searchsorted(T.tensor(edges), T.tensor(values), right=right).numpy(), wanted)
            flat = T.searchsorted(T.tensor(edges[1]), T.tensor(values), right=right, out_int32=True)
            assert flat.dtype is T.int32
            assert np.array_equal(flat.numpy(), np.searchsorted(edges[1], values, side))


def test_the_ends_of_int64_are_numbers_like_others() -> None:
    low, high = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    x = T.tensor([[low, high, 3, high]])
    assert x.sort(1).indices.tolist() == [[0, 2, 1, 3]]
    assert x.sort(1, True).indices.tolist() == [[1, 3, 2, 0]]
    assert x.median(1).values.tolist() == [3]
