"""PyTorch's own samples under `vmap`: every subset of the operands with an axis for the batch, against a loop.

    python tests/parity/opinfo_vmap.py [name …]

prints what differs and the score. A sample is right when values, dtypes, shapes and gradients are those of the loop,
for each subset. Functions whose results have another shape for each lane, or are no tensors, are not for batches.
"""
from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from opinfo import MAX_SAMPLES, MORE, NAMES, SPECIAL, UNINITIALISED, Report, _brief, array, find, operations, translate

LANES = 3
IN_PLACE = "vmap: inplace arithmetic(self, *extra_args) is not possible"
# What it returns says nothing of the operands' values, or is another one each time.
ASIDE = UNINITIALISED | {"broadcast_shapes", "empty_like"}


def lanes_of(x: Any, tapegrad: Any) -> list[Any]:
    """Tensors for a batch, of which each is as good an operand as the first."""
    if x.dtype.is_floating_point:
        return [(x * (1 - 0.125 * i)).clone() for i in range(LANES)]
    return [x.flip(list(range(x.ndim))).clone() if i % 2 and x.ndim else x.clone() for i in range(LANES)]


def places(value: Any, tapegrad: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the tensors of nested arguments are."""
    if isinstance(value, tapegrad.Tensor):
        yield at
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            yield from places(v, tapegrad, (*at, i))
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from places(v, tapegrad, (*at, k))


def put(value: Any, given: dict[tuple[Any, ...], Any], at: tuple[Any, ...] = ()) -> Any:
    """Arguments with some tensors replaced."""
    if at in given:
        return given[at]
    if isinstance(value, dict):
        return {k: put(v, given, (*at, k)) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [put(v, given, (*at, i)) for i, v in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def pick(value: Any, at: tuple[Any, ...]) -> Any:
    for i in at:
        value = value[i]
    return value


def tensors(value: Any) -> list[Any]:
    return [v for item in value for v in tensors(item)] if isinstance(value, (list, tuple)) else [value]


def subsets(where: list[Any], few: bool) -> list[tuple[Any, ...]]:
    sizes = {1, len(where)} if few or len(where) > 3 else range(1, len(where) + 1)
    return [s for n in sorted(sizes) for s in itertools.combinations(where, n)]


def close(wanted: Any, found: Any) -> bool:
    """Whether gradients are the same, up to how often they were rounded."""
    return np.allclose(wanted, found, 1e-6, 1e-7 if wanted.dtype == np.float64 else 1e-5, equal_nan=True)


def run_subset(function: Any, arguments: Any, chosen: tuple[Any, ...], tapegrad: Any) -> str:
    """One subset of the operands with a batch; what differs, or nothing, or `skip`."""
    def leaves() -> list[Any]:
        made = []
        for at in chosen:
            x = pick(arguments, at)
            batch = tapegrad.stack([v.detach() for v in lanes_of(x.detach(), tapegrad)], x.ndim // 2)
            made.append(batch.requires_grad_(x.requires_grad))
        return made

    def shared() -> dict[Any, Any]:
        found = {}
        for at in places(arguments, tapegrad):
            if at not in chosen:
                x = pick(arguments, at)
                found[at] = x.detach().clone().requires_grad_(x.requires_grad)
        return found

    axes = [pick(arguments, at).ndim // 2 for at in chosen]
    ours, theirs, own, others = leaves(), leaves(), shared(), shared()

    def call(rest: Any, *parts: Any) -> Any:
        args, kwargs = put(arguments, {**rest, **dict(zip(chosen, parts))})
        return tensors(function(*args, **kwargs))

    try:
        each = [call(others, *(x.select(d, i) for x, d in zip(theirs, axes))) for i in range(LANES)]
    except Exception:
        return "skip"
    if not all(isinstance(x, tapegrad.Tensor) for one in each for x in one):
        return "skip"
    if any(len(one) != len(each[0]) or any(a.shape != b.shape for a, b in zip(one, each[0])) for one in each):
        return "skip"
    wanted = [tapegrad.stack(list(column)) for column in zip(*each)]
    try:
        found = tapegrad.vmap(lambda *parts: tuple(call(own, *parts)), in_dims=tuple(axes))(*ours)
    except Exception as error:
        if IN_PLACE in str(error):  # what PyTorch refuses as well: statistics that are shared, and updated
            return "skip"
        return f"{type(error).__name__}: {str(error)[:90]}"
    for w, f in zip(wanted, found):
        if w.shape != f.shape or w.dtype is not f.dtype:
            return f"shape or dtype {tuple(w.shape)} {w.dtype} {tuple(f.shape)} {f.dtype}"
        if not np.allclose(array(w), array(f), 1e-7, 1e-7, equal_nan=True):
            return "values"
    if (any(w.requires_grad for w in wanted)) != any(f.requires_grad for f in found):
        return "whether it requires grad"
    wrt = [(a, b) for a, b in zip([*theirs, *others.values()], [*ours, *own.values()]) if a.requires_grad]
    outputs = [(w, f) for w, f in zip(wanted, found) if w.requires_grad and f.requires_grad]
    if not wrt or not outputs:
        return ""

    def slopes(values: Any, by: Any) -> Any:
        rng = np.random.default_rng(0)
        total = sum((v * tapegrad.from_numpy(rng.uniform(0.5, 1, tuple(v.shape)))).sum() for v in values)
        return tapegrad.autograd.grad(total, by, allow_unused=True, retain_graph=True)

    try:
        known = slopes([w for w, _ in outputs], [a for a, _ in wrt])
    except Exception:
        return ""
    try:
        got = slopes([f for _, f in outputs], [b for _, b in wrt])
    except Exception as error:
        return f"gradient: {type(error).__name__}: {str(error)[:90]}"
    wrong = run_cotangents(outputs, wrt, tapegrad)
    if wrong:
        return wrong
    for k, g in zip(known, got):
        if (k is None) != (g is None):
            if np.any(array(k if g is None else g) != 0):
                return "gradient missing"
        elif k is not None and not close(array(k), array(g)):
            return "gradient"
    return ""


def run_cotangents(outputs: list[Any], wrt: list[Any], tapegrad: Any) -> str:
    """Several cotangents at once against one after the other."""
    rng = np.random.default_rng(1)
    ys, by = [w for w, _ in outputs], [a for a, _ in wrt]
    several = [tapegrad.from_numpy(rng.uniform(-1, 1, (2, *y.shape))) for y in ys]
    known = [tapegrad.autograd.grad(ys, by, [c[i] for c in several], retain_graph=True, allow_unused=True)
             for i in range(2)]
    try:
        got = tapegrad.autograd.grad(ys, by, several, retain_graph=True, allow_unused=True, is_grads_batched=True)
    except Exception as error:
        return f"cotangents: {type(error).__name__}: {str(error)[:90]}"
    for k, g in zip(zip(*known), got):
        if (k[0] is None) != (g is None):
            return "cotangents missing"
        if g is not None and not close(np.stack([array(x) for x in k]), array(g)):
            return "cotangents"
    return ""


def score(op: Any, torch: Any, tapegrad: Any, most: int = MAX_SAMPLES, few: bool = False) -> Report:
    """One operation under `vmap`: all its samples, and subsets of their operands."""
    report = Report(op.name + ("." + op.variant_test_name if op.variant_test_name else ""))
    function = SPECIAL[op.name](tapegrad) if op.name in SPECIAL else find(tapegrad, op.name)
    if function is None or op.name in ASIDE or torch.float64 not in op.supported_dtypes("cpu"):
        return report
    torch.manual_seed(0)
    for _, sample in zip(range(most), op.sample_inputs("cpu", torch.float64, requires_grad=op.supports_autograd)):
        given = translate(((sample.input, *sample.args), dict(sample.kwargs)), torch, tapegrad, [], {})
        for name in ("device", "layout", "memory_format", "pin_memory"):
            given[1].pop(name, None)
        complaint, ran = "", False
        where = list(places(given, tapegrad))
        for chosen in subsets(where, few) if where else ():
            found = run_subset(function, given, chosen, tapegrad)
            ran |= found != "skip"
            if found not in ("", "skip"):
                complaint = f"{found} {list(chosen)}"
                break
        if ran:
            report.samples += 1
            report.right += not complaint
            if complaint:
                report.complain(complaint, _brief(sample))
    return report


def main(arguments: list[str]) -> None:
    import torch

    import tapegrad
    from tapegrad.lanes import one_by_one

    warnings.simplefilter("ignore")
    right = samples = exact = count = 0
    for _, op in operations(torch, set(arguments) or set(NAMES) | set(MORE)):
        one_by_one._warned.clear()
        report = score(op, torch, tapegrad)
        right, samples = right + report.right, samples + report.samples
        if report.samples:
            exact, count = exact + report.exact, count + 1
        if one_by_one._warned:
            print(f"{report.name:36} one by one: {', '.join(sorted(one_by_one._warned))}", flush=True)
        for text, n in report.complaints.most_common(3):
            print(f"{report.name:36} {report.right}/{report.samples} {n:4} {text}   [{report.examples[text]}]",
                  flush=True)
    print(f"samples {right} / {samples} = {right / max(samples, 1):.1%}; operations {exact} / {count} = "
          f"{exact / max(count, 1):.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
