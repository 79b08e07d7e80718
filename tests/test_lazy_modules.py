"""Modules that are loaded when something in them is asked for: nothing runs until then, and then all is as ever."""
from __future__ import annotations

import subprocess
import sys

import pytest

HEAD = "import importlib, inspect, pickle, sys, threading, types\nimport tapegrad as torch\n"
NONE = "[m for m in sys.modules if m.startswith('tapegrad.optim')] == []"
PROGRAMS = {
    "nothing runs on import": f"assert {NONE}",
    "nor when bound, listed or asked what it is": f"from tapegrad import *\nfrom tapegrad import optim\n"
                                                  "assert isinstance(optim, types.ModuleType)\n"
                                                  f"assert 'optim' in dir(torch) and {NONE}",
    "an attribute": "assert torch.optim.SGD.__name__ == 'SGD'",
    "bound before": "from tapegrad import optim\noptim.SGD\nimport tapegrad.optim as again\n"
                    "assert optim is again is torch.optim is sys.modules['tapegrad.optim']",
    "a plain module afterwards": "torch.optim.SGD\nassert type(torch.optim) is types.ModuleType\n"
                                 "assert torch.optim.__spec__.loader is torch.optim.__loader__\n"
                                 "assert type(torch.optim.__loader__) is type(torch.nn.__loader__)",
    "imported": "o = torch.optim\nimport tapegrad.optim\nassert torch.optim is o and type(o) is types.ModuleType",
    "a part of it": "from tapegrad.optim.lr_scheduler import StepLR\n"
                    "assert torch.optim.lr_scheduler.StepLR is StepLR and torch.optim.SGD",
    "deep": "from tapegrad.utils.data import DataLoader\nassert torch.utils.data.DataLoader is DataLoader",
    "what a module has": "assert torch.optim.__file__.endswith('__init__.py')",
    "its documentation": "assert 'torch.optim' in inspect.getdoc(torch.optim)",
    "its names": "assert 'SGD' in vars(torch.optim)",
    "as text": "assert repr(torch.optim).startswith(\"<module 'tapegrad.optim' from\")",
    "no such name": "assert not hasattr(torch.optim, 'nothing')\n"
                    "try:\n    torch.optim.nothing\nexcept AttributeError as e:\n"
                    "    assert str(e) == \"module 'tapegrad.optim' has no attribute 'nothing'\"",
    "no such name at the root": "assert not hasattr(torch, 'nothing')\ntry:\n    torch.nothing\n"
                                "except AttributeError as e:\n"
                                "    assert str(e) == \"module 'tapegrad' has no attribute 'nothing'\"",
    "patched": "torch.optim.SGD = 3\nassert torch.optim.SGD == 3 and torch.optim.Adam\ndel torch.optim.SGD\n"
               "assert not hasattr(torch.optim, 'SGD')",
    "found": "assert importlib.util.find_spec('tapegrad.optim').origin == torch.optim.__file__",
    "reloaded": "before = torch.quasirandom\nassert importlib.reload(before) is before and before.SobolEngine",
    "pickled": "S = torch.optim.SGD\nassert pickle.loads(pickle.dumps(S)) is S\n"
               "for f in (torch.save, torch.load, torch.compile, torch.GradScaler, torch.autocast):\n"
               "    assert pickle.loads(pickle.dumps(f)) is f",
    "the same by each name": "assert torch.GradScaler is torch.amp.GradScaler\n"
                             "assert torch.save is torch.serialization.save\n"
                             "assert torch.autograd.functional.jacobian",
    "from many threads": "start, found = threading.Barrier(8), []\n"
                         "def ask(k):\n    start.wait()\n"
                         "    found.append((torch.optim.SGD, torch.distributions.Normal, torch.cuda.is_available))\n"
                         "threads = [threading.Thread(target=ask, args=(k,)) for k in range(8)]\n"
                         "for t in threads: t.start()\nfor t in threads: t.join(60)\n"
                         "assert len(found) == 8 and len(set(found)) == 1",
    "an import that fails is tried again": """
import builtins
real, fails = builtins.__import__, [True]
def broken(name, *rest):
    if name == "tapegrad.optim.lbfgs" and fails:
        raise OSError(fails.pop())
    return real(name, *rest)
builtins.__import__ = broken
try:
    torch.optim.SGD
except OSError:
    pass
else:
    raise SystemExit(1)
assert "tapegrad.optim" not in sys.modules
assert torch.optim.SGD and type(torch.optim) is types.ModuleType
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_modules_that_wait(program):
    ran = subprocess.run([sys.executable, "-c", HEAD + program], capture_output=True, text=True, timeout=120)
    assert not ran.returncode, ran.stderr


def test_look_ups_in_the_root_are_specialised():
    """A module with `__getattr__` is looked up in at twice the time."""
    import tapegrad

    assert type(tapegrad) is type(sys) and "__getattr__" not in vars(tapegrad)
    assert "__getattr__" not in vars(tapegrad.autograd)
