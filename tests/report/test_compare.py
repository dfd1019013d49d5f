"""The page of two videos: in step to the frame, under a divider, with what was measured of each."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from core.errors import MediaError
from core.media.reader import open_video
from core.media.sizes import frame_bytes
from core.media.writer import open_writer
from core.metrics.quality import PSNR_CAP
from core.report.compare import ComparedVideo, Timed, of_video, write_page
from core.testing.limits import seconds

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
HEIGHT, WIDTH = 48, 65
STEP = 0.08


def video(
    name: str, channel: int, count: int, rate: int = 25, scale: int = 1, height: int = HEIGHT
) -> ComparedVideo:
    """A video whose frames can be told apart: number n is ``n * STEP`` bright in one colour."""

    def frames() -> Iterator[Timed]:
        for number in range(count):
            picture = np.zeros((3, height * scale, WIDTH * scale), np.float32)
            picture[channel] = number * STEP
            yield Fraction(number, rate), picture

    sizes = [100 * (number + 1) for number in range(count)]
    return ComparedVideo(Path(name), WIDTH * scale, height * scale, Fraction(rate), sizes, count, frames)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4", "<b> & 'c'.mp4"):
        (tmp_path / name).write_bytes(bytes(1000))
    return tmp_path


def data(page: Path) -> list[tuple[int, int, float | None]]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page.read_text())
    assert found
    return [(at["first"], at["second"], at["psnr"]) for at in json.loads(found[1])["shown"]]


def test_frames_of_one_time_stand_together(here: Path) -> None:
    page = here / "page.html"
    assert write_page(video("a.mp4", 0, 3), video("b.mp4", 1, 6, rate=50), page) == 6
    assert [pair[:2] for pair in data(page)] == [(0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (2, 5)]
    assert write_page(video("a.mp4", 0, 6, rate=50), video("b.mp4", 1, 3), page) == 6
    assert [pair[:2] for pair in data(page)] == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2)]
    assert (
        write_page(video("a.mp4", 0, 3), video("b.mp4", 1, 9), page) == 4
    )  # a frame longer than the shorter
    assert write_page(video("a.mp4", 0, 9), video("b.mp4", 1, 9), page, most=2) == 2


def test_quality_is_that_of_the_pictures(here: Path) -> None:
    page = here / "page.html"
    write_page(video("a.mp4", 0, 2), video("b.mp4", 1, 2), page)
    levels = round(STEP * 255)
    assert [psnr for *_, psnr in data(page)] == [
        PSNR_CAP,
        pytest.approx(10 * np.log10(255**2 / (levels**2 * 2 / 3)), abs=0.01),
    ]
    write_page(video("a.mp4", 0, 2), video("b.mp4", 1, 2, scale=2), page)
    assert [psnr for *_, psnr in data(page)] == [None, None]
    assert "the smaller one is enlarged bicubically" in page.read_text()


def test_shapes_must_be_alike(here: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.mp4 is 65x48 and b\.mp4 65x96: give two videos of one shape\."):
        write_page(video("a.mp4", 0, 2), video("b.mp4", 1, 2, height=96), here / "page.html")
    assert not (here / "page.html").exists()


def test_a_name_is_text(here: Path) -> None:
    page = here / "page.html"
    write_page(video("a.mp4", 0, 2), video("<b> & 'c'.mp4", 1, 2), page)
    text = page.read_text()
    assert "<b>" not in text and "&lt;b&gt; &amp;" in text
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_bytes_are_those_of_the_files_packets(here: Path) -> None:
    with open_writer(here / "made.mp4", width=64, height=48, frame_rate=Fraction(25)) as writer:
        for picture in np.random.default_rng(0).random((9, 3, 48, 64), dtype=np.float32):
            writer.write(picture)
    sizes = frame_bytes(here / "made.mp4")
    assert len(sizes) == 9 and sizes[0] == max(sizes)
    assert 0 < (here / "made.mp4").stat().st_size - sum(sizes) < 2000
    made = of_video(here / "made.mp4", lambda: open_video(here / "made.mp4"))
    assert (made.count, made.sizes, made.width) == (9, sizes, 64)
    assert made.facts["frames"] == "9"


ACT = """<script>
(async () => {
  const told = [];
  const settle = async () => {
    while (video.readyState < 2 || video.seeking) await new Promise(r => setTimeout(r, 10));
    draw();
  };
  const colour = share => [...pen.getImageData(Math.floor(share * data.width), 20, 1, 1).data].slice(0, 3);
  const pointer = (name, share, extra) => {
    const box = view.getBoundingClientRect();
    const kind = name === "wheel" ? WheelEvent : PointerEvent;
    const scale = Math.min(box.width / data.width, box.height / data.height);
    const x = box.left + box.width / 2 + (share - 0.5) * data.width * scale;
    const place = {clientX: x, clientY: box.top + box.height / 2};
    view.dispatchEvent(new kind(name, {...place, ...extra, bubbles: true, cancelable: true}));
  };
  const note = what => told.push([what, now, colour(0.1), colour(0.4), colour(0.9), zoom]);
  await settle();
  note("begin");
  for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"]) {
    document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    await settle();
    note(key);
  }
  $("frame").value = 7; $("frame").dispatchEvent(new Event("input"));
  await settle();
  note("slider");
  pointer("pointermove", 0.2);
  note("divider");
  pointer("wheel", 0.2, {deltaY: -1});
  note("zoom");
  $("whole").click();
  note("whole");
  document.querySelectorAll(".charts circle")[5].onclick();
  await settle();
  note("plot");
  $("play").click();
  while (!video.ended) await new Promise(r => setTimeout(r, 10));
  await settle();
  note("played");
  await fetch("ADDRESS", {method: "POST", mode: "no-cors", body: JSON.stringify(told)});
})();
</script>"""


@contextmanager
def listening() -> Iterator[tuple[str, SimpleQueue[str]]]:
    """An address on this machine, and what is posted to it."""
    posted: SimpleQueue[str] = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", posted
        server.shutdown()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to open the page in")
@pytest.mark.heavy
def test_a_browser_shows_both_in_step(here: Path) -> None:
    page = here / "page.html"
    write_page(video("a.mp4", 0, 10), video("b.mp4", 1, 10), page)
    with listening() as (address, posted):
        page.write_text(page.read_text().replace("</body>", ACT.replace("ADDRESS", address) + "</body>"))
        words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={here / 'profile'}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([str(CHROMIUM), *words, page.as_uri()], **quiet) as browser:
            try:
                told = json.loads(posted.get(timeout=seconds(60)))
            finally:
                browser.terminate()
    seen = {what: rest for what, *rest in told}

    def shows(what: str, frame: int, middle: int) -> None:
        """The left in the first's colour and the right in the second's, and between them the one or the other."""
        number, left, between, right, _ = seen[what]
        bright = frame * STEP * 255
        assert number == frame, what
        for colour, channel in ((left, 0), (between, middle), (right, 1)):
            wanted = [bright if index == channel else 0 for index in range(3)]
            assert np.abs(np.subtract(colour, wanted)).max() <= 8, (what, colour, wanted)

    for what, frame in (("begin", 0), ("ArrowLeft", 1), ("slider", 7)):
        shows(what, frame, 0)
    shows("divider", 7, 1)
    shows("whole", 7, 1)
    assert [seen[what][-1] for what in ("divider", "zoom", "whole")] == [1, 1.25, 1]
    shows("plot", 5, 1)
    assert seen["played"][0] == 9
