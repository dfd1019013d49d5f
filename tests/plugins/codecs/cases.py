"""The codecs that the shared tests try. Each has, in the ``conftest.py`` of its own tests,

- ``build_network(seed=7, **widths)``: a network small enough for seconds whose weights really code;
- ``SMALLEST``: widths of the smallest one;
- ``forged(codec, rng, largest)``: an intra packet (or None) and an inter packet of 40x24 pixels, with rightly coded
  symbols of up to this magnitude; for a network of the smallest widths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from core.coding.resampled import ResampledCodec
from core.hooks import Codec, CodecConfig, CodecEntry
from core.upscaling.baselines import Baseline
from plugins.compact import plugin as compact
from plugins.compact.config import CompactCodecConfig
from plugins.dcvc import plugin as dcvc
from plugins.dcvc.config import DcvcCodecConfig
from plugins.dcvcuf import plugin as dcvcuf
from plugins.dcvcuf.config import DcvcUfCodecConfig, Structure
from plugins.dvc import plugin as dvc
from plugins.dvc.config import DvcCodecConfig
from plugins.dvcp import plugin as dvcp
from plugins.dvcp.config import DvcpCodecConfig
from plugins.ssfvc import plugin as ssfvc
from plugins.ssfvc.config import SsfvcCodecConfig

from ..compact import conftest as compact_tests
from ..dcvc import conftest as dcvc_tests
from ..dcvcuf import conftest as dcvcuf_tests
from ..dvc import conftest as dvc_tests
from ..dvcp import conftest as dvcp_tests
from ..ssfvc import conftest as ssfvc_tests
from .material import intra_codec


@dataclass(frozen=True)
class Case:
    """A codec to try."""

    name: str
    entry: CodecEntry
    config: CodecConfig
    tests: ModuleType
    multiple: int
    """Sides that the network sees are multiples of it."""
    portable: bool = True
    """Whether its symbols decode under any arithmetic; else it may also be noticed that they do not."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the network, besides its widths."""

    def network(self, **options):
        return self.tests.build_network(**self.options, **options)

    def smallest(self):
        return self.network(**self.tests.SMALLEST)

    def codec(self, network=None, tables=None) -> Codec:
        network = network or self.network()
        intra = [intra_codec()] if "intra" in self.entry.needs else []
        return self.entry.build(self.config, network, tables or self.entry.tables(network), *intra)


class Resampled(Case):
    """A codec within the one that codes a smaller, slower video: frames leave later than they come."""

    def codec(self, network=None, tables=None) -> Codec:
        return ResampledCodec(super().codec(network, tables), Baseline(2))


CASES = {
    "compact": Case("compact", compact.CODEC, CompactCodecConfig(), compact_tests, 64),
    "ssfvc": Case("ssfvc", ssfvc.CODEC, SsfvcCodecConfig(), ssfvc_tests, 128),
    "dvc": Case("dvc", dvc.CODEC, DvcCodecConfig(), dvc_tests, 64),
    "dvcp": Case("dvcp", dvcp.CODEC, DvcpCodecConfig(), dvcp_tests, 64),
    "dcvc": Case("dcvc", dcvc.CODEC, DcvcCodecConfig(), dcvc_tests, 64, portable=False),
    "dcvcuf": Case("dcvcuf", dcvcuf.CODEC, DcvcUfCodecConfig(reset=3), dcvcuf_tests, 16),
}

PORTABLE_DCVC = Case(
    "dcvc_portable", dcvc.CODEC, DcvcCodecConfig(), dcvc_tests, 64, options={"portable": True}
)

OTHER_STRUCTURES = {
    name: Case(
        name,
        dcvcuf.CODEC,
        DcvcUfCodecConfig(reset=9),
        dcvcuf_tests,
        16,
        portable=portable,
        options={"structure": structure, "portable": portable, "quality_scales": portable},
    )
    for name, structure, portable in (
        ("dcvcuf_published", Structure.ld, False),
        ("dcvcuf_hts", Structure.hts, True),
        ("dcvcuf_htl", Structure.htl, False),
    )
}
"""DCVC-UF's published networks, which are tried as far as they are coded in other ways."""

OWN = [name for name in CASES if name != "dvcp"]
"""Codecs with code of their own. DVC-P's networks are coded by DVC's, which what costs minutes tries once."""

WRAPPED = {"dvc, resampled": Resampled("dvc", dvc.CODEC, DvcCodecConfig(), dvc_tests, 64)}
"""Codecs around others, which are tried as far as that does not depend on what is within."""
