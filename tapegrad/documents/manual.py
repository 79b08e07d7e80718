"""Help on every name: `python -m tapegrad manual` writes what `help()` and editors show of native functions.

A page is the signature, a sentence, an example that is run here and by the tests, and where the function comes from.
Pages are written ahead, into `manual.txt` beside this: native functions take theirs as they are made, and to derive a
thousand would take longer than all the rest of an import.
"""
from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import tapegrad
from tapegrad.documents.descriptions import SPACES, Description, functions, within
from tapegrad.documents.texts import FILE, PAGE
from tapegrad.signatures import REQUIRED, Form, Parameter, made, unwrapped
from tapegrad.signatures.summaries import SUMMARIES

# What an example gives for a parameter: the first of these with which the call succeeds.
_NUMBERS = ("torch.tensor([0.25, 0.5, 1.0])", "torch.tensor([1.0, 2.0, 3.0])", "torch.tensor([1, 2, 3])",
            "torch.tensor([True, False])", "torch.tensor([[1.0, 2.0], [3.0, 4.0]])",
            "torch.tensor([[2.0, 1.0], [1.0, 3.0]])",
            "torch.ones(1, 3)", "torch.ones(1, 1, 4)", "torch.ones(1, 2, 2)", "torch.ones(2, 2, 1)",
            "torch.ones(1, 1, 2, 2)", "torch.ones(1, 1, 2, 2, 2)", "torch.tensor(2.0)")
