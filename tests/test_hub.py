"""Published weights are fetched once; a file that is cut short, or of another hash, is not kept."""
from __future__ import annotations

import hashlib
from urllib.error import URLError

import pytest

import tapegrad as torch
from tapegrad.utils import model_zoo


@pytest.fixture
def published(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    torch.save({"w": torch.arange(3.0)}, tmp_path / "net.pth")
    digits = hashlib.sha256((tmp_path / "net.pth").read_bytes()).hexdigest()[:8]
    (tmp_path / "net.pth").rename(tmp_path / f"net-{digits}.pth")
    return (tmp_path / f"net-{digits}.pth")


def test_it_is_fetched_once(published, tmp_path, capsys):
    url = published.as_uri()
    assert torch.hub.load_state_dict_from_url(url, check_hash=True)["w"].tolist() == [0, 1, 2]
    kept = tmp_path / "home" / "hub" / "checkpoints" / published.name
    assert kept.exists() and f'Downloading: "{url}" to {kept}' in capsys.readouterr().err
    published.unlink()
    assert model_zoo.load_url(url)["w"].tolist() == [0, 1, 2] and not capsys.readouterr().err


def test_another_hash_is_refused(published, tmp_path):
    wrong = published.rename(tmp_path / "net-00000000.pth").as_uri()
    with pytest.raises(RuntimeError, match=r'invalid hash value \(expected "00000000", got "'):
        torch.hub.load_state_dict_from_url(wrong, str(tmp_path / "kept"), check_hash=True)
    with pytest.raises(URLError):
        torch.hub.load_state_dict_from_url("file:///nowhere/net.pth", str(tmp_path / "kept"))
    assert not [*(tmp_path / "kept").iterdir()]
    assert "w" in torch.hub.load_state_dict_from_url(wrong, str(tmp_path / "kept"), file_name="net.pth")


def test_where_it_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert torch.hub.get_dir() == str(tmp_path / "hub")
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert torch.hub.get_dir() == str(tmp_path / "cache" / "torch" / "hub")
    monkeypatch.setattr(torch.hub, "_chosen", None)
    torch.hub.set_dir(tmp_path / "mine")
    assert torch.hub.get_dir() == str(tmp_path / "mine")
