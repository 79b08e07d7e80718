"""Every operation's tape prints, parses, is saved and loaded, and replays to the same values."""
from __future__ import annotations

import io

import numpy as np
import pytest
from registry import DIFFERENTIABLE, case_id, samples
from test_operations import run

import tapegrad
from tapegrad.inspect.walk import Walk
from tapegrad.tape import Tape


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=case_id)
def test_a_tape_of_it_goes_round(op):
    for sample in samples(op, tapegrad.float64):
        leaves, out = run(sample)
        if not out.requires_grad:
            continue
        tape = Tape.of(out, names={})
        assert Tape.parse(str(tape)) == tape, sample
        tape.save(file := io.BytesIO())
        file.seek(0)
        loaded = Tape.load(file)
        assert loaded == tape and loaded.adjoint() == tape.adjoint(), sample
        if len(tape.values) < len(tape.inputs):  # factors that a function made for itself, and nothing keeps
            assert op.name in ("linalg_inv", "linalg_detsign"), sample
            continue
        expected = out.detach().numpy()
        walk = Walk(tape)
        for found in (tape.replay(), loaded.replay(), walk.values[tape.outputs[0]]):
            np.testing.assert_array_equal(found.detach().numpy(), expected, err_msg=repr(sample))
        assert leaves  # the tape has their values for as long as they live
