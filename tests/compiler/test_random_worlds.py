"""Random programs, compiled and as written: after each of six calls, with changes between them, everything is the same.

The result, errors, tensors (values, versions, `requires_grad`, gradients, what shares memory), Python state, and where
the random stream stands. A run takes a slice of the seeds, another each day of some that are known to pass;
`TAPEGRAD_RANDOM_PROGRAMS` says how many programs instead, `TAPEGRAD_RANDOM_SEED` where they start.
"""
from __future__ import annotations

import collections
import datetime
import gc
import math
import os
import sys
import types
import warnings
from typing import Any

import pytest
import random_worlds

import tapegrad as torch

BASE, SLICES, PER_SLICE = 80_000, 3, 200
DECLINED = "the function would have to run once more to be differentiated again"  # an error, as docs/compiling.md says


def module(source: str, name: str) -> Any:
    made = types.ModuleType(name)
    made.__file__ = __file__
    sys.modules[name] = made
    exec(compile(source, __file__, "exec"), vars(made))
    return made


def told(x: Any, memory: dict[int, str], path: str, depth: int = 0) -> Any:
    """A value in words: of tensors all that can be asked, of containers and objects what they hold."""
    if isinstance(x, torch.Tensor):
        try:
            _ = x.grad_fn
        except RuntimeError:
            return "a view whose history cannot be told any more"
        at = x.data_ptr() - x.storage_offset() * x.element_size() if x.numel() else 0
        grad = x.grad if x.is_leaf or x.retains_grad else None
        return [type(x).__name__, str(x.dtype), tuple(x.shape), x.stride() if x.numel() else None, x.requires_grad,
                x.is_leaf, x.grad_fn is None, None if path.startswith("last") else x._version,
                memory.setdefault(at, path) if at else None, x.detach().tolist(),
                None if grad is None else told(grad, memory, path + ".grad", depth + 1)]
    if isinstance(x, (list, tuple, collections.deque)):
        return [type(x).__name__, *[told(v, memory, f"{path}[{i}]", depth + 1) for i, v in enumerate(x)]]
    if isinstance(x, dict):
        return {repr(k): told(v, memory, f"{path}[{k!r}]", depth + 1) for k, v in x.items()}
    if isinstance(x, (set, frozenset)):
        return sorted(map(repr, x))
    if isinstance(x, (bool, int, float, str, type(None))):
        return [type(x).__name__, x]
    if hasattr(x, "__dict__") and not isinstance(x, (type, types.FunctionType, types.ModuleType)) and depth < 4:
        held = {k: [*v.values()] if "hooks" in k and isinstance(v, dict) else v for k, v in vars(x).items()}
        return [type(x).__name__, told(held, memory, path, depth + 1)]  # hooks without the numbers they got
    return type(x).__name__


STATE = ["A", "B", "last", "obj", "inner", "w0", "w1", "s0", "s1", "k0", "numbers", "tensors", "table", "chosen",
         "pair", "G", "n0", "net", "options", "point", "recent", "seen", "block", "meter", "counts", "order", "found",
         "descent", "adam", "schedule"]


def run(source: str, calls: list[Any], compiled: bool, name: str) -> tuple[list[Any], Any]:
    """What is the case after each call; and how many of them were replayed."""
    seen = []
    torch.manual_seed(0)
    try:
        world = module(source, name)
        env = vars(world)
        if compiled:
            env["f"] = torch.compile(env["f"])
        for before, call, after in calls:
            errors = []
            for line in [*before, call, after]:
                try:
                    exec(compile(line, __file__, "exec"), env)
                except Exception as error:
                    errors.append((type(error).__name__, str(error).split("\n")[0].split(" which is output")[0]))
                    if line is call:
                        env["last"] = None
            memory: dict[int, str] = {}
            state = {n: told(env.get(n), memory, n) for n in STATE}
            seen.append([errors, state, torch.get_rng_state().tolist()[-40:]])
        return seen, (env["f"].replays if compiled else 0)
    finally:
        torch.set_grad_enabled(True)
        vars(sys.modules.pop(name)).clear()


def unlike(a: Any, b: Any) -> str | None:
    if isinstance(a, float) and isinstance(b, float):
        same = a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 2e-6 * max(1.0, abs(a))
        return None if same else f": {b!r} for {a!r}"
    if type(a) is not type(b):
        return f": {b!r} for {a!r}"
    if isinstance(a, dict):
        if list(a) != list(b):
            return f": {list(b)} for {list(a)}"
        return next((f" {k}{f}" for k in a if (f := unlike(a[k], b[k]))), None)
    if isinstance(a, (list, tuple)):
        if len(a) != len(b):
            return f": {b!r} for {a!r}"
        return next((f"[{i}]{f}" for i, (p, q) in enumerate(zip(a, b)) if (f := unlike(p, q))), None)
    return None if a == b else f": {b!r} for {a!r}"


def difference(source: str, calls: list[Any], name: str = "random_world") -> tuple[str | None, Any]:
    """Where the compiled function parts from the function as written; and how often it was replayed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, _ = run(source, calls, False, name)
        found, replays = run(source, calls, True, name)
    for k, (a, b) in enumerate(zip(expected, found)):
        if any(DECLINED in message for _, message in b[0]):
            return None, replays
        where = unlike(a, b)
        if where:
            return f"call {k + 1}{where}", replays
    return None, replays


def text(source: str, calls: list[Any]) -> str:
    lines = [source]
    for k, (before, call, after) in enumerate(calls):
        lines += [f"# call {k + 1}", *before, call, *[after] * bool(after)]
    return "\n".join(lines)


def shrunk(source: str, calls: list[Any]) -> tuple[str, list[Any]]:
    """A shorter program that still differs."""
    lines = source.split("\n")
    start, end = (next(i for i, line in enumerate(lines) if p in line) for p in ("cells =", "def change(value)"))
    for k in range(end - 1, start, -1):
        fewer = "\n".join(lines[:k] + lines[k + 1:])
        try:
            if difference(fewer, calls)[0]:
                lines.pop(k)
        except SyntaxError:
            pass
    source = "\n".join(lines)
    for k, (before, call, after) in enumerate(calls):
        for j in range(len(before) - 1, -1, -1):
            fewer = [*calls[:k], (before[:j] + before[j + 1:], call, after), *calls[k + 1:]]
            if difference(source, fewer)[0]:
                calls, before = fewer, before[:j] + before[j + 1:]
        fewer = [*calls[:k], (before, call, ""), *calls[k + 1:]]
        if after and difference(source, fewer)[0]:
            calls = fewer
    return source, calls


FIRST = int(os.environ.get("TAPEGRAD_RANDOM_SEED", BASE + datetime.date.today().toordinal() % SLICES * PER_SLICE))
MANY = int(os.environ.get("TAPEGRAD_RANDOM_PROGRAMS", PER_SLICE))


@pytest.mark.parametrize("first", range(FIRST, FIRST + MANY, 50))
def test_programs(first):
    for seed in range(first, min(first + 50, FIRST + MANY)):
        source, calls = random_worlds.program(seed)
        if difference(source, calls)[0]:
            source, calls = shrunk(source, calls)
            raise AssertionError(f"seed {seed}: {difference(source, calls)[0]}\n{text(source, calls)}")
    gc.collect()