_VALUES = {
    "dim": ("0",), "dim0": ("0",), "dim1": ("1",), "axis0": ("0",), "axis1": ("1",), "dims": ("(0,)", "(1, 0)"),
    "dimension": ("0",), "index": ("torch.tensor([0, 0])", "torch.tensor([[0, 0]])", "0"),
    "indices": ("(torch.tensor([0]),)", "(1,)", "torch.tensor([0, 2])"),
    "condition": ("torch.tensor([True, False, True])",), "mask": ("torch.tensor([True, False, True])",),
    "size": ("(3, 3)", "(2, 2)", "(1,)", "2"), "shape": ("(3, 1)", "(2, 2)"), "sizes": ("(3, 1)",),
    "repeats": ("2", "(2, 2)"), "chunks": ("2",), "sections": ("1", "2"), "split_size": ("2",),
    "split_size_or_sections": ("2",), "split_sizes": ("(1, 2)",),
    "tensors": ("[torch.tensor([1.0]), torch.tensor([2.0])]",), "tensor_indices_or_sections": ("torch.tensor(2)",),
    "k": ("1", "2"), "n": ("2",), "p": ("2", "0.5"), "q": ("0.5",), "value": ("2.0", "torch.tensor([7.0])"),
    "values": ("torch.tensor([7.0])", "torch.tensor([0.5])"), "min": ("0.5",), "max": ("0.5",), "threshold": ("0.5",),
    "exponent": ("2",), "end": ("5",), "weight": ("0.5",), "shifts": ("1",), "length": ("2",), "start": ("1", "0"),
    "step": ("1",), "source": ("torch.tensor([7.0, 8.0])", "0"), "destination": ("1",), "start_dim": ("0",),
    "num_classes": ("4",), "num_groups": ("1",), "reduce": ("'sum'",),
    "src": ("torch.tensor([7.0, 8.0])", "torch.tensor([7.0, 8.0, 9.0])"), "boundaries": ("torch.tensor([0.4, 0.8])",),
    "equation": ("'i,i->'",), "kernel_size": ("2",), "output_size": ("1",), "pad": ("(1, 1)",), "diagonal": ("0",),
    "norm_type": ("2.0",), "upscale_factor": ("1",), "downscale_factor": ("1",), "groups": ("1",),
    "normalized_shape": ("(3,)",), "maxnorm": ("1.0",), "stride": ("(1, 1)",), "upper": ("True",), "N": ("2",),
    "steps": ("3",), "row": ("2",), "col": ("2",), "callable": ("lambda x: 2 * x",), "to": ("torch.float64",),
    "from_": ("torch.float32",), "type1": ("torch.int64",), "type2": ("torch.float32",), "train": ("False",),
    "training": ("False",),
}
# Examples of what takes more than these.
CALLS = {
    "as_strided_scatter": "torch.as_strided_scatter(torch.zeros(2, 2), torch.tensor([7.0, 8.0]), (2,), (3,))",
    "block_diag": "torch.block_diag(torch.ones(1, 2), torch.ones(1, 1))",
    "cartesian_prod": "torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([5, 6]))",
    "cholesky": "torch.cholesky(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))",
    "cross": "torch.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), dim=0)",
    "clamp": "torch.clamp(torch.tensor([-1.0, 0.5, 2.0]), min=0, max=1)",
    "clip": "torch.clip(torch.tensor([-1.0, 0.5, 2.0]), min=0, max=1)",
    "embedding": "torch.embedding(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 0]))",
    "index_reduce": "torch.index_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([3.0, 4.0]), 'prod')",
    "meshgrid": "torch.meshgrid(torch.tensor([1, 2]), torch.tensor([5, 6]), indexing='ij')",
    "mv": "torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))",
    "addmv": "torch.addmv(torch.ones(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))",
    "addbmm": "torch.addbmm(torch.ones(1, 1), torch.ones(2, 1, 3), torch.ones(2, 3, 1))",
    "to_dlpack": "torch.from_dlpack(torch.to_dlpack(torch.ones(2)))",
    "linalg.lstsq": "torch.linalg.lstsq(2 * torch.eye(2), torch.ones(2, 1))",  # exact, whoever's LAPACK it is
    "linalg.lu_solve": "torch.linalg.lu_solve(*torch.linalg.lu_factor(2 * torch.eye(2)), torch.ones(2, 1))",
    "linalg.solve_ex": "torch.linalg.solve_ex(2 * torch.eye(2), torch.ones(2, 1))",
    "linalg.tensorinv": "torch.linalg.tensorinv(torch.eye(2).reshape(2, 1, 2), ind=2)",
    "linalg.tensorsolve": "torch.linalg.tensorsolve(2 * torch.eye(2), torch.ones(2))",
    **{f"{space}bilinear": f"torch.{space}bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(1, 2, 3))"
       for space in ("", "nn.functional.")},
    **{f"{space}prelu": f"torch.{space}prelu(torch.tensor([-1.0, 2.0]), torch.tensor([0.25]))"
       for space in ("", "nn.functional.")},
    **{f"{space}conv{t}{n}d": f"torch.{space}conv{t}{n}d(torch.ones({a}), torch.ones({b}))"
       for space in ("", "nn.functional.") for t in ("", "_transpose")
       for n, a, b in ((1, "1, 1, 3", "1, 1, 2"), (2, "1, 1, 2, 2", "1, 1, 2, 2"),
                       (3, "1, 1, 2, 2, 2", "1, 1, 2, 2, 2"))},
    **{f"{space}conv_tbc": f"torch.{space}conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1))"
       for space in ("", "nn.functional.")},
    "nn.functional.embedding": "torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1.0], [3.0]]))",
    **{f"nn.functional.{name}": f"torch.nn.functional.{name}(torch.tensor([0.25, 0.5, 1.0]), dim=0)"
       for name in ("softmax", "log_softmax", "softmin")},
    "nn.functional.kl_div": "torch.nn.functional.kl_div(torch.zeros(1, 2), torch.ones(1, 2), reduction='batchmean')",
    "nn.functional.fold": "torch.nn.functional.fold(torch.ones(1, 4, 1), output_size=(2, 2), kernel_size=(2, 2))",
    "nn.functional.interpolate": "torch.nn.functional.interpolate(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)",
    "nn.functional.linear": "torch.nn.functional.linear(torch.tensor([1.0, 2.0]), torch.ones(1, 2), torch.ones(1))",
    "nn.functional.local_response_norm": "torch.nn.functional.local_response_norm(torch.ones(1, 1, 2), size=2)",
    "nn.functional.multi_margin_loss": "torch.nn.functional.multi_margin_loss(torch.tensor([[0.1, 0.9]]), "
                                       "torch.tensor([1]))",
    "nn.functional.multilabel_margin_loss": "torch.nn.functional.multilabel_margin_loss(torch.tensor([0.1, 0.9]), "
                                            "torch.tensor([1, -1]))",
    "tensor_split": "torch.tensor_split(torch.tensor([0.25, 0.5, 1.0]), (1,))",
    "nn.functional.nll_loss": "torch.nn.functional.nll_loss(torch.tensor([[-0.5, -1.0]]), torch.tensor([0]))",
    **{f"nn.functional.max_unpool{n}d": f"torch.nn.functional.max_unpool{n}d(torch.ones({', '.join(['1'] * (n + 2))}), "
       f"torch.zeros({', '.join(['1'] * (n + 2))}, dtype=torch.int64), 2)" for n in (1, 2, 3)},
    "nn.functional.upsample": "torch.nn.functional.upsample(torch.tensor([[[1.0, 2.0]]]), 4)",
    "nn.functional.upsample_bilinear": "torch.nn.functional.upsample_bilinear(torch.ones(1, 1, 1, 1), (1, 2))",
    "nn.functional.upsample_nearest": "torch.nn.functional.upsample_nearest(torch.tensor([[[1.0, 2.0]]]), 4)",
}


