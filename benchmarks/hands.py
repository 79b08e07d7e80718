"""Hand tracking, our own form of GradBench's `ht`: Jacobians of a posed hand's errors, beside the errors in C++.

A hand is 544 vertices on 22 bones, turned by 26 numbers; a point is held against a vertex, or (with two numbers more
for each point) against a place in a triangle.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import compiled
from benchmarks.gradbench import Values, primal
from benchmarks.harness import Measured, fastest, figure

BONES, VERTICES, TRIANGLES, ANGLES = 22, 544, 1084, 26
PARENTS = (-1, 0, *(1 if i % 4 == 2 else i - 1 for i in range(2, BONES)))  # two in the arm, four in each finger


def hand_data(size: int, triangles: bool = False) -> Values:
    rng = np.random.default_rng(0)

    def frames(count: int) -> np.ndarray[Any, Any]:
        turns = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]
        made = np.zeros((count, 4, 4))
        made[:, :3, :3], made[:, :3, 3], made[:, 3, 3] = turns, rng.uniform(-0.1, 0.1, (count, 3)), 1
        return made

    relatives, inverses = frames(BONES), frames(BONES)
    base = np.concatenate([rng.uniform(-1, 1, (3, VERTICES)), np.ones((1, VERTICES))])
    weights = rng.uniform(size=(BONES, VERTICES)) * (rng.uniform(size=(BONES, VERTICES)) < 0.2)
    weights /= weights.sum(0) + 1e-3
    corners = rng.integers(0, VERTICES, (TRIANGLES, 3))
    which = rng.integers(0, TRIANGLES if triangles else VERTICES, size)
    u = [rng.uniform(0, 0.5, (size, 2))] if triangles else []
    return [rng.uniform(-0.5, 0.5, ANGLES), *u, relatives, inverses, base, weights, rng.normal(size=(3, size)),
            *([corners] if triangles else []), which]


def turns(torch: Any, angles: Any) -> Any:
    """Matrices of turns about x, then y, then z."""
    (a, b, c), (s, t, u) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    rows = [(b * c, s * t * c - a * u, a * t * c + s * u), (b * u, s * t * u + a * c, a * t * u - s * c),
            (-t, s * b, a * b)]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def turned(torch: Any, v: Any) -> Any:
    """The matrix of a turn about a vector, by its length."""
    angle = (v ** 2).sum().sqrt()
    x, y, z = v / angle
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
    return torch.eye(3, dtype=v.dtype) + angle.sin() * cross + (1 - angle.cos()) * cross @ cross


def posed(torch: Any, theta: Any, relatives: Any, inverses: Any, base: Any, weights: Any) -> Any:
    """Where the vertices are, a column for each: all are turned and moved, a finger bends thrice, and spreads."""
    zero = theta.new_zeros(())
    angles = [torch.stack([zero, zero, zero])] * 2
    for finger in theta[6:].reshape(5, 4):
        angles += [torch.stack([finger[0], finger[1], zero]), torch.stack([finger[2], zero, zero]),
                   torch.stack([finger[3], zero, zero]), torch.stack([zero, zero, zero])]
    turned_by = torch.nn.functional.pad(turns(torch, torch.stack(angles)), (0, 1, 0, 1))
    moved = relatives @ (turned_by + torch.diag(theta.new_tensor([0, 0, 0, 1])))
    absolutes: list[Any] = []
    for bone, parent in enumerate(PARENTS):
        absolutes.append(moved[bone] if parent < 0 else absolutes[parent] @ moved[bone])
    transforms = (torch.stack(absolutes) @ inverses)[:, :3]
    vertices = (transforms @ base * weights[:, None]).sum(0)
    return turned(torch, theta[:3]) @ vertices + theta[3:6, None]


def ht(torch: Any, theta: Any, relatives: Any, inverses: Any, base: Any, weights: Any, points: Any, which: Any) -> Any:
    """How far points are from their vertices."""
    return points - posed(torch, theta, relatives, inverses, base, weights)[:, which]


def ht_triangles(torch: Any, theta: Any, u: Any, relatives: Any, inverses: Any, base: Any, weights: Any, points: Any,
                 corners: Any, which: Any) -> Any:
    """How far points are from places in their triangles."""
    a, b, c = posed(torch, theta, relatives, inverses, base, weights)[:, corners[which]].unbind(-1)
    return points - (u[:, 0] * a + u[:, 1] * b + (1 - u[:, 0] - u[:, 1]) * c)


def jacobian(torch: Any, triangles: bool, tensors: list[Any]) -> Callable[[], Any]:
    """The errors' derivatives by the pose, and of each point by its own two numbers: by a shift of all of them."""
    if not triangles:
        theta, *rest = tensors
        return lambda: torch.func.jacfwd(lambda theta: ht(torch, theta, *rest))(theta)
    theta, u, *rest = tensors
    shift = torch.zeros(2, dtype=u.dtype)
    return lambda: torch.func.jacfwd(lambda theta, shift: ht_triangles(torch, theta, u + shift, *rest), (0, 1))(
        theta, shift)


def against_errors(size: int, triangles: bool = False, form: str = "") -> Measured:
    """A compiled Jacobian and the errors in C++, whose vertices and weights may be `_columns`."""
    import tapegrad

    tapegrad.set_num_threads(1)
    data = hand_data(size, triangles)
    tensors = [tapegrad.from_numpy(a) for a in data]
    ours = compiled.warm(jacobian(tapegrad, triangles, tensors))
    loss = ht_triangles if triangles else ht
    at, errors = 2 + triangles, np.zeros((3, size))
    if form:
        data[at + 1:at + 3] = [np.ascontiguousarray(a.T) for a in data[at + 1:at + 3]]
    theirs = primal(loss.__name__ + form, [*data[:-1], errors, data[-1]])
    if theirs is None:
        return Measured(*fastest([ours]))
    theirs()
    np.testing.assert_allclose(loss(tapegrad, *tensors).numpy(), errors, rtol=1e-8, atol=1e-12)
    return Measured(*fastest([ours, theirs]))


@figure("hand tracking, 100 points against vertices: Jacobian ÷ the errors in C++ (the peer)", "s", must=6, aim=4)
def ht_100_primal() -> Measured:
    return against_errors(100)


@figure("the same ÷ the errors in C++ that has a column for each vertex (the peer), as GradBench's own does", "s",
        must=6, aim=4)
def ht_100_columns_primal() -> Measured:
    return against_errors(100, form="_columns")


@figure("the same with 1,000 points", "s", must=6, aim=4)
def ht_1000_columns_primal() -> Measured:
    return against_errors(1000, form="_columns")


@figure("the same with 10,000 points", "s", must=6, aim=4)
def ht_10000_columns_primal() -> Measured:
    return against_errors(10_000, form="_columns")


@figure("hand tracking, 100 points against places in triangles: Jacobian ÷ the errors in C++ (the peer)", "s", must=6,
        aim=4)
def ht_triangles_100_primal() -> Measured:
    return against_errors(100, True)


@figure("the same ÷ the errors in C++ that has a column for each vertex (the peer), as GradBench's own does", "s",
        must=6, aim=4)
def ht_triangles_100_columns_primal() -> Measured:
    return against_errors(100, True, "_columns")


@figure("the same with 1,000 points", "s", must=6, aim=4)
def ht_triangles_1000_columns_primal() -> Measured:
    return against_errors(1000, True, "_columns")
