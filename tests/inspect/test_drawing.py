"""Pictures of tapes: everything is there once, edges go down, nothing covers anything, and a browser agrees."""
from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pytest

import tapegrad as torch
from tapegrad.inspect import drawing, folding
from tapegrad.tape import Tape

sys.path.insert(0, str(Path(__file__).parents[1] / "tape"))
from tape_programs import PROGRAMS

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
SVG = "{http://www.w3.org/2000/svg}"


def tangled(seed, size=60):
    """A computation whose values are read here and there."""
    choose = random.Random(seed)
    values = [torch.ones(3, requires_grad=True) for _ in range(3)]
    for _ in range(size):
        a, b = choose.choice(values[-12:]), choose.choice(values[-12:])
        values.append(choose.choice([lambda a, b: a * b, lambda a, b: a + b, lambda a, b: a.sin()])(a, b))
    return sum(values[-4:]).sum()


def nodes_in(picture):
    """(x, y, width, height) of the boxes of nodes, and their labels."""
    root = ElementTree.fromstring(picture)
    found = []
    for group in root.iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        label, kind = (text.text for text in group.iter(f"{SVG}text"))
        found.append((tuple(float(box.get(a)) for a in ("x", "y", "width", "height")), label, kind))
    return found


def assert_apart(picture):
    boxes = [box for box, *_ in nodes_in(picture)]
    for y in {box[1] for box in boxes}:
        row = sorted(box for box in boxes if box[1] == y)
        assert all(a[0] + a[2] < b[0] for a, b in pairwise(row))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_is_drawn(name):
    tape = PROGRAMS[name]()
    picture = torch.inspect.to_svg(tape)
    assert_apart(picture)
    folded = sum(run.length * (run.turns - 1) for run in folding.runs(tape))
    assert len(nodes_in(picture)) <= len(tape.inputs) + len(tape) - folded


@pytest.mark.parametrize("seed", range(5))
def test_edges_go_down_through_places_of_their_own(seed):
    nodes = drawing.nodes_of(Tape.of(tangled(seed)), [])
    layers, ways = drawing.layered([n.reads for n in nodes])
    at = {i: number for number, row in enumerate(layers) for i in row}
    assert sorted(at) == [*range(len(at))] and len(at) == sum(map(len, layers))
    for way in ways:
        assert all(at[b] == at[a] + 1 for a, b in pairwise(way))
    assert {(way[0], way[-1]) for way in ways} == {(o, i) for i, n in enumerate(nodes) for o in n.reads}
    assert_apart(torch.inspect.to_svg(tangled(seed)))


def test_a_loop_is_drawn_once():
    w = torch.ones(2, requires_grad=True)
    h = w
    for x in torch.ones(50):
        h = (x * w + h).tanh()
    picture = torch.inspect.to_svg(h.sum())
    labels = [label for _, label, _ in nodes_in(picture)]
    assert labels.count("tanh") == 2 and "× 49" in picture and len(labels) < 12
    assert "w" in labels and "sum dim=(0,)" in labels


def test_what_a_node_tells():
    x = torch.ones(2, requires_grad=True)
    picture = torch.inspect.to_svg(Tape.of((x * 2.5).tanh(), name="<&>", names={"a<b": x}, lines=True))
    assert "ip 1: %2 = tanh %1\ntest_drawing.py:" in picture
    assert "backward: ∂%1 += ∂%2 * (1 - %2 * %2)\nkeeps %2" in picture
    assert ">a&lt;b</text>" in picture and "<title>&lt;&amp;&gt;</title>" in picture and ">mul 2.5</text>" in picture
    assert 'class="node in leaf"' in picture and 'class="node out"' in picture


def test_files_and_limits(tmp_path, monkeypatch):
    x = torch.ones(2, requires_grad=True)
    picture = torch.inspect.to_svg(x.sin(), file=tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text("utf-8") == picture
    monkeypatch.setattr(drawing, "MOST", 20)
    with pytest.raises(ValueError, match="to_html"):
        torch.inspect.to_svg(tangled(1))
    with pytest.raises(TypeError, match="expected tensors"):
        torch.inspect.to_svg(3)


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
def test_a_browser_finds_every_label_in_its_box(tmp_path):
    q, k = (torch.ones(6, 4, requires_grad=True) for _ in range(2))
    picture = torch.inspect.to_svg(((q @ k.T).softmax(-1).mean(-1, keepdim=True) / 3).std())
    (tmp_path / "a.html").write_text(
        f"<!doctype html><meta charset=utf-8>{picture}<script>let bad = 0, all = 0;"
        "for (const g of document.querySelectorAll('g.node')) { const box = g.querySelector('rect').getBBox();"
        "for (const text of g.querySelectorAll('text')) { const t = text.getBBox(); all++;"
        "if (t.x < box.x || t.x + t.width > box.x + box.width || t.y < box.y || t.y + t.height > box.y + box.height)"
        " bad++; } } document.title = `${all} labels, ${bad} outside`;</script>", "utf-8")
    shown = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"file://{tmp_path}/a.html"],
        capture_output=True, text=True, timeout=120).stdout
    found = re.search(r"(\d+) labels, (\d+) outside", shown)
    assert int(found[1]) > 10 and found[2] == "0"
