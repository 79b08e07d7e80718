"""What no function takes is a TypeError: names that it has not, and names given twice."""
from __future__ import annotations

import inspect
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.documents.descriptions import Description, classes, everything, members, within

FUNCTIONS = list(everything())
CLASSES, MEMBERS = classes(), members()

ANY_KEYWORD = {  # as in PyTorch: handed to what is called, or to what says what is wrong with them
    **dict.fromkeys(("cuda.ExternalStream", "cuda.Stream", "xpu.Stream"), "a device that is absent"),
    "jit.fork": "the function", "cuda.nvtx.range": "the message",
    "jit.ignore": "for older programs", "nn.utils.skip_init": "the class of the module",
    "nn.utils.prune.global_unstructured": "the method",
    **dict.fromkeys(("utils.checkpoint.checkpoint", "utils.checkpoint.checkpoint_sequential"), "the function"),
    **{f"interop.scipy.{name}": "SciPy's function" for name in (
        "differential_evolution", "least_squares", "minimize", "quad", "root", "root_scalar")},
    "interop.joblib.value_and_grad": "joblib's class",
    "overrides.handle_torch_function": "the class that answers",
    "tapegrad.amp.grad_scaler.GradScaler.step": "the optimiser", "tapegrad.autograd.function.Function.forward": "",
    "tapegrad.nn.modules.module.Module.compile": "`compile`", "tapegrad.nn.modules.module.Module.to": "`Tensor.to`",
    "tapegrad.nn.parallel.DataParallel.forward": "the module", "tapegrad.optim.swa_utils.AveragedModel.forward": "",
    **{f"tapegrad.nn.modules.lazy.{cls}.initialize_parameters": "the first call's"
       for cls in ("LazyLayer", "LazyModuleMixin")},
    **{f"tapegrad.nn.utils.rnn.PackedSequence.{name}": "`Tensor.to`" for name in ("to", "cpu", "cuda")},
}
VALUES = {"Tensor": torch.ones(2, 2), "int": 1, "float": 1.0, "Number": 1.0, "bool": True, "Ints": 1, "Sizes": (2, 2),
          "Text": "sum", "Tensors": [torch.ones(2)], "Indices": [None], "dtype": torch.float32, "Dtype": torch.float32}


def arguments(d: Description) -> list[Any]:
    """What its first form must be given, of the right kinds."""
    given = [VALUES.get(p.annotation.split(" ")[0], VALUES["Tensor"])
             for p in d.forms[0].parameters if not p.optional and not p.keyword] if d.forms else []
    return [VALUES["Tensor"], *given] if isinstance(within(d.path.rpartition(".")[0]), type) else given


def called(d: Description, *args: Any, **kwargs: Any) -> Any:
    return d.value(*args, **kwargs) if callable(d.value) else d.value.__func__(*args, **kwargs)


@pytest.mark.parametrize("d", [d for d in FUNCTIONS if d.path not in ANY_KEYWORD], ids=lambda d: d.path)
def test_an_unknown_keyword(d):
    with pytest.raises(TypeError, match=r"zzz|missing|takes no .*arguments|takes 0 positional"):
        called(d, *arguments(d), zzz=1)


@pytest.mark.parametrize("d", FUNCTIONS, ids=lambda d: d.path)
def test_an_argument_twice(d):
    args = arguments(d)
    is_method = isinstance(within(d.path.rpartition(".")[0]), type)
    names = [p.name for form in d.forms[:1] for p in form.parameters if not (p.keyword or p.rest or p.optional)]
    if not names or any(form.parameters[0].name != names[0] for form in d.forms if form.parameters):
        return
    with pytest.raises(TypeError, match=r"multiple values|missing|invalid combination|unexpected keyword|no keyword|"
                                        "positional-only"):
        called(d, *args, **{names[0]: args[is_method]})


TAKES_ANYTHING = {  # as in PyTorch
    "nn.Identity": "so that it can stand for any layer",
    **dict.fromkeys(("autograd.Function", "utils.checkpoint.CheckpointFunction"), "it is only warned of"),
    "nn.modules.lazy.LazyModuleMixin": "what it is mixed into says",
}


