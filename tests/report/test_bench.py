"""The report of a benchmark: what stands on the page, and the same numbers in every form."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.bench.published import load_published
from core.bench.records import Outcome
from core.bench.results import Results
from core.measure.cache import Cache, draw
from core.measure.records import ClipRecord, PointRecord
from core.report import crops
from core.report.bench import write_report
from core.report.svg import Series, chart
from core.testing.limits import seconds

SIDE = 200
RATES = {"q1": (200, 30.0), "q2": (400, 33.0), "q3": (800, 35.5), "q4": (1600, 37.5)}
AXES = {"codec": "x", "supervision": "objective", "direction": "unidirectional"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and tables as rows of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._text = ""
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "line", "circle", "polyline", "option"):
            self._open.append(tag)
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th", "caption"):
            self._text = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("line", "circle", "polyline", "option"):
            return
        assert self._open.pop() == tag
        if tag == "caption":
            self._caption = self._text
        if tag in ("td", "th"):
            self._rows[-1].append(self._text.strip())
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        self._text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def outcome(contender: str, point: str, size: int, quality: float, gop: int = 12) -> Outcome:
    clip = ClipRecord(
        label="a <b> & c",
        frames=5,
        width=SIDE,
        height=SIDE,
        counted_bytes=size,
        file_bytes=size + 90,
        packet_bytes=size,
        values={
            "psnr_rgb": quality,
            "psnr_y": quality + 2,
            "psnr_yuv": quality + 3,
            "ssim": 0.9,
            "ms_ssim": None,
        },
        encode_seconds=0.5,
        decode_seconds=0.25,
        encode_entropy_seconds=None,
        decode_entropy_seconds=None,
        cold=False,
        peak_memory=512 << 20,
        source="ab" * 32,
        stream="cd" * 32,
        key=f"{contender}-{point}",
    )
    record = PointRecord(
        codec="x",
        axes={},
        gop=gop,
        intra=None,
        counted="packets",
        parameters=1234567,
        multiply_adds=None,
        fingerprint="ef" * 16,
        options={"gop": gop},
        device=None,
        versions={"mindvideo": "9.9"},
        machine="a machine",
        clips=[clip],
        cached=0,
    )
    return Outcome(contender, point, "clips", ["words"], 1.0, record)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    folder = tmp_path_factory.mktemp("report")
    cache = Cache(folder / "cache")
    truth = np.random.default_rng(0).random((3, SIDE, SIDE), dtype=np.float32)
    draw(cache.source("ab" * 32), truth)
    outcomes = []
    for name, share in (("old", 1.0), ("new <1>", 0.8)):
        for point, (size, quality) in RATES.items():
            outcomes.append(outcome(name, point, round(size * share), quality))
            draw(cache.picture(f"{name}-{point}"), np.clip(truth + 0.1, 0, 1))
    outcomes += [outcome("endless", "q", 300, 33.0, gop=0)]
    outcomes += [Outcome("broken", "q", "clips", [], 1.0, None, "it was ended by signal SIGKILL & more.")]
    kinds = {"old": "conventional", "new <1>": "learned", "endless": "conventional", "broken": "learned"}
    axes = {name: {**AXES, "kind": kind, "coding": "residual"} for name, kind in kinds.items()}
    axes["new <1>"]["coding"] = "conditional"
    sets = {"clips": {"name": "clips", "options": {"limit": None}}}
    results = Results("A <title>", outcomes, ["old"], axes, sets, "python -m core x='y'", 1, "a machine")
    assert write_report(results, folder, folder / "cache", 1) == folder / "bench.html"
    return folder, results


@pytest.fixture(scope="module")
def page(made: tuple[Path, Results]) -> Page:
    return Page((made[0] / "bench.html").read_text())


def test_the_page_needs_nothing_else(page: Page) -> None:
    for attributes in (a for _, a in page.elements):
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not page.all("link")


def test_tables_hold_the_numbers(page: Page) -> None:
    points = page.tables["Points"]
    assert points[0][:6] == ["Codec", "kind", "coding", "supervision", "direction", "Point"]
    assert len(page.tables["Classification"]) == 5
    assert page.tables["What failed"][1] == ["broken", "clips", "q", "it was ended by signal SIGKILL & more."]
    against = page.tables["Against old"]
    assert len(against) == 2
    assert against[1][:3] == ["new <1>", "a <b> & c", "-20.0 (Akima -20.0, overlap 100%)"]
    assert against[1][4] == "n/a: the anchor's curve has 0 of the 4 points that it needs."
    costs = page.tables["Time, memory and size"]
    assert costs[1][3:10] == ["0.5000", "n/a", "0.2500", "n/a", "512", "1,234,567", "n/a"]


def test_curves_of_other_conditions_stand_apart(page: Page, made: tuple[Path, Results]) -> None:
    text = (made[0] / "bench.html").read_text()
    sections = text.split("<section>")
    assert "an intra frame every 12" in sections[1] and "one intra frame" in sections[2]
    assert 'data-contender="endless"' not in sections[1].split("</svg>")[0]
    assert 'data-contender="new &lt;1&gt;"' in sections[1] and 'data-contender="old"' not in sections[2]


def test_every_point_says_its_values(made: tuple[Path, Results]) -> None:
    text = (made[0] / "bench.html").read_text()
    for point, (size, quality) in RATES.items():
        assert f"<title>old at {point}: {8 * size / (5 * SIDE**2):.4f} bpp, {quality:.2f}</title>" in text


def test_crops_are_taken_at_about_equal_bytes(page: Page) -> None:
    pictures = [a for a in page.all("img") if a["alt"] and "new" in a["alt"]]
    assert pictures[0]["alt"].startswith("new <1> at q")
    error = next(a for a in page.all("img") if a["alt"] == "errors of old")
    image = Image.open(io.BytesIO(base64.b64decode(error["src"].partition(",")[2])))
    assert image.width >= 240 and np.asarray(image).std() > 0
    for attributes in page.all("img"):
        assert attributes["src"].startswith("data:image/png;base64,")


def test_no_contender_s_crop_is_far_from_the_bytes_that_are_stated(made: tuple[Path, Results]) -> None:
    text = (made[0] / "bench.html").read_text()
    assert re.search(r"nearest to \d\.\d{4} bpp, from \d+% to \d+% of these bytes", text)
    # The one that is farthest decides, not the sum of all.
    assert crops._target([[4.0], [4.0], [4.0], [1.0], [2.0]]) == 2.0


@pytest.mark.parametrize("damage", [lambda data: data[:60], lambda data: b"\0" * len(data), None])
def test_pictures_that_are_damaged_are_left_out(
    made: tuple[Path, Results],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[bytes], bytes] | None,
) -> None:
    shutil.copytree(made[0] / "cache", tmp_path / "cache")
    cache = Cache(tmp_path / "cache")
    if damage:
        for path in (cache.picture(f"old-{point}") for point in RATES):
            path.write_bytes(damage(path.read_bytes()))
    else:
        draw(cache.source("ab" * 32), np.zeros((3, SIDE + 1, SIDE), np.float32))
    page = Page(write_report(made[1], tmp_path, tmp_path / "cache", 1).read_text())
    assert not [a for a in page.all("img") if a["alt"] and "new" in a["alt"]]
    assert "are left out" in caplog.text and "is damaged" in caplog.text


def test_the_same_in_every_form(made: tuple[Path, Results]) -> None:
    folder, results = made
    record = json.loads((folder / "bench.json").read_text())
    with (folder / "deltas.csv").open() as file:
        rows = list(csv.DictReader(file))
    value = next(c for c in record["comparisons"] if c["measure"] == "BD-rate, PSNR RGB")["value"]
    assert value == pytest.approx(-20, abs=1e-6)
    assert float(next(r for r in rows if r["measure"] == "BD-rate, PSNR RGB")["value"]) == value
    markdown = (folder / "bench.md").read_text()
    assert "| new &lt;1&gt; | a &lt;b&gt; &amp; c | -20.0 (Akima -20.0, overlap 100%) |" in markdown
    assert record["command"] in markdown and "mindvideo=9.9" in markdown
    with (folder / "points.csv").open() as file:
        assert len(list(csv.DictReader(file))) == sum(1 for o in results.outcomes if o.record)


def test_charts() -> None:
    drawn = chart([Series("one", [(0.1, 30.0, "a < b")]), Series("absent", [])], "x", "y")
    assert "a &lt; b" in drawn and "absent" not in drawn
    assert chart([Series("none", [])], "x", "y") == ""
    flat = chart([Series("one", [(0.0, 0.0, ""), (0.0, 0.0, "")])], "x", "y")
    assert "nan" not in flat and "inf" not in flat


def test_published_curves_stand_where_conditions_match(made: tuple[Path, Results]) -> None:
    from dataclasses import replace

    from core.bench.compare import Conditions

    curve = next(c for c in load_published() if c.codec == "DCVC" and c.collection == "uvg")
    conditions = Conditions("mine", 12, "120", "1920x1024", "")
    data = {"name": "raw_sequences", "options": {"collection": "uvg"}}
    assert curve.matches(conditions, data)
    for other in ({"gop": 32}, {"frames": "96"}, {"size": "1920x1080"}):
        assert not curve.matches(replace(conditions, **other), data)  # type: ignore[arg-type]
    assert not curve.matches(conditions, {"name": "clips", "options": {}})
    assert not any(c.matches(conditions, data) for c in load_published() if c.frames is None)


def test_published_points_rise() -> None:
    for curve in load_published():
        for quality in ("psnr_rgb", "ms_ssim"):
            points = sorted(curve.curve(quality))
            assert [q for _, q in points] == sorted(q for _, q in points)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to open the page in")
@pytest.mark.heavy
def test_a_browser_runs_the_page(made: tuple[Path, Results], tmp_path: Path) -> None:
    """The page's own script marks numbers and sorts; a script of the test clicks and chooses."""
    text = (made[0] / "bench.html").read_text()
    act = """<script>
    const table = [...document.querySelectorAll("table")].find(t => t.caption.textContent === "Points");
    const head = [...table.querySelectorAll("th")].find(t => t.textContent === "bpp");
    head.click(); head.click();
    const choice = document.querySelector("select[data-axis=coding]");
    choice.value = "conditional"; choice.dispatchEvent(new Event("change"));
    const rows = [...table.tBodies[0].rows];
    document.title = rows.map(r => r.cells[head.cellIndex].textContent).join(" ") + "|" +
      rows.filter(r => r.getClientRects().length).map(r => r.cells[0].textContent).join(",") + "|" +
      document.querySelectorAll("td.number").length;
    </script>"""
    file = tmp_path / "page.html"
    file.write_text(text.replace("</body>", act + "</body>"))
    told = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=seconds(120),
    ).stdout
    title = told.partition("<title>")[2].partition("</title>")[0]
    rates, shown, numbers = title.split("|")
    values = [float(rate) for rate in rates.split()]
    assert len(values) == 8 and values == sorted(values, reverse=True)
    assert shown == ",".join(["new &lt;1&gt;"] * 4)
    assert int(numbers) > 40


def test_the_score_is_the_rate_that_is_saved(made):
    """Of the one contender with the anchor's conditions, which needs 0.8 of the bytes."""
    assert made[1].saved == pytest.approx(20, abs=0.5)
    assert dataclasses.replace(made[1], anchors=[]).saved is None
