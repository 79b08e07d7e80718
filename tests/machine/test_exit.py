"""On its way out the interpreter empties every module and then collects what is left, which native code made."""
from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


@pytest.mark.parametrize("emptied", ["tapegrad.machine", "tapegrad"])
def test_collection_after_the_modules_were_emptied(emptied):
    program = f"""
        import gc, sys
        import tapegrad
        x = tapegrad.ones(2, requires_grad=True)
        compiled = tapegrad.compile(lambda x: x * 2)
        held = [tapegrad.sin, tapegrad.Tensor.add, tapegrad.Tensor.backward, tapegrad.conv1d, tapegrad.Tensor.numpy,
                x.exp(), compiled, [compiled(x) for _ in range(4)], tapegrad.svd(tapegrad.eye(3, requires_grad=True))]
        write, collect = sys.stdout.write, gc.collect
        for name in [n for n in sys.modules if n.startswith({emptied!r})]:
            vars(sys.modules[name]).clear()
        collect()
        write("collected\\n")
        held.clear()
        collect()
        write("freed\\n")
        sys.exit(7)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (7, "collected\nfreed\n"), run.stderr
