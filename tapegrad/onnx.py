"""ONNX (`torch.onnx`), which nothing is exported to: programs ask whether they are being exported, and are not.

>>> import tapegrad as torch
>>> torch.onnx.is_in_onnx_export()
False
"""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public

__all__ = ["OnnxExporterError", "export", "is_in_onnx_export"]
show_public(__name__)


class OnnxExporterError(RuntimeError):
    """Raised by an exporter (`torch.onnx.OnnxExporterError`): there is none.

    >>> import tapegrad as torch
    >>> issubclass(torch.onnx.OnnxExporterError, RuntimeError)
    True
    """


def is_in_onnx_export() -> bool:
    """Whether an export is under way: never (`torch.onnx.is_in_onnx_export`).

    >>> import tapegrad as torch
    >>> torch.onnx.is_in_onnx_export()
    False
    """
    return False


def export(model: Any, args: Any = (), f: Any = None, *, kwargs: Any = None, verbose: bool | None = None,
           input_names: Any = None, output_names: Any = None, opset_version: int | None = None, dynamo: bool = True,
           external_data: bool = True, dynamic_shapes: Any = None, custom_translation_table: Any = None,
           report: bool = False, optimize: bool = True, verify: bool = False, profile: bool = False,
           dump_exported_program: bool = False, artifacts_dir: Any = ".", export_params: bool = True,
           keep_initializers_as_inputs: bool = False, dynamic_axes: Any = None, training: Any = None,
           operator_export_type: Any = None, do_constant_folding: bool = True, custom_opsets: Any = None,
           export_modules_as_functions: Any = False, autograd_inlining: bool = True) -> Any:
    """Refused, as PyTorch refuses it where the exporter's packages are not installed (`torch.onnx.export`).

    >>> import tapegrad as torch
    >>> torch.onnx.export(torch.nn.ReLU(), (torch.ones(2),), "model.onnx")
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: No module named 'onnxscript'

    ModuleNotFoundError, and of the older exporter (`dynamo=False`) OnnxExporterError.
    """
    if not dynamo:
        raise OnnxExporterError("Module onnx is not installed!")
    raise ModuleNotFoundError("No module named 'onnxscript'", name="onnxscript")
