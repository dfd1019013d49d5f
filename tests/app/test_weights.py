"""Weights by name: listed, fetched or found, made into checkpoints, and kept."""

import hashlib
import io
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import core
from core import console
from core.errors import CheckpointError, ConfigError, DownloadError
from core.tasks import weights as task
from core.training.checkpoint import MODEL, Checkpoint

from .test_codec_commands import short_video
from .test_implied import checkpoint, executed
from .test_import_weights import SMALL, state  # noqa: F401 - a fixture

WORDS = ("model=cycmunet", "model.format=rgb", *(f"model.{name}={value}" for name, value in SMALL.items()))
FAR = """
    from core.hooks import Plugin, WeightsEntry

    TOLD = {{"licence": "MIT", "recipe": "an hour", "figures": "33 dB"}}
    plugin = Plugin(
        WeightsEntry("far", {words!r}, url={url!r}, sha256={digits!r}, fingerprint={fingerprint!r}, **TOLD),
        WeightsEntry("hand", {words!r}, by_hand="a page of theirs", **TOLD),
    )
"""


@pytest.fixture
def serve():
    """Serves bytes under a name, counts who asked, and tells the address."""
    asked, servers = [], []

    def start(content, name):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/{name}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def offer(site, url="http://127.0.0.1:1/x.npz", content=b"", words=WORDS, fingerprint=""):
    digits = hashlib.sha256(content).hexdigest()[:8]
    site.install(
        "far", FAR.format(words=words, url=url, digits=digits, fingerprint=fingerprint), named="plugin"
    )


def shown(monkeypatch, *words):
    out = io.StringIO()
    monkeypatch.setattr(console, "Console", Console)
    for module in (console, task):
        monkeypatch.setattr(module, "console", lambda: Console(file=out, width=250, markup=False))
    executed(*words)
    return out.getvalue()


def kept(name):
    return Path().resolve().parent / "cache" / "mindvideo" / "weights" / f"{name}.safetensors"


def test_published_weights_become_a_checkpoint_once(within, serve, state, monkeypatch):  # noqa: F811
    packed = io.BytesIO()
    np.savez(packed, **state)
    url, asked = serve(packed.getvalue(), "published.npz")
    offer(within, url, packed.getvalue())
    assert "weights get" in shown(monkeypatch, "weights")
    executed("weights", "get", "far")
    executed("weights", "get", "far")
    assert asked == ["/published.npz"]
    assert [path.name for path in kept("far").parent.iterdir()] == ["far.safetensors"]
    made = Checkpoint.open(kept("far"))
    np.testing.assert_array_equal(
        made.part(MODEL)["network.head.conv.weight"], state["head.conv_first.weight"]
    )
    settings = core.open_run(["upscale", "in.y4m", "task.checkpoint=far"]).settings
    assert settings.model.features == SMALL["features"]
    listed = next(line for line in shown(monkeypatch, "weights").splitlines() if " far " in line)
    for told in ("cycmunet", " MB", "33 dB", "an hour", "MIT"):
        assert told in listed


def test_a_checkpoint_of_ours_is_kept_as_it_is(toy, within, serve):
    toy()
    content = Path(checkpoint("there.safetensors", 4.0)).read_bytes()
    url, _ = serve(content, "toy.safetensors")
    fingerprint = Checkpoint.open(Path("there.safetensors")).fingerprint.hex()
    Path("there.safetensors").unlink()
    offer(within, url, content, ("model=toy", "codec=toy"), fingerprint)
    again()
    executed("weights", "get", "far")
    assert Checkpoint.open(kept("far")).fingerprint.hex() == fingerprint
    short_video(Path("in.y4m"), 2)
    executed("encode", "in.y4m", "task.checkpoint=far")
    executed("verify", "in.mdv")
    kept("far").unlink()
    with pytest.raises(
        CheckpointError, match=rf"'far' \({fingerprint}\); get them with mindvideo weights get far\.$"
    ):
        executed("verify", "in.mdv")


def test_other_weights_than_were_told_are_not_kept(toy, within, serve):
    toy()
    content = Path(checkpoint("there.safetensors")).read_bytes()
    url, _ = serve(content, "toy.safetensors")
    offer(within, url, content, ("model=toy", "codec=toy"), "ab" * 16)
    again()
    with pytest.raises(
        CheckpointError, match=r"are not the weights 'far': their fingerprint is another one\.$"
    ):
        executed("weights", "get", "far")
    assert not kept("far").exists()


def test_another_file_leaves_nothing(within, serve):
    url, _ = serve(b"something else", "published.npz")
    offer(within, url, b"what was published")
    with pytest.raises(DownloadError, match="is another file than was published"):
        executed("weights", "get", "far")
    assert list(kept("far").parent.iterdir()) == []


def test_a_file_that_was_fetched_by_hand(within, state, caplog):  # noqa: F811
    offer(within)
    with pytest.raises(
        CheckpointError, match=r"fetch them from a page of theirs, call the file hand-published\.pth"
    ):
        executed("weights", "get", "hand")
    np.savez("hand-published.npz", **state)
    with caplog.at_level(logging.INFO):
        executed("weights", "get", "hand")
    assert Path("hand-published.npz").exists() and str(kept("hand")) in caplog.text
    assert Checkpoint.open(kept("hand")).model_section["features"] == SMALL["features"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["get"], r"no name is given \(known: "),
        (["get", "fra"], r"there are no weights 'fra'; did you mean 'far'\?"),
        (["fetch"], "action"),
    ],
)
def test_what_cannot_be_got(words, told, within):
    offer(within)
    with pytest.raises(ConfigError, match=told):
        executed("weights", *words)


def test_pytorch_is_asked_for_before_anything_is_fetched(within, serve, monkeypatch):
    url, asked = serve(b"", "published.pth.tar")
    offer(within, url)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs PyTorch once: pip install 'mindvideo\[torch\]'\.$"):
        task._require_torch(core.open_run(["weights"]).registry.weights()["far"])
    assert asked == []


def again():
    """Have plugins found anew that were installed since the last command."""
    from core.app import plugins

    plugins.cache_clear()
