"""Tiny data sets made on the fly."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def write_frame(path: Path, value: int, size: tuple[int, int] = (48, 32)) -> None:
    """A picture of ``size`` (width, height) whose red is ``value`` everywhere, over a fixed pattern."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels[..., 0] = value
    Image.fromarray(pixels).save(path)


@pytest.fixture
def vimeo(tmp_path: Path):
    """Makes a tree of the Vimeo-90K layout: 6 train and 2 test entries; entry n has red 10 n + frame."""

    def make(prefix: str, length: int) -> Path:
        entries = [f"0000{folder}/000{number}" for folder in (1, 2, 3) for number in (1, 2, 3)]
        for place, entry in enumerate(entries):
            for frame in range(length):
                write_frame(tmp_path / "sequences" / entry / f"im{frame + 1}.png", 10 * place + frame)
        tests = [entries[1], entries[4]]
        train = [entry for entry in entries if entry not in tests]
        (tmp_path / f"{prefix}_trainlist.txt").write_text("\n".join(train) + "\n")
        # The published lists end with an empty line.
        (tmp_path / f"{prefix}_testlist.txt").write_text("\n".join(tests) + "\n\n")
        return tmp_path

    return make


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Ten folders of twelve frames; folder n has red 20 n + frame."""
    for folder in range(10):
        for frame in range(12):
            write_frame(tmp_path / f"shot{folder}" / f"{frame + 1}.png", 20 * folder + frame)
    return tmp_path
