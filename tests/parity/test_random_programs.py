"""Random programs on both libraries: after each statement, everything that can be asked of every tensor is the same.

Values, dtypes, shapes, `requires_grad`, `is_leaf`, versions, gradients, and what shares whose memory; where one library
refuses a statement and the other does not the comparison ends. With `TAPEGRAD_RANDOM_STRICT` strides, the kind of
`grad_fn`, views and errors count too. Half of the programs are looked at once at their end, because looking may change
something: `grad_fn` of a view that was written to is made when it is asked for.

A run takes a slice of the seeds, another each day of some that are known to pass. `TAPEGRAD_RANDOM_PROGRAMS` says how
many programs instead, `TAPEGRAD_RANDOM_SEED` where they start. A difference is printed as a program of a few lines.
"""
from __future__ import annotations

import datetime
import math
import os
import re
import warnings
from typing import Any

import numpy as np
import pytest
import random_programs
from undefined_writes import is_undefined

import tapegrad

torch = pytest.importorskip("torch")

# What is another outcome, as docs/differences-from-pytorch.md has it: names of nodes, and a pattern for each kind of
# difference, sought in the program and what is said of it.
COMPOSED = re.compile(r"NllLoss|Glu\w*B|VarMean|Addmv|Trace|Dist|Repeat|Pad|Embedding|Aminmax|Qr|Kron|Ldexp|Fill|Copy|"
                      r"Cum\w+B|MaskedScatter|\wScatterB|Gather|Split|Slice|Diagonal|Log1|Median")
