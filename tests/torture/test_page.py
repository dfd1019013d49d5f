"""docs/reliability.md names tests and kinds that exist."""

import re

import pytest

from tests.torture.kinds import ALL
from tests.torture.report import BEGIN, END
from tests.torture.trial import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:tests|core)/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
FAMILIES = sorted(set(re.findall(r"torture ((?:`[\w-]+-?…?`(?:, )?)+)", PAGE)))


def test_something_is_named():
    assert len(NAMED) > 12 and len(FAMILIES) > 5
    assert PAGE.count(BEGIN) == PAGE.count(END) == 1


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_what_is_named_exists(file, test):
    text = (ROOT / file).read_text()
    assert f"def {test}(" in text if test else "def test_" in text


@pytest.mark.parametrize("words", FAMILIES)
def test_kinds_that_are_named_exist(words):
    for word in re.findall(r"`([^`]+)`", words):
        assert any(kind == word or kind.startswith(word.removesuffix("…")) for kind in ALL), word
