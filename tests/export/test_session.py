"""Stages computed by onnxruntime: what MindSpore gives, to what upscales and codes."""

from dataclasses import replace

import numpy as np
import pytest
from mindspore import Tensor

from core.backend import PORTABLE
from core.export.session import OnnxRuntime
from core.hooks import Output, PictureFormat
from core.nn.stage import Stage
from plugins.cycmunet.config import CycMuNetUpscalerConfig
from plugins.cycmunet.upscaler import CycMuNetUpscaler
from plugins.dvc import plugin as dvc
from plugins.dvc.config import DvcCodecConfig

from ..plugins.codecs.material import build_frames, decoded, encoded, intra_codec
from .conftest import TOLERANCE, export_network
from .test_networks import needs_deformable

ONNX = replace(PORTABLE, runtime=OnnxRuntime(threads=2))


class Pair(Stage):
    def construct(self, x):
        return self.network(x), x + 1


class Alone(Stage):
    def construct(self, x):
        return (self.network(x),)


def test_results_keep_their_form():
    network = export_network("dvc").network.motion.analysis
    x = Tensor(np.random.default_rng(0).random((1, 2, 32, 48), dtype=np.float32))
    expected = network(x).asnumpy()
    with ONNX:
        pair, alone = Pair(network), Alone(network)
    first, second = pair(x)
    (alone,) = alone(x)
    np.testing.assert_allclose(first.asnumpy(), expected, atol=1e-5)
    np.testing.assert_array_equal(alone.asnumpy(), first.asnumpy())
    np.testing.assert_array_equal(second.asnumpy(), x.asnumpy() + 1)


def test_codec():
    exported = export_network("dvc")
    tables = dvc.CODEC.tables(exported.network)
    frames, format = build_frames(3, 40, 56), PictureFormat(56, 40)

    def packets_and_pictures(backend):
        with backend:
            codec = dvc.CODEC.build(DvcCodecConfig(), exported.network, tables, intra_codec("png"))
        coded = encoded(codec, format, frames)
        return coded, decoded(codec, format, [frame.packet for frame in coded])

    ours, shown = packets_and_pictures(ONNX)
    theirs, _ = packets_and_pictures(PORTABLE)
    for frame, picture, other in zip(ours, shown, theirs, strict=True):
        np.testing.assert_array_equal(picture.picture, frame.picture)
        # A value halfway between two levels may be rounded to either.
        assert np.abs(frame.picture.astype(int) - other.picture).max() <= 1


@needs_deformable
@pytest.mark.slow
def test_upscaler():
    network = export_network("cycmunet").network
    first, last = np.random.default_rng(0).random((2, 1, 3, 8, 12), dtype=np.float32)
    wanted = (Output.MIDDLE,)
    with ONNX:
        upscaler = CycMuNetUpscaler(CycMuNetUpscalerConfig(), network)
    ours = upscaler(first, last, wanted)
    theirs = CycMuNetUpscaler(CycMuNetUpscalerConfig(), network)(first, last, wanted)
    for output in wanted:
        np.testing.assert_allclose(ours[output], theirs[output], atol=TOLERANCE)
