"""What is DVC's own of published checkpoints; the rest is tried with all codecs in tests/plugins/codecs."""

from plugins.dvc.cells import Dvc
from plugins.dvc.config import DvcConfig


def test_the_wider_network_has_the_published_size():
    wide = Dvc(DvcConfig(hidden=128, latent=192))
    assert sum(p.size for p in wide.get_parameters()) == 8_550_352
