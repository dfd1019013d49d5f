"""Ranges of options as data: what they allow, what they are called, and that they hold however options are made."""

from dataclasses import dataclass, field

import pytest
from omegaconf import MISSING, OmegaConf

from core.config import option_ranges
from core.options import Options, Range, option, ranges


@dataclass
class Inner(Options):
    """A section in a section."""

    share: float = option(0.5, at_least=0, below=1)


@dataclass
class Base(Options):
    """What others build on."""

    channels: int = option(64, at_least=4, multiple_of=4)
    limit: int | None = option(None, at_least=1)
    name: str = option("copy", one_of=("copy", "none"))
    path: str = option(MISSING, one_of=("a",))
    inner: Inner = field(default_factory=Inner)


@dataclass
class Derived(Base):
    """Another default in the same range, and another range."""

    channels: int = 32
    limit: int | None = option(3, at_least=2)


@pytest.mark.parametrize(
    ("allowed", "words", "inside", "outside"),
    [
        (Range(at_least=1), "at least 1", [1, 10**400], [0, -1]),
        (Range(above=0), "above 0", [1e-300], [0, -1e-300]),
        (Range(at_most=3), "at most 3", [3, -5], [3.1]),
        (Range(below=3), "below 3", [2.9], [3]),
        (Range(at_least=0, at_most=51.0), "between 0 and 51", [0, 51], [-1, 51.5]),
        (Range(at_least=0, below=0.5), "at least 0 and below 0.5", [0, 0.49], [0.5, -0.1]),
        (Range(above=0, at_most=1), "above 0 and at most 1", [1, 0.1], [0, 1.1]),
        (Range(at_least=4, multiple_of=4), "at least 4 and a multiple of 4", [4, 8], [0, 6]),
        (Range(multiple_of=2), "a multiple of 2", [0, 2], [3]),
        (Range(one_of=(3, 5)), "3 or 5", [3, 5], [4]),
        (Range(one_of=(2, 3, 4)), "2, 3 or 4", [2, 4], [1]),
        (Range(one_of=("only",)), "only", ["only"], ["other"]),
    ],
    ids=str,
)
def test_what_a_range_allows(allowed, words, inside, outside):
    assert str(allowed) == words
    assert [value for value in inside if value not in allowed] == []
    assert [value for value in outside if value in allowed] == []
    for value in outside:
        assert allowed.fault("model.width", value) == f"model.width is {value}; it must be {words}."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_with_a_range_is_finite(value):
    assert value not in Range(at_least=0)
    assert value not in Range(at_most=0)


def test_none_and_what_is_yet_to_be_given_are_no_faults():
    assert Range(at_least=1).fault("name", None) is None
    assert Range(at_least=1).fault("name", MISSING) is None


def test_options_made_in_python_are_checked():
    assert Base(channels=8, limit=None, name="none").channels == 8
    with pytest.raises(ValueError, match=r"^channels is 6; it must be at least 4 and a multiple of 4\.$"):
        Base(channels=6)
    with pytest.raises(ValueError, match=r"^name is aac; it must be copy or none\.$"):
        Derived(name="aac")


def test_a_subclass_keeps_the_range_of_a_field_unless_it_states_another():
    assert ranges(Derived)["channels"] == ranges(Base)["channels"]
    assert ranges(Derived)["limit"] == Range(at_least=2)
    with pytest.raises(ValueError, match="channels is 6"):
        Derived(channels=6)


def test_omegaconf_passes_over_ranges():
    config = OmegaConf.merge(OmegaConf.structured(Base), {"channels": 12, "path": "a"})
    made = OmegaConf.to_object(config)
    assert isinstance(made, Base)
    assert (made.channels, made.limit, made.inner) == (12, None, Inner())


def test_every_range_of_a_composed_configuration_is_found_by_its_whole_key():
    config = OmegaConf.create({"model": OmegaConf.structured(Base), "plain": {"channels": 3}, "none": None})
    assert dict(option_ranges(config)) == {
        "model.channels": Range(at_least=4, multiple_of=4),
        "model.limit": Range(at_least=1),
        "model.name": Range(one_of=("copy", "none")),
        "model.path": Range(one_of=("a",)),
        "model.inner.share": Range(at_least=0, below=1),
    }


def test_dataclasses_without_ranges_are_as_ever():
    @dataclass
    class Plain:
        width: int = -1

    assert ranges(Plain) == {}
    assert Plain().width == -1
