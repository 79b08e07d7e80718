"""Programs whose tapes the tests of this folder read, and a source of random ones.

Run as a script, this writes the golden files anew: look at the difference before keeping it.
"""
from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import tapegrad as torch
from tapegrad.tape import Tape

GOLDEN = Path(__file__).parent / "golden"
PROGRAMS: dict[str, Callable[[], Tape]] = {}


def program(function: Callable[[], Tape]) -> Callable[[], Tape]:
    PROGRAMS[function.__name__] = function
    return function


def ramp(*shape: int, dtype: torch.dtype = torch.float32, grad: bool = True) -> torch.Tensor:
    """Distinct values between 0.1 and 2."""
    n = torch.Size(shape).numel()
    values = torch.linspace(0.1, 2, n, dtype=dtype).reshape(shape).detach() if n else torch.zeros(shape, dtype=dtype)
    return values.clone().requires_grad_(grad)


@program
def layer() -> Tape:
    x, w, b = ramp(8, 3, dtype=torch.float64, grad=False), ramp(3, 4, dtype=torch.float64), ramp(4, dtype=torch.float64)
    h = (x @ w + b).tanh()
    loss = (h * h).sum()
    return Tape.of(loss)


@program
def tutorial() -> Tape:
    b, w, x_train = ramp(1), ramp(1), ramp(120, grad=False)
    y_train = 2 * x_train + 3
    loss = ((y_train - (b + w * x_train)) ** 2).mean()
    return Tape.of(loss)


@program
def tutorial_scalars() -> Tape:
    a = torch.ones(1, requires_grad=True)
    w1, w2, w3, w4 = (torch.tensor(i) for i in (1, 2, 3, 4))
    b, c = w1 * a, w2 * a
    d = (w3 * b) + (w4 * c)
    L = d**2
    return Tape.of(L, names={"a": a, "w1": w1, "w2": w2, "w3": w3, "w4": w4})


@program
def mlp() -> Tape:
    x, w1, b1, w2, b2 = ramp(5, 4, grad=False), ramp(4, 6), ramp(6), ramp(6, 3), ramp(3)
    hidden = (x @ w1 + b1).relu()
    loss = -(hidden @ w2 + b2).log_softmax(1).mean()
    return Tape.of(loss, name="cross entropy", names={"x": x, "layers.0.weight": w1, "layers.0.bias": b1})


@program
def views() -> Tape:
    x = ramp(3, 4)
    corner = x.t()[1:3].t()
    row = x[2]
    grown = x.unsqueeze(1).expand(3, 2, 4).permute(1, 0, 2)
    return Tape.of(corner * corner, row + grown, x.view(2, 6).diagonal(), name="views")


@program
def reductions() -> Tape:
    x, y = ramp(3, 4), ramp(4)
    return Tape.of(x.mean(1), x.sum(0), x.sum((0, 1), keepdim=True) * x.amax(1, keepdim=True), x.softmax(0),
                   x.logsumexp(1), (x - y).mean(), name="reductions")


@program
def numbers() -> Tape:
    x = ramp(3)
    y = ((x * 2.5 + 7 + True) / 1e-30).clamp(-0.0, float("inf")) ** -1
    return Tape.of(y)


@program
def choices() -> Tape:
    x, y = ramp(4), ramp(4)
    return Tape.of(torch.where(x < y, x, 0.0), torch.maximum(x, y), x.clamp(min=0.5), x.abs(), name="choices")


@program
def in_place() -> Tape:
    x, w = ramp(3), ramp(3)
    h = x * 2
    h += w
    h.mul_(3)
    return Tape.of(h.sum(), name="in place")


@program
def nothing_in_place() -> Tape:
    x = torch.ones((), requires_grad=True)
    nothing = x.expand(1, 0, 3).clone()  # its strides are all zero
    return Tape.of(nothing.exp_(), x * x, name="nothing in place")


@program
def joined() -> Tape:
    x, y = ramp(2, 3), ramp(1, 3)
    return Tape.of(torch.cat([x, y, x * 2]).sum(), name="joined")


@program
def mixed_dtypes() -> Tape:
    x, y = ramp(3), ramp(2, 1, dtype=torch.float64)
    n = torch.ones(3, dtype=torch.int64)
    z = x * y + n
    return Tape.of(z.sum().to(torch.float32))


@program
def second_order() -> Tape:
    x = ramp(2)
    (x * x.tanh()).sum().backward(create_graph=True)
    return Tape.of(x.grad.sum(), name="second order", names={"x": x})


@program
def embedded() -> Tape:
    x = ramp(3, 2)
    (x[1:] * x[:2].tanh()).sum().backward(create_graph=True)
    return Tape.of(x.grad, name="embedded", names={"x": x})


@program
def matrices() -> Tape:
    a, b, v = ramp(2, 3, 4), ramp(2, 4, 3), ramp(3)
    return Tape.of(torch.bmm(a, b).sum(), torch.mv(b[0], v), name="matrices")


@program
def odd_sizes() -> Tape:
    x, empty = ramp(1, 3, 1), ramp(0, 3)
    return Tape.of((x.transpose(0, 2) * 2).sum(), empty.exp(), name="one and none")


@program
def nothing() -> Tape:
    return Tape.of(ramp(2), name='a "quoted"  name\nof λ', names=())


UNARY = ("exp", "sin", "cos", "tanh", "sigmoid", "relu", "neg", "square")


def random_program(seed: int, length: int = 12) -> Tape:
    """A tape of operations drawn at random over a growing pool of values."""
    draw = random.Random(seed)
    d = draw.choice([torch.float32, torch.float64])
    pool = [ramp(3, 4, dtype=d), ramp(4, dtype=d), ramp(3, 1, dtype=d), ramp(4, 3, dtype=d, grad=False)]
    for _ in range(length):
        x = draw.choice(pool)
        kind = draw.randrange(8)
        if kind == 0:
            y = getattr(x, draw.choice(UNARY))()
        elif kind == 1:
            y = draw.choice([x * draw.choice([2, 2.5, -7, True]), x + 0.25, 1 - x, x ** 2])
        elif kind == 2:
            y = draw.choice(["add", "sub", "mul", "maximum"])
            other = draw.choice(pool)
            try:
                y = getattr(torch, y)(x, other)
            except RuntimeError:  # shapes that do not broadcast
                continue
        elif kind == 3 and x.dim():
            y = draw.choice([x.sum, x.mean, x.amax])(draw.randrange(x.dim()), keepdim=draw.random() < 0.5)
        elif kind == 4 and x.dim():
            y = x.select(draw.randrange(x.dim()), 0) if draw.random() < 0.5 else x.unsqueeze(draw.randrange(x.dim()))
        elif kind == 5 and x.dim() > 1:
            y = x.transpose(0, 1)
        elif kind == 6 and x.dim() and x.shape[0] > 1:
            y = x[1:]
        elif kind == 7 and x.dim() and not x.is_leaf and x.is_contiguous():
            y = x.softmax(0)
        else:
            continue
        pool.append(y)
    return Tape.of(*[y for y in pool[4:] if y.requires_grad][-4:], name=f"random {seed}")


def golden_text(tape: Tape) -> str:
    return f"{tape}\n\n{tape.adjoint()}\n"


if __name__ == "__main__":
    for name, make in PROGRAMS.items():
        (GOLDEN / f"{name}.txt").write_text(golden_text(make()), encoding="utf-8")
