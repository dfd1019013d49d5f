"""The picture of a benchmark: ours over the peer for everything, in time and in memory."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

_OURS, _BASELINE = "#2b6cb0", "#888888"


def draw(record: dict[str, Any], path: Path) -> None:
    """A bar for everything measured: median time and peak memory, as a ratio to the peer's where there is one."""
    results = record["results"]
    titles = list(results)
    figure, axes = plt.subplots(1, 2, figsize=(13, 1.2 + 0.36 * len(titles)), sharey=True)
    for axis, column, name in (
        (axes[0], "median s", "time"),
        (axes[1], "peak MiB", "peak memory"),
    ):
        values = [results[title]["ratios"].get(column, 0) for title in titles]
        bars = axis.barh(titles, values, color=_OURS)
        axis.bar_label(bars, [_label(results[title], column) for title in titles], padding=3, fontsize=8)
        axis.axvline(1, color=_BASELINE, linestyle="--", linewidth=1)
        axis.set_xlim(0, max([1.2, *values]) * 1.35)
        axis.set_xlabel(f"{name}: ours / the peer's (in brackets: ours and the peer's)")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    machine = record["machine"]
    figure.suptitle(
        f"mindvideo on {machine['processor']}, {machine['cores']} cores, {machine['instructions']}",
        fontsize=10,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _label(result: dict[str, Any], column: str) -> str:
    """Ratio and both values."""
    both = [result["sides"][name] for name in result["order"]]
    if column == "median s":
        values = [f"{median(one['wall']):.2f}" for one in both]
        unit = "s"
    else:
        values = [f"{one['peak_mib']:.0f}" for one in both]
        unit = "MiB"
    ratio = result["ratios"].get(column)
    told = " and ".join(values) + f" {unit}"
    return f"{ratio:.2f}  ({told})" if ratio else told