def page(d: Description, examples: dict[str, str] | None = None) -> str:
    """Help on a name as its definition holds it: signature and text.

    >>> from tapegrad.documents.descriptions import described
    >>> print(page(described("Tensor.sin")))
    sin($self, /)
    --
    <BLANKLINE>
    The sine of each element: see `tapegrad.sin`.
    """
    space = d.path.rpartition(".")[0]
    is_method = isinstance(within(space), type)
    form = merged(d.forms)
    head = f"{d.name}{signature_text(form, is_method)}\n--\n\n"
    doc = unwrapped(d.function).__doc__
    written = inspect.cleandoc(doc) if doc else ""
    base = d.name.rstrip("_")
    said = written or SUMMARIES.get(d.name) or SUMMARIES.get(base, "")
    if is_method and not written:
        beside = next((f"{s}.{base}".lstrip(".") for s in ("", "nn.functional", "special")
                       if base in dir(within(s))), "")
        said = said.rstrip(".") + (", in place" if d.name.endswith("_") else "")
        return head + f"{said}: see `tapegrad.{beside}`." if beside else head + f"{said} (`torch.Tensor.{d.name}`)."
    if not written:
        said = f"{said.rstrip('.')}{', in place' * d.name.endswith('_')} (`torch.{d.path}`)."
    several = "\n".join(f"    {d.name}{form.signature}" for form in d.forms)
    body = said if len(d.forms) == 1 else f"{said}\n\nCalled as\n\n{several}"
    shown = "" if ">>>" in said else (examples or {}).get(d.path, "")
    return head + (f"{body}\n\n{shown}" if shown else body)


def merged(forms: list[Form]) -> Form:
    """One form that admits the calls of all: what not all of them need has a default."""
    longest = max(forms, key=lambda form: sum(not p.keyword for p in form.parameters))
    found: list[Parameter] = []
    for p in (*longest.parameters, *(p for form in forms for p in form.parameters)):
        if p.name not in [q.name for q in found]:
            everywhere = all(any(q.name == p.name and not q.optional for q in form.parameters) for form in forms)
            by_name = p.keyword or p not in longest.parameters
            found.append(p._replace(default=p.default if everywhere or p.optional else None, keyword=by_name))
    return Form((*(p for p in found if not p.keyword), *(p for p in found if p.keyword)))


def signature_text(form: Form, is_method: bool) -> str:
    """A signature as CPython reads it from a native function's text."""
    needed = [p for p in form.parameters if not p.keyword]
    last = max((j for j, p in enumerate(needed) if p.default is REQUIRED and not p.rest), default=-1)
    shown: list[str] = ["$self", "/"] if is_method else []
    keyword = False
    for j, p in enumerate(form.parameters):
        if p.keyword and not keyword and not any(q.rest for q in form.parameters):
            shown.append("*")
        keyword = keyword or p.keyword
        name = "from_" if p.name == "from" else p.name
        default = "" if p.default is REQUIRED or p.rest or (not p.keyword and j <= last) else f"={p.default!r}"
        shown.append("*" * p.rest + name + default)
    return f"({', '.join(shown)})"


def example(d: Description) -> str:
    """A call of the function with its result, tried out; "" where none of the arguments at hand will do."""
    for lines in _attempts(d):
        shown = _shown(lines, d)
        if shown:
            return _written(lines, shown)
    assert d.path not in CALLS, f"{d.path}: its example does not run"
    return ""


def result(d: Description) -> Any:
    """What the example gives; None where there is none."""
    for lines in _attempts(d):
        if _shown(lines, d):
            return _run(lines)
    return None


def _attempts(d: Description) -> Iterator[str]:
    """Calls of a function with what is at hand."""
    if d.path in CALLS:
        yield CALLS[d.path]
    for form in d.forms if d.path not in CALLS else ():
        needed = [p for p in form.parameters if not p.optional]
        for x in _NUMBERS:
            for j in range(3):
                given = []
                for p in needed:
                    at_hand = _VALUES.get(p.name, ("x",))
                    value = at_hand[min(j, len(at_hand) - 1)]
                    given.append(f"{p.name}={value}" if p.keyword else value)
                call = f"torch.{d.path}({', '.join(given)})"
                yield f"x = {x}\n{call}" if call.count("x,") + call.count("x)") > 1 else call.replace(
                    "(x", f"({x}").replace(" x", f" {x}")


def _run(lines: str) -> Any:
    names: dict[str, Any] = {"torch": tapegrad}
    *before, last = lines.split("\n")
    exec("\n".join(before), names)
    return eval(last, names)


def _written(lines: str, shown: str) -> str:
    return "\n".join(f">>> {line}" for line in lines.split("\n")) + f"\n{shown}"


def _shown(call: str, d: Description) -> str:
    found = []
    for seed in range(5):  # what is random is no example
        tapegrad.manual_seed(seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore" if d.path in CALLS else "error")  # some warn whatever they are given
                found.append(repr(_run(call)))
        except Exception:
            return ""
    shown = found[0].replace("\n\n", "\n<BLANKLINE>\n")
    return shown if len({*found}) == 1 and shown != "None" and "0x" not in shown and len(shown) < 400 else ""


def texts() -> dict[str, str]:
    """A page for every function and method that is native, or has no docstring of its own, by its path."""
    found: dict[str, str] = {}
    for space in ("Tensor", *SPACES):
        for d in functions(space):
            if d.forms and (not inspect.isfunction(d.value) or (d.path in made and not unwrapped(d.value).__doc__)):
                found[d.path] = page(d, {d.path: example(d)})
    return found


def text() -> str:
    """The text of `tapegrad/documents/manual.txt`."""
    return "".join(f"{PAGE}{path}\n{page}\n" for path, page in sorted(texts().items()))


def write() -> None:
    """Write `tapegrad/documents/manual.txt`."""
    FILE.write_text(text(), encoding="utf-8")
