"""Files of the network come whole or not at all, and go on where a transfer broke off."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core import download as downloads
from core.download import download
from core.errors import BusyError, DownloadError

CONTENT = bytes(range(256)) * 4000


class Server(ThreadingHTTPServer):
    """Serves one content, in pieces after each of which the connection ends; notes what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.piece, self.ranges, self.status = CONTENT, len(CONTENT), True, 0
        self.asked: list[str] = []
        self.hold: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.npz"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, given = self.server, self.headers.get("Range", "")
        server.asked.append(given)
        if server.status:
            self.send_error(server.status)
            return
        start = int(given[len("bytes=") : -1]) if given and server.ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
            )
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start : start + server.piece])
        if server.hold:
            self.wfile.flush()
            server.hold.wait(30)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights.npz"


def digits(content: bytes = CONTENT) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_is_fetched_once(server: Server, target: Path) -> None:
    download(server.url, target, digits())
    download(server.url, target, digits())
    assert target.read_bytes() == CONTENT
    assert server.asked == [""]
    assert left(target) == ["weights.npz"]


def test_a_broken_transfer_is_asked_for_again(server: Server, target: Path) -> None:
    server.piece = 300_000
    download(server.url, target, digits())
    assert target.read_bytes() == CONTENT
    assert server.asked == ["", "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_what_broke_off_for_good_goes_on_with_the_next_command(server: Server, target: Path) -> None:
    server.piece = 1000
    with pytest.raises(
        DownloadError, match=r"broke off after 4,000 bytes .* the same command goes on from there\.$"
    ):
        download(server.url, target, digits())
    assert left(target) == [".weights.npz.download"]
    server.piece = len(CONTENT)
    download(server.url, target, digits())
    assert server.asked[-1] == "bytes=4000-"
    assert target.read_bytes() == CONTENT
    assert left(target) == ["weights.npz"]


def test_a_server_without_ranges_begins_anew(server: Server, target: Path) -> None:
    server.piece, server.ranges = 1000, False
    with pytest.raises(DownloadError, match="broke off after 1,000 bytes"):
        download(server.url, target, digits())
    server.piece = len(CONTENT)
    download(server.url, target, digits())
    assert target.read_bytes() == CONTENT


def test_another_file_is_not_kept(server: Server, target: Path) -> None:
    with pytest.raises(
        DownloadError, match=rf"SHA-256 begins with {digits()}, not 00000000; nothing of it is kept"
    ):
        download(server.url, target, "00000000")
    assert left(target) == []


@pytest.mark.parametrize("shorter", [0, 500_000])
def test_a_file_that_changed_between_two_transfers(server: Server, target: Path, shorter: int) -> None:
    server.piece, server.content = 200_000, bytes(len(CONTENT) * 2)
    with pytest.raises(DownloadError, match="broke off after 800,000 bytes"):
        download(server.url, target, digits())
    server.content = CONTENT[: len(CONTENT) - shorter]
    server.piece = len(CONTENT)
    download(server.url, target, digits(server.content))
    assert target.read_bytes() == server.content


def test_no_network(target: Path) -> None:
    with pytest.raises(DownloadError, match=r"cannot be reached \(.*refused.*\): is there a network\?"):
        download("http://127.0.0.1:1/weights.npz", target, digits())
    assert not target.exists()


def test_a_server_that_refuses(server: Server, target: Path) -> None:
    server.status = 404
    with pytest.raises(DownloadError, match=r"cannot be fetched: the server says 404 Not Found\."):
        download(server.url, target, digits())


def test_only_the_web_is_asked(target: Path) -> None:
    with pytest.raises(DownloadError, match=r"file:///etc/hostname is no address of the web"):
        download("file:///etc/hostname", target, digits())


def test_no_space(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match=r"takes 1\.0 MB more, and .*cache has 0\.0 MB free: make room"):
        download(server.url, target, digits())
    assert not target.exists()


def test_more_than_is_fetched(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 1000)
    with pytest.raises(DownloadError, match=r"more than the 1,000 that are fetched at most"):
        download(server.url, target, digits())


def test_two_at_once(server: Server, target: Path) -> None:
    server.hold, server.piece = threading.Event(), 1000
    first = threading.Thread(target=lambda: _quietly(server, target))
    first.start()
    while not server.asked:
        first.join(0.01)
    with pytest.raises(BusyError, match=r"weights\.npz is being fetched by another process"):
        download(server.url, target, digits())
    server.piece = len(CONTENT)
    server.hold.set()
    first.join()
    assert target.read_bytes() == CONTENT


def _quietly(server: Server, target: Path) -> None:
    download(server.url, target, digits())