@pytest.mark.parametrize("path", CLASSES)
@pytest.mark.filterwarnings("ignore")
def test_an_unknown_keyword_of_a_class(path):
    if path in TAKES_ANYTHING or issubclass(CLASSES[path], Exception):
        return
    with pytest.raises(TypeError):
        CLASSES[path](zzz=1)


@pytest.mark.parametrize("path", [p for p, (cls, value) in MEMBERS.items()
                                  if callable(value) and cls is not torch.Tensor])
@pytest.mark.filterwarnings("ignore")
def test_an_unknown_keyword_of_a_method(path):
    """Those of Python: their signatures say what they take, and none takes any keyword unless PyTorch's does."""
    value = MEMBERS[path][1]
    takes = inspect.signature(value).parameters.values()
    assert path in ANY_KEYWORD or not any(p.kind is p.VAR_KEYWORD for p in takes), path


ROWS = {  # what is written, and what PyTorch says
    "torch.sin(x, zzz=1)": "sin() got an unexpected keyword argument 'zzz'",
    "torch.sin()": 'sin() missing 1 required positional arguments: "input"',
    "torch.sin(x, x)": "sin() takes 1 positional argument but 2 were given",
    "torch.sin(x, input=x)": "sin() got multiple values for argument 'input'",
    "torch.cumsum(x, 0, dim=1)": "cumsum() got multiple values for argument 'dim'",
    "torch.cumsum(x, 'a')": "cumsum(): argument 'dim' (position 2) must be int, not str",
    "torch.cumsum(x, dim='a')": "cumsum(): argument 'dim' must be int, not str",
    "x.cumsum('a')": "cumsum(): argument 'dim' (position 1) must be int, not str",
    "torch.max(x, zzz=1)": "max() received an invalid combination of arguments - got (Tensor, zzz=int), but expected "
                           "one of:\n * (Tensor input, *, Tensor out = None)",
    "torch.max(zzz=1)": 'max() missing 1 required positional arguments: "input"',
    "x.max(zzz=1)": "max() received an invalid combination of arguments - got (zzz=int, ), but expected one of:\n * ()",
    "torch.zeros(size=3)": "zeros(): argument 'size' must be tuple of ints, not int",
    "torch.zeros('a')": "zeros(): argument 'size' (position 1) must be tuple of ints, not str",
    "torch.zeros((2, 'a'))": "zeros(): argument 'size' failed to unpack the object at pos 2 with error \"type must be "
                             "tuple of ints,but got str\"",
    "x.permute(0, 1, foo=3)": "permute() got an unexpected keyword argument 'foo'",
    "torch.cat(3)": "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not int",
    "torch.ones(2, dtype=3)": "ones(): argument 'dtype' must be torch.dtype, not int",
    "torch.sum(x, keepdims=True)": "sum() received an invalid combination of arguments - got (Tensor, keepdims=bool), "
                                   "but expected one of:\n * (Tensor input, *, torch.dtype dtype = None)",
    "torch.sum(x, axis=0, dim=1)": "sum() got an unexpected keyword argument 'axis'",
    "torch.rand(2, zzz=3)": "rand() got an unexpected keyword argument 'zzz'",
    "x.to(foo=3)": "to() received an invalid combination of arguments - got (foo=int, ), but expected one of:",
    "x.requires_grad_(foo=3)": "requires_grad_() got an unexpected keyword argument 'foo'",
    "torch.linalg.norm(x, foo=2)": "linalg_norm() got an unexpected keyword argument 'foo'",
    "torch.nn.functional.relu(x, foo=2)": "relu() got an unexpected keyword argument 'foo'",
}


@pytest.mark.parametrize("call", ROWS)
def test_in_these_words(call):
    with pytest.raises(TypeError) as error:
        eval(call, {"torch": torch, "x": torch.ones(2, 3)})
    assert ROWS[call] in str(error.value)
