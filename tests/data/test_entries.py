"""The entries: composable by OmegaConf and free of MindSpore."""

import subprocess
import sys

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import ValidationError

from core.data.downscale import Filter
from core.data.entries import DATASETS
from core.data.options import ClipOptions

CLIPS = [entry for entry in DATASETS if issubclass(entry.config, ClipOptions)]


@pytest.mark.parametrize("entry", CLIPS, ids=lambda entry: entry.name)
def test_options_survive_composition(entry):
    composed = OmegaConf.merge(OmegaConf.structured(entry.config), {"filter": "lanczos", "crop": 64})
    if hasattr(entry.config, "root"):
        composed.root = "somewhere"
    config = OmegaConf.to_object(composed)
    assert type(config) is entry.config
    assert (config.filter, config.crop) == (Filter.lanczos, 64)
    with pytest.raises(ValidationError, match="filter"):
        OmegaConf.merge(OmegaConf.structured(entry.config), {"filter": "sinc"})


def test_names_and_dataclasses_are_unique():
    assert len({entry.name for entry in DATASETS}) == len({entry.config for entry in DATASETS}) == 7


@pytest.mark.heavy
def test_importing_the_entries_does_not_import_mindspore():
    code = "import core.data.entries, core.data.loader, sys; sys.exit('mindspore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
