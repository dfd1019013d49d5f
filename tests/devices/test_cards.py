"""What is said of cards that MindSpore cannot use, and of the software beside one that it can."""

import os

import pytest

from core import cards
from core.errors import DeviceError
from core.tasks.validation import even_batch

NOT_SOURCED = (
    "Load dynamic library: libmindspore_ascend.so.2 failed. libge_runner.so: cannot open shared object file: "
    "No such file or directory\n"
    "Load dynamic library: libmindspore_ops_ascend.so failed. libmindspore_ascend_res_manager.so: cannot open "
    "shared object file: No such file or directory\n"
)


@pytest.fixture
def absent(monkeypatch):
    """A machine whose MindSpore has parts for cards and loads none, for this reason."""
    monkeypatch.setattr(cards, "available", lambda target: False)
    monkeypatch.setattr(cards, "_is_packed", lambda target: True)
    return lambda text: monkeypatch.setattr(cards, "_read_notes", lambda: text)


def test_a_user_who_forgot_the_environment_is_told_so(absent):
    absent(NOT_SOURCED)
    with pytest.raises(DeviceError) as told:
        cards.require("Ascend")
    sentence = str(told.value)
    assert "libge_runner.so: cannot open shared object file" in sentence
    assert "set_env.sh`" in sentence and "CANN 8.2, 8.3, 8.5, 9.0, 9.1" in sentence
    assert "type device=cpu" in sentence and "\n" not in sentence


def test_a_missing_driver_is_told_from_missing_software(absent):
    absent(NOT_SOURCED.replace("libge_runner.so", "libascend_hal.so"))
    assert "install the card's driver" in cards.what_is_missing("Ascend")


def test_cuda_that_is_not_found(absent):
    absent(NOT_SOURCED)
    assert "the libraries of CUDA and cuDNN are not found" in cards.what_is_missing("GPU")
    assert "CUDA 11.6 with cuDNN 8.5" in cards.what_is_missing("GPU")


def test_a_package_without_the_part(monkeypatch):
    monkeypatch.setattr(cards, "_is_packed", lambda target: False)
    assert "has no part for GPU" in cards.what_is_missing("GPU")


@pytest.mark.parametrize(
    ("text", "version", "doubt"),
    [
        ("Version=8.5.0\n", "8.5.0", ""),
        ("Version=9.1.RC1\n", "9.1.RC1", ""),
        ("Version=8.0.RC3\n", "8.0.RC3", "CANN 8.0.RC3 is here; MindSpore "),
        ("", "", "the version of CANN cannot be told"),
    ],
)
def test_the_version_of_cann(text, version, doubt, tmp_path, monkeypatch):
    (tmp_path / "compiler").mkdir()
    (tmp_path / "compiler" / "version.info").write_text(text)
    monkeypatch.setenv("ASCEND_HOME_PATH", str(tmp_path))
    assert cards.cann() == version
    assert cards.doubt_of_cann().startswith(doubt) and bool(cards.doubt_of_cann()) == bool(doubt)


def test_without_its_environment_cann_has_no_version(monkeypatch):
    monkeypatch.delenv("ASCEND_HOME_PATH", raising=False)
    assert cards.cann() == "" and "ASCEND_HOME_PATH" not in os.environ
    assert cards.software("Ascend") == "CANN of unknown version"


@pytest.mark.parametrize(("clips", "most", "batch"), [(8, 4, 4), (10, 4, 2), (7, 4, 1), (3, 4, 3)])
def test_validation_on_a_card_has_batches_of_one_size(clips, most, batch):
    assert even_batch(clips, most) == batch