DRAWN = r"(?:uniform_|normal|bernoulli|exponential_|random_|rand|dropout|rrelu|multinomial)"
KNOWN = {kind: re.compile(pattern, re.DOTALL) for kind, pattern in {
    "a view made under no_grad requires grad, but what is computed from it does not":
        r"with t[.]no_grad\(\)(?=.*(requires_grad|is_leaf: |grad\(.* shape: ))",
    "what has no derivative and is written in place does not require grad": r"(eq_|gt_)(?=.*requires_grad)",
    "x.data = t takes a view away from its base": r"[.]data = .*( version: | shape: |given data of another shape|"
                                                  r"invalid gradient|'refused'\]$|"
                                                  r"_is_view[(][)].*: noted: False|requires_grad: False for True$)",
    "elements that share memory are not written at indices": r"(expand|broadcast).*(Please clone|of the written-to)",
    "what out= gives another shape is another tensor to its aliases":
        r"(out=|[.]set_[(]).* (version|memory of): |out=(v\d+)[)]: (?!\3 )v\d+ values: ",
    "what keeps its gradient and is turned in place": r"(v\d+)[.]retain_grad[(].*\n(with t.no_grad[(][)]: )?"
        r"v\d+[.](t|transpose|swapaxes|squeeze|unsqueeze)_[(].*: v\d+ grad ",
    "a hook on several gradients, of which one is where backward starts":
        r"register_multi_grad_hook[(]\[(v\d+), (v\d+)\].*\n(?=[^\n]*(backward|grad[(]))[^\n]*\b(\1|\2)\b.*noted: ",
    "no gradient from what counts elements": r"(norm|dist)[(]([^\n]*, )?0[,)].*(\['noted'|grad: .* for None$)",
    "what is no number and arrives at a distance of zero": r"cdist.*values: nan for 0[.]0$",
    "the factors of a singular matrix": r"linalg[.]qr.* values: |slogdet.* values: -?1[.]0 for -?0[.]0$",
    "strides":
        r"(sort|topk|scatter|index_copy|flip|rrelu).*(contiguous|ravel|reshape|flatten|as_strided)|"
        r"stride[(][)][)]: noted: ",
    "nodes are composed otherwise": r"next_functions|output_nr[)]: noted: 0 for |"
        r"(aminmax|svd|qr|eigh|slogdet|(var|std)_mean)[^\n]*\n.*hook[(].*( values|noted)",
    "a hook on what had hooks when it was turned in place":
        r"hook[(](v\d+),.*\b\1[.](t|transpose|swapaxes|squeeze|unsqueeze)_[(].*hook[(]\1,.* (values|noted): ",
    "nothing is written, and requires_grad not taken over":
        r"(scatter\w*_|index_reduce_)[(].*tensor[(]\[+\]+, .* requires_grad: ",
    "the sign of what is no number": r"signbit|copysign.*: -?([\d.]+) for -?\1$",
    "a power of a half is no root": r"([*][*]=?|pow_?[(][^\n]*) ?0[.]5.*(inf|nan|-?0[.]0) for (inf|nan|-?0[.]0)",
    "a second derivative that PyTorch loses where the first gradient is zero":
        r"logcumsumexp.*create_graph=True.* values: ",
    "whether the gradient of a scan over one element or none depends on it":
        r"(prod|cummax|logcumsumexp).*create_graph=True.* requires_grad: (True for False|False for True)",
    "a result that PyTorch looks at":
        r"repeat_interleave[^\n]*(_is_view[(][)]|\n.*: v\d+ requires_grad: True for False$)",
    "a result that PyTorch puts together in place":
        r"(isclose|quantile)[^\n]*_version[)]: noted: 0 for |deepcopy.*_version.*: noted: 0 for 1$",
    "a factor beside an infinity has the product of the others":
        r"prod[(].*create_graph=True.* values: [-\d.]+ for nan$",
    "the sign of zeros among the gradients of a product": r"prod[(].* values: -?inf for -?inf$",
    "what rrelu and multinomial draw in halves is drawn in float32":
        r"(float16|bfloat16|half[(]).*(rrelu|multinomial).* values: ",
    "what is no number times padding, which PyTorch leaves out in halves":
        r"float16.*conv\w+[(].*padding=.* values: nan for ",
    "which NaN of a window is named": r"max_pool[12]d[(].*return_indices=True[)]: v\d+ values: \d+ for \d+$",
    "the mean beside a deviation, of an infinity": r"(std|var)_mean[(].* values: -?inf for nan$",
    "a gradient of a scan over no elements": r"[(][(](\d+, )*0\b.*cum(max|min)[(].* requires_grad: False for True$",
    "the gradient of renorm of what is no number": r"renorm_?[(].* grad values: nan for ",
    "no part of an infinite gradient goes to what is no extreme":
        r"a(min|max|minmax)[(].*inf.* values: [-\d.]+ for nan$",
    "i0 at zero, which PyTorch has as 0.99999994 in float32": r"i0e?[(].* values: (-?inf|0[.]0) for ",
    "a dimension that is not there, of no elements": r"cum(max|min)[(][^\n]*Dimension out of range.* for None$",
    "the sign of a determinant has a gradient of zeros": r"slogdet[(].*(grad: .* for None|\['noted', [^\n]*)$",
    "the gradient of a product that reads fewer elements than there are, where PyTorch gives all of them one":
        r"scatter_reduce_?[(][^\n]*'prod'.* grad values: ",
    "two results written to one tensor by out=": r"out=[(]v\d+, v\d+[)][)]: v\d+ shape: [(]1,[)] for [(][)]$",
    "a convolution of no channels": r"[cC]onv[12]d[(].* shape: \d for 0$",
    "the mean of no rows, where PyTorch leaves what lay in memory": r"multi_margin_loss.*\[\].* values: nan for ",
    "NaN between the nodes that a loss of nothing is composed of":
        r"(cross_entropy|nll_loss).*detect_anomaly.*returned nan values",
    "an index out of bounds, at which PyTorch reads": r"take_along_dim.*index -?\d+ is out of bounds .* for None$",
    "a product whose factors were changed through x.data, which its gradient reads or not":
        r"'prod'.*[.]data\[[^\n]*\] = .* grad values: ",
    "a kernel that PyTorch lacks, of nothing": r"(not implemented for .{1,12}|have the same dtype, [^\n]*)[)] for None",
}.items()}
SAME_NODE = {"SqueezeBackward4": "SqueezeBackward1", "TBackward1": "TBackward0",
             "TransposeBackward1": "TransposeBackward0"}
