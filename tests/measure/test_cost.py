"""Multiply-adds of whole codecs and upscalers, for each pixel."""

from itertools import pairwise

import pytest

from core.coding.resampled import ResampledCodec
from core.measure.cost import codec_cost, upscaler_cost
from core.upscaling.baselines import Baseline

from ..plugins.codecs.cases import CASES


def down(side, *widths):
    """5x5 convolutions from width to width, each halving the sides, for each pixel of the picture."""
    pairs = enumerate(pairwise(widths), 1)
    return sum(outputs * inputs * 25 * (side / 2**level) ** 2 for level, (inputs, outputs) in pairs)


def up(side, *widths):
    """The same of transposed ones, each doubling the sides."""
    pairs = enumerate(pairwise(widths))
    return sum(outputs * inputs * 25 * (side * 2**level) ** 2 for level, (inputs, outputs) in pairs)


def test_an_intra_frame_by_hand():
    """SSFVC: a picture's transforms, and those of its hyper-latent; the encoder restores the means twice."""
    case = CASES["ssfvc"]
    network = case.smallest()
    hidden, latent = network.config.hidden, network.config.latent
    means = up(1 / 128, *(latent,) * 4)
    decoding = means + up(1 / 16, latent, hidden, hidden, hidden, 3)
    encoding = down(1, 3, hidden, hidden, hidden, latent) + down(1 / 16, *(latent,) * 4) + means
    cost = codec_cost(case.codec(network))
    assert cost["decode intra"] == pytest.approx(decoding)
    assert cost["encode intra"] == pytest.approx(encoding + decoding)
    assert cost["encode inter"] > cost["encode intra"] and cost["decode inter"] > cost["decode intra"]


def test_an_upscaler_that_learned_nothing():
    assert upscaler_cost(Baseline(3)) == {"upscale": 0}


def test_half_the_size_and_the_rate_cost_an_eighth():
    """Of every two frames one is coded, on a quarter of the pixels."""
    case = CASES["ssfvc"]
    codec = case.codec(case.smallest())
    whole, part = codec_cost(codec), codec_cost(ResampledCodec(codec, Baseline(2)))
    assert part["encode intra"] == pytest.approx(whole["encode intra"] / 4)
    assert part["decode inter"] == pytest.approx(whole["decode inter"] / 8)
