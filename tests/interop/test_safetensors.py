"""Files of the safetensors package."""
from __future__ import annotations

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import tapegrad as torch
from tapegrad.interop import safetensors as files

KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind, tmp_path):
    held = {"a": torch.tensor([[1, 0, 1], [0, 1, 1]], dtype=getattr(torch, kind)).t(), "none": torch.empty(0, 2),
            "number": torch.tensor(2.0)}
    files.save_file(held, tmp_path / "f.safetensors", {"by": "us"})
    for found in (files.load_file(tmp_path / "f.safetensors"), files.load(files.save(held))):
        assert found.keys() == held.keys()
        for name, x in held.items():
            assert found[name].dtype is x.dtype and found[name].shape == x.shape and found[name].equal(x)


def test_a_parameter_is_written_and_what_was_loaded_is_ones_own(tmp_path):
    found = files.load(files.save({"w": torch.nn.Parameter(torch.ones(2))}))
    found["w"] += 1
    assert not found["w"].requires_grad and found["w"].tolist() == [2.0, 2.0]


def test_what_is_refused():
    with pytest.raises(ValueError, match="Key `a` is invalid"):
        files.save({"a": np.ones(2)})
    with pytest.raises(safetensors.SafetensorError):
        files.load(files.save({"a": torch.ones(2)})[:-3])
    with pytest.raises(TypeError, match="is of dtype U16"):
        files.load(safetensors.numpy.save({"a": np.ones(2, np.uint16)}))
