"""What is SSFVC's own of published checkpoints; the rest is tried with all codecs in tests/plugins/codecs."""

import re

from plugins.ssfvc.config import SsfvcConfig
from plugins.ssfvc.plugin import MODEL

from ..codecs.test_weights import SSFVC


def test_buffers_are_ignored_and_weights_are_not():
    mapping = MODEL.published(SsfvcConfig())

    def ignored(name):
        return any(re.search(pattern, name) for pattern in mapping.ignored)

    assert all(map(ignored, SSFVC.ignored)) and len(SSFVC.ignored) == 36
    assert not any(ignored(tensor.name) for tensor in mapping.tensors.values())
