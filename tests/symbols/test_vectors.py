"""Planes of vectors come back from the range coder, and cost little where they are alike."""

import numpy as np
import pytest

from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.vectors import VectorModel, mean_sizes, vector_tables

MODEL = VectorModel(vector_tables(), mean_sizes())


def coded(vectors):
    """The payload and its estimated bits; raises where it does not decode to the same."""
    encoder = SymbolEncoder()
    bits = MODEL.encode(vectors, encoder)
    payload = encoder.finish()
    decoder = SymbolDecoder(payload)
    np.testing.assert_array_equal(MODEL.decode(decoder, *vectors.shape[1:]), vectors)
    decoder.finish(encoder.symbols_hash)
    return payload, bits


@pytest.mark.parametrize("height", [1, 2, 5, 64, 67])
@pytest.mark.parametrize("width", [1, 3, 64, 130])
def test_any_plane_comes_back(height, width):
    rng = np.random.default_rng(height * width)
    spread = rng.choice([1, 8, 200], (2, height, width))
    vectors = np.rint(rng.laplace(0, spread)).astype(np.int32)
    vectors.flat[-1] = 2**24
    payload, bits = coded(vectors)
    assert 8 * len(payload) == pytest.approx(bits, rel=0.1, abs=80)


@pytest.mark.parametrize("motion", [(0, 0), (13, -7)])
def test_equal_vectors_cost_next_to_nothing(motion):
    plane = np.broadcast_to(np.reshape(motion, (2, 1, 1)), (2, 68, 120)).astype(np.int32)
    payload, _ = coded(plane)
    assert 8 * len(payload) / plane[0].size < 0.15


def test_the_model_learns_from_what_was_coded():
    """Noise costs about what the distribution that it is drawn from says, as soon as its size is known."""
    rng = np.random.default_rng(9)
    vectors = np.rint(rng.laplace(0, 2.0, (2, 64, 96))).astype(np.int32)
    _, bits = coded(vectors)
    shares = np.unique(vectors, return_counts=True)[1] / vectors.size
    entropy = -(shares * np.log2(shares)).sum() * vectors.size
    assert bits < 1.12 * entropy
