"""What the codecs of both networks have in common: a packet's settings, and a latent part by part.

Where streams are portable, the scales of y, hence its tables and the elements that are skipped, follow from z in
integers, which a float network cannot stand in for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mindspore import Tensor

from core.codec import Latents, PacketReader, PacketWriter, PictureCodec, Places, stage
from core.hooks import Array, IntraCodec, Part, Plane, Tables
from core.nn import Stage

from .config import MAX_SKIP, QUALITIES
from .image import MULTIPLE

LATENT = 16
"""How many times smaller than pictures y is."""
HYPER = 64
"""The same of z."""
_HUNDREDTHS = round(100 * MAX_SKIP) + 1
Code = Callable[[Array, Array, Places], Tensor]
"""Means and scales, 1,C,h,w, and which elements of a part are coded, (C,h,w), to the part's symbols."""


class SecondStep(Stage):
    """The elements known so far, 1,latent,h,w, and what is expected to means, and scales if any, of the next part."""

    number = 1

    @property
    def inputs(self) -> Sequence[Plane]:  # type: ignore[override]
        network = self.network
        return (
            Plane("y_hat", "latent", LATENT),
            Plane("expected", network.y_prior_fusion.conv[-1].out_channels, LATENT),
        )

    @property
    def outputs(self) -> Sequence[str]:  # type: ignore[override]
        return ("means", "scales") if self.network.spatial.tells_scales else ("means",)

    def construct(self, y_hat: Tensor, expected: Tensor) -> tuple[Tensor, ...]:
        spatial = self.network.spatial
        return spatial.expect(self.number, y_hat, spatial.hint(expected))


class ThirdStep(SecondStep):
    """The same of the part after it."""

    number = 2


class FourthStep(SecondStep):
    """The same of the last part."""

    number = 3


class PartedCodec(PictureCodec):
    """What the codecs of both networks have in common: a latent in parts, and factors that go with the quality."""

    factor_tables: Sequence[str]
    """Names of the network's tables of factors."""

    multiple = MULTIPLE

    second_step = stage(SecondStep)
    third_step = stage(ThirdStep)
    fourth_step = stage(FourthStep)

    def __init__(self, config: Any, network: Any, tables: Tables, *intra: IntraCodec) -> None:
        super().__init__(config, network, tables, *intra)
        self.spatial = network.spatial
        self.exact_side = self.spatial.exact_scales(tables, "y") if network.config.portable else None
        self.rows = {name: getattr(network, name).asnumpy() for name in self.factor_tables}
        if network.latent is not None and network.latent.q_scales is not None:
            self.rows["q_scales"] = network.latent.q_scales.asnumpy()

    @staticmethod
    def latents(network: Any) -> Latents:
        return {"z": (network.bit_estimator_z, HYPER), "y": (network.spatial, LATENT)}

    @classmethod
    def parts(cls, network: Any) -> Sequence[Part]:
        """The stages, of the steps those that there are. The whole network takes qualities, which are no plane."""
        steps = ("second_step", "third_step", "fourth_step")[len(network.spatial.order) - 1 :]
        stages = [part for part in super().parts(network)[1:] if part.name not in steps]
        return [replace(part, multiple=HYPER) for part in stages]  # where y is not padded for z

    def factors(self, name: str, quality: int) -> Tensor:
        """The factors of a table, 1,C,1,1."""
        return Tensor(self.rows[name][quality][None, :, None, None])

    def write_settings(self, packet: PacketWriter) -> tuple[int, float]:
        """The quality of a packet, and up to which scale its elements are skipped."""
        skip = round(100 * self.config.skip)
        packet.write_number(self.config.quality, range(QUALITIES))
        packet.write_number(skip, range(_HUNDREDTHS))
        return self.config.quality, skip / 100

    def read_settings(self, packet: PacketReader) -> tuple[int, float]:
        """The same of a packet that is read."""
        return packet.read_number(range(QUALITIES)), packet.read_number(range(_HUNDREDTHS)) / 100

    def exact_scales(self, z: Tensor, quality: int, height: int, width: int) -> Array | None:
        """The scales of y, of this size, where z and the quality alone tell them: the same on every machine.

        A factor is one product of two float32, which all machines round alike.
        """
        if self.exact_side is None:
            return None
        scales = self.exact_side(z).asnumpy()[:, :, :height, :width]
        if "q_scales" in self.rows:
            scales = scales * self.rows["q_scales"][quality][:, None, None]
        return np.ascontiguousarray(scales)

    def write_latent(self, packet: PacketWriter, y: Tensor, skip: float, *known: Any) -> Tensor:
        """The quantised latent of y, part after part; ``known`` is what `in_parts` takes."""

        def write(means: Array, scales: Array, coded: Places) -> Tensor:
            symbols = np.where(coded, round_half_away(y.asnumpy() - means), np.float32(0))
            return packet.write(
                "y", Tensor(symbols), coded, self.spatial.conditional.table_index(scales[0][coded])
            )

        return self.in_parts(write, skip, *known)

    def read_latent(self, packet: PacketReader, skip: float, *known: Any) -> Tensor:
        """The same of a packet that is read."""

        def read(means: Array, scales: Array, coded: Places) -> Tensor:
            return packet.read("y", coded, self.spatial.conditional.table_index(scales[0][coded]))

        return self.in_parts(read, skip, *known)

    def in_parts(self, code: Code, skip: float, expected: Tensor, means: Array, scales: Array) -> Tensor:
        """The quantised latent, by the symbols that ``code`` gives; means and scales are those of the first part."""
        y_hat = np.zeros_like(means)
        steps = (None, self.second_step, self.third_step, self.fourth_step)
        for places, step in zip(self.spatial.places(*means.shape[1:]), steps, strict=False):
            if step is not None:
                means, scales = (*(part.asnumpy() for part in step(Tensor(y_hat), expected)), scales)[:2]
            coded = places & (scales[0] > np.float32(skip))
            symbols = code(means, scales, coded).asnumpy()
            y_hat = y_hat + np.where(places, symbols + means, np.float32(0))
        return Tensor(y_hat)


def round_half_away(distances: Array) -> Array:
    """The nearest whole numbers, of halves those away from zero."""
    return np.trunc(distances + np.copysign(np.float32(0.5), distances))
