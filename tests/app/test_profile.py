"""``task=profile`` of a codec and of an upscaler, and of what has no network."""

import json

import pytest

import core
from core.errors import ConfigError

DVC = [
    "model=dvc",
    *(f"model.{w}=4" for w in ("hidden", "latent", "motion", "refinement", "flow")),
    "codec=dvc",
]
TINY = {"features": 4, "groups": 2, "levels": 1, "cycles": 1, "front_blocks": 1, "trunk_blocks": 1}
CYCMUNET = ["model=cycmunet", *(f"model.{name}={value}" for name, value in TINY.items()), "upscaler=cycmunet"]
START = ["experiment=none", "task=profile"]


@pytest.mark.parametrize(
    ("words", "cell"), [(DVC, "motion.analysis"), (CYCMUNET, "network.trunk")], ids=["codec", "upscaler"]
)
def test_a_profile_is_printed_drawn_and_written(words, cell, tmp_path, capsys):
    sizes = "task.sizes=[48x32,24x16]"
    core.open_run([*START, *words, sizes, f"output={tmp_path}"]).execute()
    told = capsys.readouterr().out
    assert "grows with pixels to the power of" in told and "Cells at 48x32" in told
    record = json.loads((tmp_path / "profile.json").read_text())
    assert [(size["width"], size["height"]) for size in record["sizes"]] == [(24, 16), (48, 32)]
    names = [share["name"] for share in record["sizes"][0]["cells"]]
    assert any(name.startswith(cell) for name in names) and record["sizes"][0]["multiply_adds"] > 0
    assert (tmp_path / "profile.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([*DVC, "task.sizes=[48]"], "48 is not a size such as 1920x1080"),
        ([*DVC, "task.sizes=[]"], "sizes is empty"),
        (["model=dvc"], "there is nothing to profile: give codec="),
        (["codec=x264"], "x264 has no network of its own"),
        (["upscaler=floor"], "floor has no network of its own"),
    ],
)
def test_what_cannot_be_profiled(words, sentence, tmp_path):
    with pytest.raises(ConfigError) as told:
        core.open_run([*START, *words, f"output={tmp_path}"]).execute()
    assert sentence in str(told.value)
