"""Pages and graphs of tapes: what they hold, and that a browser shows them, where there is one."""
from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

import tapegrad as torch
from tapegrad.__main__ import main
from tapegrad.tape import Tape

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def loss(turns=20):
    w = torch.tensor([0.5, 1.0], requires_grad=True)
    h = w
    for _ in range(turns):
        h = (h * w).tanh()
    return (h - h.detach()).sqrt().sum()


def held(page):
    return json.loads(re.search(r'<script id="tape"[^>]*>(.*?)</script>', page, re.S)[1])


def test_a_page_holds_the_tape():
    tape = Tape.of(loss())
    data = held(torch.inspect.to_html(tape))
    strings = data["strings"]
    assert [strings[i] for i in data["op"]] == [op.name for op in tape.operations] and data["out"] == tape.results
    assert data["operands"] == [[b for b in operands if b >= 0] for operands in tape.operands]
    assert data["loops"] == [[1, 2, 19]]
    adjoint = re.sub(r"  +", " ", tape.adjoint())
    for t, written in enumerate(data["adjoint"]):  # what is kept once stands for every instruction of its kind
        buffers = {"r": data["out"][t], **{str(j): b for j, b in enumerate(data["operands"][t])}}
        filled = re.sub(r"%\{(\w+)\}", lambda j, buffers=buffers: f"%{buffers[j[1]]}", strings[written])
        assert re.sub(r"  +", " ", filled) in adjoint
    assert len(set(data["adjoint"])) < 10
    assert strings[data["grad"][0]] == "2 inf"
    assert "value" not in held(torch.inspect.to_html(tape, values=False))


def test_nothing_in_a_name_ends_the_page(tmp_path):
    x = torch.ones(2, requires_grad=True)
    page = torch.inspect.to_html(Tape.of(x * 2, name="</script><b>", names={"</script>": x}), file=tmp_path / "a.html")
    assert page.count("</script>") == 2 and (tmp_path / "a.html").read_text("utf-8") == page
    assert held(page)["name"] == "</script><b>"


def test_in_notebooks():
    """As `explain` and `dump` print it."""
    function = torch.compile(lambda x: x * 2 if x.shape[0] < 3 else x)
    function(torch.ones(2))
    assert function._repr_html_().startswith("<pre>1 capture, 0 replays")
    assert Tape.of(loss(1))._repr_html_().startswith("<pre>tape ")
    assert Tape.of(loss(500))._repr_html_() == "<pre>&lt;tape &quot;tape&quot;: 1003 instructions&gt;</pre>"


def test_tensors_in_notebooks():
    x = torch.ones(2, requires_grad=True)
    assert x._repr_html_() == "<pre>tensor([1., 1.], requires_grad=True)</pre>"
    shown = (x * 2)._repr_html_()
    assert shown.startswith("<pre>tensor([2., 2.], grad_fn=&lt;MulBackward0&gt;)</pre><details><summary>")
    assert "MulBackward0" in shown[shown.index("<summary>"):]
    assert loss(500)._repr_html_().endswith("<pre>on a tape of 1003 instructions</pre>")
    base = x * 2
    with torch.no_grad():
        view = base[:1]
    base.mul_(2)
    assert "grad_fn=&lt;Invalid&gt;" in view._repr_html_() or "<details>" not in view._repr_html_()


def test_a_graph():
    lines = torch.inspect.to_dot(loss(1)).splitlines()
    assert lines[0] == 'digraph "tape" {' and lines[-1] == "}"
    assert sum("->" in line for line in lines) == 5


def test_scripts_and_saved_tapes(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "train.py"
    script.write_text("import torch\nw = torch.ones(2, requires_grad=True)\nfor k in (1, 1, 2):\n"
                      "    (w * k).sum().backward()\n    with torch.no_grad():\n        w += 1\n")
    main(["html", str(script)])
    assert capsys.readouterr().out.split() == ["train-1.html", "train-2.html"]
    first = held((tmp_path / "train-1.html").read_text("utf-8"))
    assert first["strings"][first["source"][0]] == "train.py:4"
    assert first["strings"][first["value"][0]] == "1"  # what it was then
    Tape.of(loss()).save(tmp_path / "a.tape")
    main(["html", "--output", "b.html", "a.tape"])
    assert (tmp_path / "b.html").exists()


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
def test_a_browser_shows_it(tmp_path):
    torch.inspect.to_html(loss(), file=tmp_path / "a.html")
    shown = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"file://{tmp_path}/a.html"],
        capture_output=True, text=True, timeout=120).stdout
    assert re.search(r'data-shown="\d+ ms"', shown)
    assert shown.count('class="row') >= 8 and "× 19" in shown and 'class="bad"' in shown