OF_NO_GRADIENT = ("node", "version", "is_view", "offset")  # how a gradient came about is nobody's promise
# What is looked at too where `TAPEGRAD_RANDOM_STRICT` is set: there are more differences there, and not all are listed.
STRICT = "TAPEGRAD_RANDOM_STRICT" in os.environ
APPEARANCE = () if STRICT else ("strides", "offset", "node", "is_view")
# `out=` may hold what was computed in single precision; halves are rounded once here, and after each step there.
TOLERANCES = {"float64": 1e-6, "float32": 2e-4, "float16": 1e-2, "bfloat16": 6e-2}
BASE, SLICES, PER_SLICE = 310_000, 4, 200


class Perturbed:
    """The library with every number that a program starts from changed in its last digits."""

    def __init__(self, library: Any, step: float, dtype: Any = None) -> None:
        self.library, self.step, self.dtype = library, step, dtype

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)

    def tensor(self, data: Any, dtype: Any = None) -> Any:
        return self._changed(self.library.tensor(data, dtype=dtype))

    def full(self, shape: Any, value: Any, dtype: Any = None) -> Any:
        return self._changed(self.library.full(shape, value, dtype=dtype))

    def _changed(self, made: Any) -> Any:
        """Each element by another factor, or what is singular would stay so."""
        if not made.is_floating_point():
            return made
        each = self.library.arange(made.numel(), dtype=made.dtype).reshape(made.shape).remainder_(3).add_(1)
        return made.mul_(1 + each * (self.step * self.library.finfo(self.dtype or made.dtype).eps))


def node(x: Any) -> Any:
    try:
        name = type(x.grad_fn).__name__
    except RuntimeError:
        return "refused"
    return SAME_NODE.get(name, name).rstrip("0123456789")


def content(x: Any, *place: Any) -> dict[str, Any]:
    try:
        return answers(x, *place)
    except RuntimeError as error:  # a view whose history cannot be told any more
        return {"refused": type(error).__name__}


def answers(x: Any, base: dict[int, str], name: str) -> dict[str, Any]:
    """What can be asked of a tensor, apart from its gradient."""
    dense = x.numel() > 0
    if dense:
        base.setdefault(x.data_ptr() - x.storage_offset() * x.element_size(), name)
    return {
        "dtype": str(x.dtype).split(".")[-1], "shape": tuple(x.shape), "requires_grad": x.requires_grad,
        "is_leaf": x.is_leaf,
        "strides": [st for s, st in zip(x.shape, x.stride()) if s > 1] if dense else None,
        "offset": x.storage_offset() if dense else None,
        "node": node(x), "version": x._version, "is_view": x._is_view(), "retains_grad": x.retains_grad,
        "memory of": base[x.data_ptr() - x.storage_offset() * x.element_size()] if dense else None,
        "values": x.detach().tolist(),
    }


def look(env: dict[str, Any], library: Any, first: dict[str, int]) -> dict[str, Any]:
    """All that can be asked; versions count from when a name was given, for how a result is put together is nobody's
    promise."""
    seen: dict[str, Any] = {}
    base: dict[int, str] = {}
    made: list[Any] = []  # kept, for their memory is nobody else's meanwhile
    for name in [n for n in env if n[0] == "v" and n[1:].isdigit()]:
        x = env[name]
        if not isinstance(x, library.Tensor):
            continue
        seen[name] = content(x, base, name)
        if "version" in seen[name]:
            seen[name]["version"] -= first[name]
        g = x.grad if seen[name].get("is_leaf") or seen[name].get("retains_grad") else None
        if g is not None and library is torch and g._is_zerotensor():  # which has no memory to ask about
            made.append(g := g.clone())
        seen[name]["grad"] = None if g is None else {
            k: v for k, v in content(g, base, f"{name}.grad").items() if k not in OF_NO_GRADIENT}
    seen["noted"] = [plain(v, library) for v in env["log"]]
    return seen


