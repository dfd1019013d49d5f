"""The weights that training starts from: a codec of block transforms, from which a network learns.

Fresh networks show noise that grows from frame to frame, and have no path from the last picture to the next one. Here
features begin as coefficients of 8x8 blocks under the discrete cosine transform, lowest frequencies first, as many as
there are channels. The latent holds the lowest coefficients, of a video network those of the difference to the frame
before, quantised in steps that go with the quality; the blocks in between are near identity.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mindspore import Parameter, Tensor, nn
from numpy.typing import ArrayLike, NDArray

from core.hooks import Array
from core.nn import Conv2d, SeparableBlock, init

from .blocks import PATCH
from .config import QUALITIES, DcvcUfIntraLossConfig, DcvcUfLossConfig

_KEPT = 0.002
"""Gain of random weights beside what is laid into a layer."""
_CALM = 0.02
"""Gain of the branches of blocks on the way, which are small at first anyway."""
_PRECISION = 16.0
"""Scale of coefficients in [-4,4], which are laid into the latent times this."""
_BEST_STEP = 1.9
"""The best step of coefficients where the distortion weighs 1, by the theory of fine quantisation."""
_CHROMA = 8.0
"""How much a frequency of chroma stands behind the same of luma."""
_OF_PICTURES, _FALL, _OF_MOTION = (0.75, 0.15), 1.4, (0.05, 0.015)
"""Deviations of coefficients of luma and chroma: of pictures, and how they fall with frequency; between frames."""
_MIN_SCALE = 0.16
"""Just above what is not coded at all: where much moves, there is something to code at coarse qualities too."""
_QUIET = 0.3
"""Of what makes z, which is 0 nearly everywhere at first."""
_CERTAIN = 1.0
"""Of the slopes of z's prior, which expects that."""


def steps(loss: DcvcUfLossConfig | DcvcUfIntraLossConfig) -> Array:
    """The step of the latent at each quality, (64): that of weights of the distortion."""
    weights = np.geomspace(loss.coarsest, loss.finest, QUALITIES)
    return (_PRECISION * _BEST_STEP / np.sqrt(weights)).astype(np.float32)


def transform(count: int) -> Array:
    """The ``count`` first coefficients of a patch of 8x8 pixels of Y, Cb, Cr, (count,192); rows are orthonormal.

    Beyond the 192nd they are 0.
    """
    rows = init.patch_cosines(PATCH, 3)[_order(count)]
    return np.pad(rows, ((0, count - len(rows)), (0, 0))).astype(np.float32)


def _order(count: int) -> NDArray[np.intp]:
    """Which coefficients come first."""
    distance = _squares()
    cost = np.concatenate((distance, *[_CHROMA * (distance + 1)] * 2))
    return np.argsort(cost, kind="stable")[:count]


def _squares() -> NDArray[np.int_]:
    """Squared frequencies of a patch's coefficients, (64)."""
    squares = np.arange(PATCH) ** 2
    return np.add.outer(squares, squares).ravel()


def _spread(count: int, of_pictures: bool) -> Array:
    """Deviation of the first coefficients, (count), of pictures, whose spectrum falls, or of what moved in them."""
    order = _order(count)
    fall = (0.5 + np.sqrt(_squares()[order % PATCH**2])) ** _FALL if of_pictures else 1.0
    of_luma, of_chroma = _OF_PICTURES if of_pictures else _OF_MOTION
    return np.where(order < PATCH**2, of_luma, of_chroma) / fall


def init_video(network: nn.Cell) -> None:
    """Initialise a `VideoNetwork`."""
    config = network.config
    features, latent, chunk = config.features, config.latent, config.chunk
    own, basis = np.eye(features, dtype=np.float32), transform(features)
    for part in (network.feature_adaptor_i, network.feature_adaptor_m, network.feature_extractor):
        init.scale_branches(part, _CALM)
    for part in (network.encoder, network.decoder, network.recon_head, network.y_prior_fusion):
        init.scale_branches(part, _CALM)
    init.scale_branches(network.temporal_prior_encoder, _CALM)
    _lay(network.feature_adaptor_i.conv[0].adaptor, basis)
    _lay(network.feature_adaptor_m.conv[0].adaptor, np.hstack((0 * own, own)))
    _lay(network.encoder.conv1[0].adaptor, np.hstack((*[basis / chunk] * chunk, -own)))
    _lay_down(network.encoder.down)
    _lay_up(network.decoder.up.conv[0])
    _lay(network.decoder.conv1[0].adaptor, np.hstack((own, own)))
    if network.decoder.conv2 is not None:
        _lay(network.decoder.conv2, own)
    for first, last in _heads(network):
        width = last.in_channels
        if first is not None:
            _lay(first, own[:width])
        _lay(last, basis[:width].T)
    _init_steps(network, latent)


def _heads(network: nn.Cell) -> Iterator[tuple[Conv2d | None, Conv2d]]:
    """The first and the last convolution of what makes each frame of features."""
    head = network.recon_head
    if network.config.chunk == 1:
        yield None, head.head
        return
    for cells in head.conv2 if hasattr(head, "conv2") else head.conv:
        yield cells[0].adaptor, cells[-1]


