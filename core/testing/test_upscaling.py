"""The plugin's upscalers: the wanted pictures and no others, in their sizes, whatever is asked for beside them."""

from __future__ import annotations

import numpy as np
import pytest

from core.hooks import Output, Upscaler
from core.media.tiles import plan_tiles
from core.testing.cases import Case
from core.testing.material import moving_frames

HEIGHT, WIDTH = 18, 26
TILES = 57, 90
STEP = 1 / 255
"""Step of an 8-bit sample."""
CHOICES = [tuple(Output), (Output.FIRST, Output.MIDDLE), (Output.LOW_MIDDLE,), ()]


@pytest.fixture
def upscaler(case: Case) -> Upscaler:
    """That of a case, with fresh weights."""
    return case.run.upscaler(case.run.model().set_train(False))


@pytest.mark.usefixtures("pynative")
def test_outputs(upscaler: Upscaler) -> None:
    """Each choice gives exactly its pictures, and each picture is the same in every choice."""
    first, last = moving_frames(2, HEIGHT, WIDTH)[:, None]
    whole = upscaler(first, last, tuple(Output))
    for choice in CHOICES:
        made = upscaler(first, last, choice)
        assert set(made) == set(choice)
        for output, picture in made.items():
            scale = 1 if output is Output.LOW_MIDDLE else upscaler.scale
            assert picture.shape == (1, 3, scale * HEIGHT, scale * WIDTH)
            assert picture.dtype == np.float32
            assert picture.min() >= 0 and picture.max() <= 1
            np.testing.assert_allclose(picture, whole[output], rtol=0, atol=0.01 * STEP)


@pytest.mark.usefixtures("pynative")
def test_tiles_are_invisible(upscaler: Upscaler) -> None:
    """A picture made tile by tile is the picture made whole, but for a fifth of an 8-bit step."""
    first, last = moving_frames(2, *TILES)
    wanted = (Output.FIRST, Output.MIDDLE)

    def made(first: np.ndarray, last: np.ndarray) -> dict[Output, np.ndarray]:
        return {output: batch[0] for output, batch in upscaler(first[None], last[None], wanted).items()}

    plan = plan_tiles(*TILES, tile=48, overlap=32, alignment=upscaler.alignment)
    assert len(plan) > 1
    tiled = plan.run_named(made, first, last, scales=dict.fromkeys(wanted, upscaler.scale))
    for output, whole in made(first, last).items():
        np.testing.assert_allclose(tiled[output], whole, rtol=0, atol=0.2 * STEP)
