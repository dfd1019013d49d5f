"""Which tensors of a file are its weights: containers, prefixes, what is said, and what is refused."""

import logging
from pathlib import Path

import numpy as np
import pytest

from core.errors import CheckpointError
from core.training.state_dicts import CONTAINERS, weights_in, without_prefixes

PATH = Path("a.pth")
WANTED = frozenset({"conv.weight", "conv.bias"})


def state(value=0.0, prefix=""):
    return {prefix + name: np.full(2, value, np.float32) for name in sorted(WANTED)}


def taken(content, key=None, wanted=WANTED):
    return weights_in(content, PATH, key, wanted)


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_container_is_found(container):
    assert taken({container: state(), "epoch": 3, "optimizer": {"lr": 0.1}}).keys() == WANTED


@pytest.mark.parametrize("average", ["params_ema", "ema", "model_ema"])
@pytest.mark.parametrize("plain", ["params", "state_dict", "generator", "model"])
def test_averages_come_first(average, plain, caplog):
    caplog.set_level(logging.INFO)
    found = taken({plain: state(1), average: state(2), "epoch": 3})
    assert found["conv.weight"][0] == 2
    assert f"the weights are those of '{average}'" in caplog.text
    assert f"task.key=NAME: {plain}" in caplog.text
    assert "no tensor: epoch" in caplog.text


def test_averages_that_lack_something_do_not():
    assert taken({"params": state(1), "ema": {"conv.weight": np.zeros(2)}}).keys() == WANTED


def test_a_key_takes_another_and_a_wrong_one_lists_those_that_are_there():
    content = {"params": state(1), "params_ema": state(2), "deep": {"er": state(3)}}
    assert taken(content, key="params")["conv.bias"][0] == 1
    assert taken(content, key="deep.er")["conv.bias"][0] == 3
    assert taken(content, key="deep")["conv.bias"][0] == 3
    with pytest.raises(CheckpointError, match=r"task\.key=parms .* there are: deep\.er, params, params_ema"):
        taken(content, key="parms")


def test_containers_within_containers_and_lists():
    assert taken({"checkpoint": {"ema": {"decay": 0.9, "shadow": state()}}}).keys() == WANTED
    assert taken([{"lr": 1}, {"model": state()}]).keys() == WANTED


def test_the_network_that_is_wanted_is_told_from_others():
    content = {"discriminator": {f"d{i}.weight": np.zeros(1) for i in range(9)}, "generator": state()}
    assert taken(content).keys() == WANTED
    flat = {**{f"discriminator.d{i}": np.zeros(1) for i in range(9)}, **state(prefix="generator.")}
    assert taken(flat).keys() >= WANTED


def test_a_flat_file_with_several_containers():
    assert taken({**state(1, "params."), **state(2, "params_ema.")})["conv.weight"][0] == 2
    assert taken({**state(1, "params."), **state(2, "params_ema.")}, key="params")["conv.weight"][0] == 1


@pytest.mark.parametrize(
    "prefix",
    ["module.", "model.", "generator.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.model.", "net."],
)
@pytest.mark.parametrize("wanted", [WANTED, frozenset()], ids=["wanted", "unknown"])
def test_prefixes_are_taken_off(prefix, wanted):
    assert without_prefixes(state(prefix=prefix), wanted).keys() == WANTED


def test_compiled_parts_are_found_within_names():
    assert without_prefixes({"conv._orig_mod.weight": 1, "conv.bias": 2}, WANTED).keys() == WANTED


def test_names_of_the_network_itself_stay():
    own = {"model.conv.weight", "model.conv.bias"}
    assert without_prefixes(dict.fromkeys(own), frozenset(own)).keys() == own
    assert without_prefixes({f"module.{name}": 1 for name in own}, frozenset(own)).keys() == own


def test_a_counter_without_the_prefix_is_left_over():
    assert without_prefixes({**state(prefix="module."), "n_averaged": 1}, WANTED).keys() == {
        *WANTED,
        "n_averaged",
    }


def test_few_names_with_a_prefix_keep_it():
    names = {"a.weight", "b.weight", "c.weight", "model.weight"}
    assert without_prefixes(dict.fromkeys(names), frozenset()).keys() == names


def test_names_that_would_be_one_stay_apart():
    names = {"a", "module.a", "module.b"}
    assert without_prefixes(dict.fromkeys(names), frozenset()).keys() == names


@pytest.mark.parametrize("content", [{}, [], None, 3, {"epoch": 3}, {"a": {"b": {}}}, np.zeros(3)], ids=str)
def test_content_without_tensors_is_refused(content):
    with pytest.raises(CheckpointError, match="holds no state dict"):
        taken(content)


def test_content_that_holds_itself_ends():
    content = {"model": state()}
    for i in range(20):
        content[f"again{i}"] = content
    assert taken(content).keys() == WANTED
