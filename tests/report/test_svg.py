"""Curves as SVG: well formed, within the picture, on axes with round numbers."""

import re
from xml.etree import ElementTree

import pytest

from core.report.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Series, chart

CURVES = [
    Series("one & only", [(0.1, 30.0, "a < b"), (0.4, 34.5, "b")]),
    Series("published", [(0.2, 31.0, "c"), (0.35, 33.0, "d")], reference=True),
]


def drawn(series, x="bpp", y="PSNR, dB"):
    return ElementTree.fromstring(chart(series, x, y))


def ticks(svg, anchor):
    """Numbers along an axis."""
    texts = [text.text for text in svg.findall("text") if text.get("text-anchor") == anchor]
    return [float(text) for text in texts if re.fullmatch(r"-?\d+(\.\d+)?", text)]


def test_nothing_is_drawn_of_nothing():
    assert chart([], "x", "y") == "" == chart([Series("empty", [])], "x", "y")


def test_curves_lie_within_the_axes():
    svg = drawn(CURVES)
    groups = svg.findall("g")
    assert [group.get("data-contender") for group in groups] == ["one & only", "published"]
    assert [title.text for title in svg.iter("title")] == ["a < b", "b", "c", "d"]
    for circle in svg.iter("circle"):
        assert LEFT <= float(circle.get("cx")) <= WIDTH - RIGHT
        assert TOP <= float(circle.get("cy")) <= HEIGHT - BOTTOM
    first, last = (circle.attrib for circle in groups[0].findall("circle"))
    assert float(first["cx"]) < float(last["cx"]) and float(first["cy"]) > float(last["cy"])


def test_published_curves_are_dashed():
    ours, published = drawn(CURVES).findall("g")
    assert published.find("polyline").get("stroke-dasharray") and not ours.find("polyline").get(
        "stroke-dasharray"
    )


def test_axes_have_round_numbers_around_the_values():
    svg = drawn(CURVES)
    across, up = ticks(svg, "middle"), ticks(svg, "end")
    assert across == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4])
    assert up == pytest.approx([30, 30.5, 31, 31.5, 32, 32.5, 33, 33.5, 34, 34.5])


@pytest.mark.parametrize("value", [0.0, 1e-4, 0.7, 12345.0])
def test_one_value_has_axes_too(value):
    svg = drawn([Series("one", [(value, value, "here")])])
    (circle,) = svg.iter("circle")
    for place in (circle.get("cx"), circle.get("cy")):
        assert 0 <= float(place) <= WIDTH
    assert len(ticks(svg, "middle")) >= 2 and len(ticks(svg, "end")) >= 2


def test_colours_begin_anew():
    many = [Series(str(n), [(1.0, 1.0, "")]) for n in range(10)]
    colours = [circle.get("fill") for circle in drawn(many).iter("circle")]
    assert len(set(colours)) == 9 and colours[0] == colours[9]
