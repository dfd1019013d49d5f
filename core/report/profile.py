"""A profile for people: the cells that take most, growth with the picture's size, and a plot of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.table import Table

from core.bench.profile import Profile, exponent
from core.console import console

SHOWN = 25
"""Cells in the table."""
QUANTITIES = {
    "seconds": "s, operator by operator",
    "compiled_seconds": "s, compiled",
    "memory": "MiB that the process grew by at most",
}


def print_profile(profiles: Sequence[Profile], title: str) -> None:
    """Growth over all sizes, and the cells of the largest one, on standard output."""
    shown = console()
    shown.print(_growth(profiles, title))
    for name, power in exponents(profiles).items():
        shown.print(f"{QUANTITIES[name]}: grows with pixels to the power of {power:.2f}")
    shown.print(_cells(profiles[-1]))


def exponents(profiles: Sequence[Profile]) -> dict[str, float]:
    """The power of the number of pixels with which each quantity grows, where it was measured at several sizes."""
    pixels = [profile.pixels for profile in profiles]
    powers = {name: exponent(pixels, values) for name, values in _measured_quantities(profiles).items()}
    return {name: power for name, power in powers.items() if power is not None}


def to_json(profiles: Sequence[Profile]) -> dict[str, Any]:
    """The profiles as plain values for JSON."""
    return {"exponents": exponents(profiles), "sizes": [asdict(profile) for profile in profiles]}


def draw_profile(profiles: Sequence[Profile], title: str) -> NDArray[np.uint8]:
    """Each quantity over pixels, both on logarithmic scales, with the fitted power: RGB (H,W,3)."""
    measured, powers = _measured_quantities(profiles), exponents(profiles)
    figure = Figure(figsize=(5 * len(measured), 4), dpi=100)
    canvas = FigureCanvasAgg(figure)
    pixels = np.array([profile.pixels for profile in profiles], float)
    for number, (name, values) in enumerate(measured.items(), 1):
        axes = figure.add_subplot(1, len(measured), number)
        axes.loglog(pixels, values, "o")
        if name in powers:
            fitted = np.exp(np.mean(np.log(values)) + powers[name] * (np.log(pixels) - np.log(pixels).mean()))
            axes.loglog(pixels, fitted, "-", label=f"pixels to the power of {powers[name]:.2f}")
            axes.legend()
        axes.set_xlabel("pixels")
        axes.set_ylabel(QUANTITIES[name])
        axes.grid(True, which="both", alpha=0.3)
    figure.suptitle(title)
    figure.tight_layout()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _measured_quantities(profiles: Sequence[Profile]) -> dict[str, list[float]]:
    """Each quantity at every size, where it was measured."""
    found: dict[str, list[float]] = {"seconds": [profile.seconds for profile in profiles]}
    compiled = [p.compiled_seconds for p in profiles if p.compiled_seconds is not None]
    if len(compiled) == len(profiles):
        found["compiled_seconds"] = compiled
    found["memory"] = [profile.memory / 2**20 for profile in profiles]
    return {name: values for name, values in found.items() if min(values) > 0}


def _growth(profiles: Sequence[Profile], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("Size")
    for heading in (*QUANTITIES.values(), "kMAC/pixel"):
        table.add_column(heading, justify="right")
    for one in profiles:
        table.add_row(
            f"{one.width}x{one.height}",
            f"{one.seconds:.3f}",
            "-" if one.compiled_seconds is None else f"{one.compiled_seconds:.3f}",
            f"{one.memory / 2**20:.0f}",
            f"{one.multiply_adds / one.pixels / 1000:,.1f}",
        )
    return table


def _cells(profile: Profile) -> Table:
    title = f"Cells at {profile.width}x{profile.height}, without the cells within them"
    table = Table(title=title, title_justify="left")
    table.add_column("Cell", overflow="fold")
    table.add_column("Class", no_wrap=True)
    for heading in ("Calls", "s", "Share", "Gives, MiB"):
        table.add_column(heading, justify="right")
    whole = sum(share.seconds for share in profile.cells)
    for share in profile.cells[:SHOWN]:
        table.add_row(
            share.name,
            share.kind,
            str(share.calls),
            f"{share.seconds:.4f}",
            f"{share.seconds / whole:.1%}",
            f"{share.output_bytes / 2**20:.1f}",
        )
    return table
