"""PyTorch's own samples with tangents, run through both libraries: are the tangents of the results the same.

    python tests/parity/opinfo_forward.py [name …]

prints what differs and the score. Where PyTorch has no forward derivative, any is right; no tangent is as good as zero.
"""
from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from opinfo import MAX_SAMPLES, MORE, NAMES, SPECIAL, Report, _brief, array, find, flatten, operations, translate


def run_sample(op: Any, function: Any, sample: Any, torch: Any, tapegrad: Any) -> str:
    """Run one sample through both; what differs, or nothing."""
    from torch.autograd import forward_ad as theirs

    from tapegrad.autograd import forward_ad as ours

    rng = np.random.default_rng(0)
    pairs: dict[int, tuple[Any, Any]] = {}
    storages: dict[int, Any] = {}

    def dual(value: Any, ours_too: Any) -> tuple[Any, Any]:
        if isinstance(value, torch.Tensor):
            if not value.requires_grad:
                return value, ours_too
            if id(value) not in pairs:
                tangent = rng.uniform(-1, 1, tuple(value.shape))
                pairs[id(value)] = (theirs.make_dual(value.detach(), torch.from_numpy(tangent.copy())),
                                    ours.make_dual(ours_too.detach(), tapegrad.from_numpy(tangent.copy())))
            return pairs[id(value)]
        if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
            both = [dual(v, w) for v, w in zip(value, ours_too)]
            return type(value)(b[0] for b in both), type(value)(b[1] for b in both)
        return value, ours_too

    given = (sample.input, *sample.args)
    twins = translate(given, torch, tapegrad, [], storages)
    options = translate(sample.kwargs, torch, tapegrad, [], storages)
    for name in ("device", "layout", "memory_format", "pin_memory"):
        options.pop(name, None)
    with theirs.dual_level(), ours.dual_level():
        try:
            arguments, own = dual(given, twins)
            named = {k: dual(v, options[k]) if k in options else (v, None) for k, v in sample.kwargs.items()}
            torch.manual_seed(0)
            wanted = flatten(op.op(*arguments, **{k: v[0] for k, v in named.items()}))
        except (RuntimeError, NotImplementedError):
            return "skip"
        wanted = [theirs.unpack_dual(x).tangent if isinstance(x, torch.Tensor) else None for x in wanted]
        tapegrad.manual_seed(0)
        try:
            found = flatten(function(*own, **{k: v[1] for k, v in named.items() if k in options}))
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:90]}"
        tangents = [ours.unpack_dual(x).tangent if isinstance(x, tapegrad.Tensor) else None for x in found]
        for w, t in zip(wanted, tangents):
            if w is None or t is None:
                if (other := t if w is None else w) is not None and np.any(array(other) != 0):
                    return "a tangent where there is none" if w is None else "no tangent"
            elif tuple(w.shape) != tuple(t.shape) or str(w.dtype) != str(t.dtype):
                return "shape or dtype"
            elif not np.allclose(array(w), array(t), 1e-6, 1e-7, equal_nan=True):
                return "values"
    return ""


def score(op: Any, torch: Any, tapegrad: Any, most: int = MAX_SAMPLES) -> Report:
    """The tangents of one operation: all its samples."""
    report = Report(op.name + ("." + op.variant_test_name if op.variant_test_name else ""))
    function = SPECIAL[op.name](tapegrad) if op.name in SPECIAL else find(tapegrad, op.name)
    if function is None or not op.supports_forward_ad or torch.float64 not in op.supported_dtypes("cpu"):
        return report
    torch.manual_seed(0)
    for _, sample in zip(range(most), op.sample_inputs("cpu", torch.float64, requires_grad=True)):
        found = run_sample(op, function, sample, torch, tapegrad)
        if found == "skip":
            continue
        report.samples += 1
        report.right += not found
        if found:
            report.complain(found, _brief(sample))
    return report


def main(arguments: list[str]) -> None:
    import torch

    import tapegrad

    warnings.simplefilter("ignore")
    right = samples = exact = count = 0
    for _, op in operations(torch, set(arguments) or set(NAMES) | set(MORE)):
        report = score(op, torch, tapegrad)
        right, samples = right + report.right, samples + report.samples
        if report.samples:
            exact, count = exact + report.exact, count + 1
        for text, n in report.complaints.most_common(3):
            print(f"{report.name:36} {report.right}/{report.samples} {n:4} {text}   [{report.examples[text]}]")
    print(f"samples {right} / {samples} = {right / max(samples, 1):.1%}; operations {exact} / {count} = "
          f"{exact / max(count, 1):.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
