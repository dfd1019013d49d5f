"""Curves as SVG: axes with round numbers, a line for each curve, and values where the pointer rests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 16, 48
COLOURS = ("#0b6bcb", "#d1480f", "#2c8a3d", "#8b3fb8", "#b8860b", "#c2185b", "#00838f", "#5d4037", "#546e7a")


@dataclass(frozen=True)
class Series:
    """A curve: its points (x, y, what to say of it), joined where there are several."""

    name: str
    points: Sequence[tuple[float, float, str]]
    reference: bool = False
    """Whether others published it: then it is dashed, without marks."""


def chart(series: Sequence[Series], x_label: str, y_label: str) -> str:
    """An SVG element of curves; empty where no curve has a point."""
    shown = [curve for curve in series if curve.points]
    if not shown:
        return ""
    xs = [x for curve in shown for x, _, _ in curve.points]
    ys = [y for curve in shown for _, y, _ in curve.points]
    across, up = _Axis(0.0, max(xs), LEFT, WIDTH - RIGHT), _Axis(min(ys), max(ys), HEIGHT - BOTTOM, TOP)
    parts = [*_grid(across, up), *_labels(x_label, y_label)]
    for number, curve in enumerate(shown):
        parts += _curve(curve, COLOURS[number % len(COLOURS)], number, across, up)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)} over {escape(x_label)}">'
        + "".join(parts)
        + "</svg>"
    )


class _Axis:
    """Maps values to pixels, over a range that begins and ends at round numbers."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self.step = _round_step(high - low or abs(high) or 1.0)
        self._low = math.floor(low / self.step + 1e-9) * self.step
        self._high = max(math.ceil(high / self.step - 1e-9) * self.step, self._low + self.step)
        self._begin, self._end = begin, end

    def place(self, value: float) -> float:
        """Pixels."""
        share = (value - self._low) / (self._high - self._low)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[float]:
        """Round numbers from end to end."""
        count = round((self._high - self._low) / self.step)
        return [self._low + n * self.step for n in range(count + 1)]

    def text(self, value: float) -> str:
        """A tick as it is written."""
        places = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return f"{value:.{places}f}"


def _round_step(span: float) -> float:
    """1, 2 or 5 times a power of ten that divides a span into four to ten parts."""
    power = 10.0 ** math.floor(math.log10(span))
    return next(step * power for step in (0.1, 0.2, 0.5, 1.0) if span / (step * power) <= 10)


def _grid(across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for value in across.ticks():
        x = across.place(value)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{across.text(value)}</text>'
        )
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{up.text(value)}</text>')
    return parts


def _labels(x_label: str, y_label: str) -> list[str]:
    middle, centre = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    return [
        f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text transform="translate(16 {centre}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>',
    ]


def _curve(curve: Series, colour: str, number: int, across: _Axis, up: _Axis) -> list[str]:
    places = [(across.place(x), up.place(y), say) for x, y, say in curve.points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    dashes = ' stroke-dasharray="5 4"' if curve.reference else ""
    parts = [
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>',
        *(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 if curve.reference else 4}" fill="{colour}">'
            f"<title>{escape(say)}</title></circle>"
            for x, y, say in places
        ),
        *_legend(curve, colour, TOP + 12 + 20 * number, dashes),
    ]
    return [f'<g data-contender="{escape(curve.name)}">', *parts, "</g>"]


def _legend(curve: Series, colour: str, y: float, dashes: str) -> list[str]:
    x = WIDTH - RIGHT + 12
    return [
        f'<line x1="{x}" x2="{x + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"{dashes}/>',
        f'<text x="{x + 28}" y="{y + 4}">{escape(curve.name)}</text>',
    ]
