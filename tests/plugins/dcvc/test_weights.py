"""What is DCVC's own of published checkpoints; the rest is tried with all codecs in tests/plugins/codecs."""

import pytest

from core.errors import CheckpointError
from core.symbols.context import ContextOrder
from plugins.dcvc.config import DcvcConfig
from plugins.dcvc.plugin import MODEL


@pytest.mark.parametrize(
    ("option", "remedy"),
    [
        ({"context": ContextOrder.checkerboard}, "model.context=raster"),
        ({"portable": True}, "model.portable=false"),
    ],
)
def test_other_networks_have_no_published_weights(option, remedy):
    with pytest.raises(CheckpointError, match=remedy):
        MODEL.published(DcvcConfig(**option))