def plain(value: Any, library: Any) -> Any:
    if isinstance(value, library.Tensor):
        return [str(value.dtype).split(".")[-1], tuple(value.shape), library.Tensor.detach(value).tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(v, library) for v in value]
    return value


def run(lines: list[str], library: Any, each: bool, given: Any = None) -> list[Any]:
    """For each line its error, and what the tensors are after it (with `each`, or at the end)."""
    env = random_programs.start(given or library)
    seen: list[Any] = []
    first: dict[str, int] = {}
    known: dict[str, int] = {}
    library.manual_seed(0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for k, line in enumerate(lines):
            error = None
            try:
                exec(random_programs.compiled(line), env)
            except Exception as e:
                error = e
            for name in [n for n in env if known.get(n) != id(env[n])]:
                known[name] = id(env[name])
                first[name] = env[name]._version if isinstance(env[name], library.Tensor) else 0
            seen.append((error, look(env, library, first) if each or k == len(lines) - 1 else {}))
    env.clear()
    return seen


def unlike(a: Any, b: Any, tolerance: float = 0.0) -> str | None:
    """Where two descriptions part, as a path; None where they agree. Floats may differ by this part of the largest."""
    if isinstance(a, float) and isinstance(b, float):
        return None if a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= tolerance else f": {b!r} for {a!r}"
    if type(a) is not type(b):
        return f": {b!r} for {a!r}"
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return f": {sorted(b)} for {sorted(a)}"
        tolerance = TOLERANCES.get(a.get("dtype"), tolerance or 2e-4)
        for k in a:
            if k in APPEARANCE or (k == "node" and a[k] and b[k] and COMPOSED.search(a[k] + b[k])):
                continue
            within = tolerance * largest(a[k]) if k == "values" else tolerance
            found = unlike(a[k], b[k], within)
            if found:
                return f" {k}{found}"
        return None
    if isinstance(a, (list, tuple)):
        if len(a) != len(b):
            return f": {b!r} for {a!r}"
        if a and a[0] in (*TOLERANCES,):
            tolerance = TOLERANCES[a[0]] * largest(a)
        return next((f for f in map(lambda p, q: unlike(p, q, tolerance), a, b) if f), None)
    if isinstance(a, str) and isinstance(b, str) and COMPOSED.search(a + b):
        a, b = (re.sub(r"grad_fn=<\w+", "grad_fn=<", text) for text in (a, b))
    if isinstance(a, str) and ("e" in a or "." in a):
        return None if re.sub(r"[\d.e+-]+", "", a) == re.sub(r"[\d.e+-]+", "", b) else f": {b!r} for {a!r}"
    return None if a == b else f": {b!r} for {a!r}"


def largest(a: Any) -> float:
    if isinstance(a, (list, tuple)):
        return max((largest(v) for v in a), default=1.0)
    return max(abs(a), 1.0) if isinstance(a, float) and math.isfinite(a) else 1.0


def difference(lines: list[str], each: bool = True) -> str | None:
    """The first line after which the libraries part, and how."""
    ours = run(lines, tapegrad, each)
    theirs = run(lines, torch, each)
    for k, ((expected, a), (found, b)) in enumerate(zip(theirs, ours)):
        if (expected is None) != (found is None) and re.search(KEPT, f"{expected or found}"):
            return None  # what a node keeps for its backward differs
        if not each and expected is not None and WRITE.search(lines[k]):
            return None  # PyTorch may have written a part before it refused
        if any(x.get("requires_grad") and "float" not in x["dtype"] for x in a.values() if isinstance(x, dict)):
            return None  # a whole number that requires grad: what PyTorch makes of that is an accident
        if not alike(expected, found):
            of_a_sweep = expected is None and SWEEP.search(lines[k]) and "does not require grad" not in str(found)
            if not STRICT and not of_a_sweep:
                return None
            said = f"{lines[k]}: {found!r} for {expected!r}"
        elif expected is not None and SWEEP.search(lines[k]):
            return None  # a refused sweep leaves nothing here, and in PyTorch what it did until then
        else:
            where = unlike(a, b)
            if where is None:
                continue
            if expected is not None and not STRICT:
                return None  # PyTorch may have written a part before it refused
            said = f"{lines[k]}:{where}"
        if any(p.search("\n".join([*lines[:k], said])) for p in KNOWN.values()):
            return None
        if re.search(" values: |noted: ", said) and is_undefined(lines[:k + 1], torch):
            return None
        drawn = re.search(DRAWN + r".*: (v\d+) values: ", said)
        if drawn and a[drawn[1]]["strides"] != b[drawn[1]]["strides"]:
            return None  # random numbers are written in order of memory
        of_nothing = re.search(r"create_graph=True.*: (v\d+) (?:grad )?(?:requires_grad|is_leaf): ", "\n".join(
            [*lines[:k], said]), re.DOTALL)
        if of_nothing and 0 in a[of_nothing[1]]["shape"]:
            return None  # whether a gradient without elements depends on anything
        if of_nothing and not np.any((a[of_nothing[1]]["grad"] or a[of_nothing[1]])["values"]) and any(
                0 in x.get("shape", ()) for x in a.values() if isinstance(x, dict)):
            return None  # nor whether the sum of such a one does
        arrived = re.search(r": (v\d+) grad values: ", said)
        if arrived and moved_to_another_shape(lines[:k], arrived[1]):
            return None  # PyTorch adds up what arrived before as one shape, and then makes the other of it
        return None if uncertain(lines[:k + 1], expected, a) else said
    return None


def moved_to_another_shape(lines: list[str], name: str) -> bool:
    """Whether a tensor was given data of another shape."""
    shapes = [seen.get(name, {}).get("shape") for _, seen in run(lines, torch, True)]
    return any(line.startswith(f"{name}.data = ") and shapes[k] != shapes[k - 1] for k, line in enumerate(lines))


KINDS = (IndexError, TypeError, ValueError, ZeroDivisionError, NameError, AttributeError, RuntimeError)
WRITE = re.compile(r"_\(|\] .?.?= |out=")
SWEEP = re.compile(r"backward|grad\(")
KEPT = "modified by an inplace operation|backward through the graph a second time"


def alike(expected: Any, found: Any) -> bool:
    """Errors of one kind, as far as `except` can tell."""
    if expected is None or found is None:
        return expected is found
    kinds = [k for k in KINDS if isinstance(expected, k)]
    return isinstance(found, kinds[0] if kinds else type(expected))


def uncertain(lines: list[str], error: Any, expected: dict[str, Any]) -> bool:
    """Whether rounding decides: PyTorch itself says something else for numbers that differ in their last digits."""
    coarse = torch.bfloat16 if re.search("float16|half", "\n".join(lines)) else None
    for step in (2, -2, 8):
        other, seen = run(lines, torch, False, Perturbed(torch, step, coarse))[-1]
        if not alike(error, other) or (expected and unlike(expected, seen)):
            return True
    return False


def shrunk(lines: list[str], each: bool = True) -> list[str]:
    """Fewer lines that still differ."""
    k = len(lines) - 1
    while k >= 0:
        fewer = lines[:k] + lines[k + 1:]
        if difference(fewer, each):
            lines = fewer
        k -= 1
    return lines


def report(seed: int) -> str | None:
    lines = random_programs.program(seed, torch)
    each = seed % 2 == 0
    if difference(lines, each) is None:
        return None
    lines = shrunk(lines, each)
    return "\n".join([f"seed {seed}: {difference(lines, each)}", *lines])


FIRST = int(os.environ.get("TAPEGRAD_RANDOM_SEED", BASE + datetime.date.today().toordinal() % SLICES * PER_SLICE))
MANY = int(os.environ.get("TAPEGRAD_RANDOM_PROGRAMS", PER_SLICE))


@pytest.mark.parametrize("first", range(FIRST, FIRST + MANY, 50))
def test_programs(first):
    for seed in range(first, min(first + 50, FIRST + MANY)):
        found = report(seed)
        assert found is None, found
