"""The shipped weights and what they are made from: licences that allow it, and nothing of what is held out."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from core.training.checkpoint import Checkpoint
from plugins.compact import published as compact
from plugins.cycmunet import published as cycmunet

WEIGHTS = Path(__file__).parents[1] / "weights"
ALLOWED = re.compile(r"CC0-1\.0|CC-BY(-SA)?-[34]\.0|Apache-2\.0|BSD-3-Clause|MIT")


SHIPPED = {entry.name: entry for entry in (*compact.WEIGHTS, *cycmunet.WEIGHTS) if entry.file}
LIMITS = {"compact": 8_000_000, "cycmunet-small-x2": 2_000_000}
"""Bytes."""


@pytest.fixture(scope="module")
def data():
    spec = importlib.util.spec_from_file_location("weights_data", WEIGHTS / "data.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def test_every_source_has_a_licence_that_allows_it(data):
    sources = list(data.wanted_sources())
    assert len(sources) > 40 and len({source.file for source in sources}) == len(sources)
    for source in sources:
        assert all(ALLOWED.fullmatch(part) for part in source.licence.split(" and ")), source
        assert source.author and source.package


def test_what_is_held_out_is_not_trained_on(data):
    trained = {Path(source.original).stem for source in data.wanted_sources()}
    held = {Path(original).stem for original, *_ in data.HELD_OUT.values()}
    assert not trained & held
    first_of_the_city = 114  # frames of the embedded clip, which is the film's first shot
    assert data.HELD_OUT["city_tower"][2] >= first_of_the_city


def test_embedded_clips_are_there(data):
    assert all((data._EMBEDDED / name).is_file() for name in data.OWN)


@pytest.mark.parametrize("name", LIMITS)
def test_shipped_weights_are_small_and_have_a_card(name):
    entry, card = SHIPPED[name], json.loads((WEIGHTS / f"{name}.json").read_text("utf-8"))
    assert entry.file.stat().st_size == card["bytes"] < LIMITS[name]
    assert Checkpoint.open(entry.file).fingerprint.hex() == card["fingerprint"] == entry.fingerprint
    assert card["machine"] and card["sources"] and all(stage["curve"] for stage in card["stages"])
