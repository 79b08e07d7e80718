"""PyTorch's own samples, run through the in-place forms of both libraries on a copy of the operand that is recorded.

    python tests/parity/opinfo_inplace.py [name …]

prints what differs and the score: values, versions, gradients, the type of an error, and that the tensor itself is
returned. Where PyTorch has no derivative of an in-place form that it has out of place, any is right.
"""
from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from opinfo import (
    MAX_SAMPLES,
    MORE,
    NAMES,
    Report,
    _brief,
    compare,
    exact_gradients,
    in_float64,
    nearer,
    operations,
    translate,
)


def forms(op: Any, torch: Any, tapegrad: Any) -> tuple[Any, Any]:
    """The in-place forms of an operation: of the database's, and tapegrad's (None where there is none)."""
    theirs = op.get_inplace()
    name = getattr(theirs, "__name__", "")
    if op.name.startswith("nn.functional.") and not name.endswith("_"):
        function = getattr(tapegrad.nn.functional, op.name.rsplit(".", 1)[1], None)
        return theirs, function and (lambda *args, **given: function(*args, inplace=True, **given))
    return theirs, getattr(tapegrad.Tensor, name, None)


def run_sample(op: Any, ours: Any, sample: Any, torch: Any, tapegrad: Any) -> str:
    """Run one sample through both; what differs, or nothing."""
    leaves: list[Any] = []
    storages: dict[int, Any] = {}
    arguments = translate((sample.input, *sample.args), torch, tapegrad, leaves, storages)
    options = translate(sample.kwargs, torch, tapegrad, leaves, storages)
    a, b = sample.input.clone(), arguments[0].clone()
    refused: Any = None
    torch.manual_seed(0)
    tapegrad.manual_seed(0)
    try:
        op.get_inplace()(a, *sample.args, **sample.kwargs)
    except Exception as error:
        refused = error
    try:
        result = ours(b, *arguments[1:], **options)
    except Exception as error:
        if refused is None:
            return f"{type(error).__name__}: {str(error)[:90]}"
        return "" if isinstance(error, type(refused)) else f"{type(error).__name__}, not {type(refused).__name__}"
    if refused is not None:
        return f"no error, not {type(refused).__name__}: {str(refused)[:80]}"
    if result is not b:
        return "another tensor is returned"
    found = compare(a, b, torch, tapegrad)
    if found == "values" and a.dtype == torch.float32:
        exact, _ = in_float64(op, sample, [], torch)
        found = nearer(a, b, exact)
    if found:
        return found
    if a._version != b._version:
        return f"version {b._version}, not {a._version}"
    return gradients(op, sample, a, b, leaves, torch, tapegrad) if a.requires_grad else ""


def gradients(op: Any, sample: Any, a: Any, b: Any, leaves: list[Any], torch: Any, tapegrad: Any) -> str:
    seed = np.random.default_rng(0).uniform(-1, 1, tuple(a.shape)).astype(a.detach().numpy().dtype)
    try:
        wanted = torch.autograd.grad([a], [x for x, _ in leaves], [torch.from_numpy(np.array(seed))], allow_unused=True)
    except RuntimeError as refused:
        if "inplace version" in str(refused):
            return ""
        try:
            b.backward(tapegrad.from_numpy(np.array(seed)))
        except RuntimeError:
            return ""
        return f"a gradient, not {str(refused)[:60]}"
    try:
        b.backward(tapegrad.from_numpy(np.array(seed)))
    except Exception as error:
        return f"backward {type(error).__name__}: {str(error)[:90]}"
    exact: list[Any] = []
    for number, (w, (_, leaf)) in enumerate(zip(wanted, leaves)):
        if w is None or leaf.grad is None:
            given = leaf.grad if w is None else w
            if given is not None and given.abs().sum().item() != 0:
                return "a gradient where there is none" if w is None else "no gradient"
            continue
        found = compare(w, leaf.grad, torch, tapegrad)
        if found == "values" and w.dtype == torch.float32:
            exact = exact or list(exact_gradients(op, sample, [x for x, _ in leaves], [seed], torch))
            found = "values" if exact[number] is None else nearer(w, leaf.grad, exact[number])
        if found:
            return f"gradient: {found}"
    return ""


def score(op: Any, torch: Any, tapegrad: Any, most: int = MAX_SAMPLES) -> Report:
    """The in-place form of one operation: all its samples, in two dtypes."""
    report = Report(op.name + ("." + op.variant_test_name if op.variant_test_name else ""))
    theirs, ours = forms(op, torch, tapegrad)
    if theirs is None:
        return report
    if ours is None:
        report.samples = 1
        report.complain("missing", "")
        return report
    for dtype in (torch.float64, torch.float32):
        if dtype not in op.supported_dtypes("cpu"):
            continue
        torch.manual_seed(0)
        for _, sample in zip(range(most), op.sample_inputs("cpu", dtype, requires_grad=op.supports_autograd)):
            if not isinstance(sample.input, torch.Tensor):
                continue
            found = run_sample(op, ours, sample, torch, tapegrad)
            report.samples += 1
            report.right += not found
            if found:
                report.complain(found, f"{dtype} {_brief(sample)}")
    return report


def main(arguments: list[str]) -> None:
    import torch

    import tapegrad

    warnings.simplefilter("ignore")
    right = samples = 0
    for _, op in operations(torch, set(arguments) or set(NAMES) | set(MORE)):
        report = score(op, torch, tapegrad)
        right, samples = right + report.right, samples + report.samples
        for text, n in report.complaints.most_common(3):
            print(f"{report.name:36} {report.right}/{report.samples} {n:4} {text}   [{report.examples[text]}]")
    print(f"{right} / {samples} = {right / samples:.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