def _init_steps(network: nn.Cell, latent: int) -> None:
    """The quality's step passes through the first channel of what the memory tells, whatever the memory is, and its
    inverse through the second one, where scales are told so."""
    down, step = network.temporal_prior_encoder.conv.down, steps(DcvcUfLossConfig())
    weight = down.weight.asnumpy().copy()
    weight[:2] = 0
    _set(down.weight, weight)
    _set(down.bias, np.eye(2, down.out_channels).sum(0))
    factors = network.q_feature.asnumpy().copy()
    factors[:, 0], factors[:, 1] = step, 1 / step
    _set(network.q_feature, factors)
    first, *_, last = network.y_prior_fusion.conv
    if isinstance(first, SeparableBlock) and first.adaptor is not None:
        _lay(first.adaptor, np.eye(first.adaptor.out_channels, first.adaptor.in_channels, dtype=np.float32))
    told = np.zeros((last.out_channels, last.in_channels), np.float32)
    told[:latent, latent] = 1  # behind what z tells
    if not network.config.portable:
        told[latent : 2 * latent, latent + 1] = 1
    _lay(last, told)
    _init_means(network.spatial)
    _init_scales(network, step, of_pictures=False)
    _init_hyper(network, network.hyper_encoder)


def init_pictures(network: nn.Cell) -> None:
    """Initialise a `PictureNetwork`."""
    features, latent = network.config.features, network.config.latent
    for part in (network.enc, network.dec, network.y_prior_fusion):
        init.scale_branches(part, _CALM)
    basis = transform(features)
    _lay(network.enc.enc_1.adaptor, basis)
    _lay_down(network.enc.enc_2[-1])
    _lay_up(network.dec.dec_1[0].up.conv[0], 0.5)  # the block after it adds what it is given once more
    _lay(network.dec.dec_2.adaptor, basis.T)
    step = steps(DcvcUfIntraLossConfig())
    shares = np.repeat(step[:, None], latent, 1)
    _set(network.q_scale_y_enc, 1 / shares)
    _set(network.q_scale_y_dec, shares)
    last = network.y_prior_fusion.conv[-1]
    _lay(last, np.zeros((latent, last.in_channels), np.float32))
    _init_means(network.spatial)
    for layer in [last, *([network.spatial.network.conv[-1]] if network.spatial.tells_scales else [])]:
        if not network.config.portable:
            _set(layer.bias, np.concatenate((np.ones(latent), np.zeros(layer.out_channels - latent))))
    _init_scales(network, step, of_pictures=True)
    _init_hyper(network, network.hyper_enc)


def _init_means(spatial: nn.Cell) -> None:
    """The means of what the first part tells are near 0."""
    last = spatial.network.conv[-1]
    _lay(last, np.zeros((1, last.in_channels), np.float32))


def _init_scales(network: nn.Cell, step: Array, of_pictures: bool) -> None:
    """The scales of natural coefficients, where z and the quality tell them."""
    if network.latent is not None and network.latent.q_scales is not None:
        spread = _PRECISION * np.repeat(_spread(network.config.latent // 4, of_pictures), 4)
        _set(network.latent.q_scales, np.maximum(spread / step[:, None], _MIN_SCALE))


def _init_hyper(network: nn.Cell, encoder: nn.Cell) -> None:
    """z is 0 nearly everywhere, and expected to be so."""
    last = encoder.conv[-1].down
    _set(last.weight, _QUIET * last.weight.asnumpy())
    slopes = network.bit_estimator_z.h
    _set(slopes, _CERTAIN + slopes.asnumpy())


def _lay_down(layer: Conv2d) -> None:
    """The four places of a cell of 2x2 as channels, of as many coefficients as there is room for."""
    outputs, inputs = layer.weight.shape[:2]
    weight = np.zeros(layer.weight.shape, np.float32)
    for coefficient in range(min(outputs // 4, inputs)):
        for place in range(4):
            weight[4 * coefficient + place, coefficient, 1 + place // 2, 1 + place % 2] = _PRECISION
    _set(layer.weight, weight + _KEPT * layer.weight.asnumpy())
    _set(layer.bias, np.zeros(outputs))


def _lay_up(layer: Conv2d, gain: float = 1.0) -> None:
    """Back again, before channels are laid side by side."""
    shared = min(layer.weight.shape[:2])
    weight = np.zeros(layer.weight.shape, np.float32)
    middle = weight.shape[2] // 2
    weight[:shared, :shared, middle, middle] = gain * np.eye(shared) / _PRECISION
    _set(layer.weight, weight + _KEPT / _PRECISION * layer.weight.asnumpy())


def _lay(layer: Conv2d, matrix: Array) -> None:
    """A matrix into the leading part of a 1x1 convolution, which hardly does anything else."""
    weight = _KEPT * layer.weight.asnumpy()
    weight[: len(matrix), : matrix.shape[1], 0, 0] += matrix
    _set(layer.weight, weight)
    _set(layer.bias, np.zeros(layer.out_channels))


def _set(parameter: Parameter, values: ArrayLike) -> None:
    parameter.set_data(Tensor(np.asarray(values, np.float32)))
