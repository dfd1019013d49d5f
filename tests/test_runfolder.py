"""Each start has a folder and a record of its own."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from core.runfolder import Fresh
from core.words import word


def started(output: str, record: str | None = ".hydra") -> tuple[Path, Path | None]:
    """Folder and record of a start, as Hydra would make them."""
    config = OmegaConf.create(
        {"output": output, "hydra": {"output_subdir": record, "run": {"dir": "${output}"}}}
    )
    OmegaConf.set_readonly(config.hydra, True)
    OmegaConf.set_struct(config, True)
    Fresh().on_run_start(config)
    folder = Path(config.hydra.run.dir)
    if config.hydra.output_subdir is None:
        return folder, None
    (folder / config.hydra.output_subdir).mkdir(parents=True)
    return folder, folder / config.hydra.output_subdir


@pytest.fixture(autouse=True)
def resolver():
    OmegaConf.register_new_resolver("now", lambda pattern: "2026-01-02_03-04-05", replace=True)
    yield
    OmegaConf.clear_resolver("now")


def test_two_starts_in_one_second_do_not_share(tmp_path: Path) -> None:
    found = [started(f"{tmp_path}/runs/${{now:%S}}")[0].name for _ in range(3)]
    assert found == ["2026-01-02_03-04-05", "2026-01-02_03-04-05-2", "2026-01-02_03-04-05-3"]


def test_two_sweeps_in_one_second_do_not_share(tmp_path: Path) -> None:
    for expected in ("2026-01-02_03-04-05", "2026-01-02_03-04-05-2"):
        config = OmegaConf.create(
            {"hydra": {"sweep": {"dir": f"{tmp_path}/sweeps/${{now:%S}}"}, "overrides": {"hydra": []}}}
        )
        OmegaConf.set_readonly(config.hydra, True)
        Fresh().on_multirun_start(config)
        assert config.hydra.sweep.dir == f"{tmp_path}/sweeps/{expected}"
        assert list(config.hydra.overrides.hydra) == [word("hydra.sweep.dir", config.hydra.sweep.dir)]


def test_the_folder_of_a_sweep_that_was_chosen_is_kept(tmp_path: Path) -> None:
    config = OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}, "overrides": {"hydra": []}}})
    Fresh().on_multirun_start(config)
    assert config.hydra.sweep.dir == str(tmp_path) and not config.hydra.overrides.hydra


def test_a_folder_that_was_chosen_is_kept_and_so_are_the_words_of_each_start(tmp_path: Path) -> None:
    found = [started(str(tmp_path / "run")) for _ in range(3)]
    assert {folder for folder, _ in found} == {tmp_path / "run"}
    assert [record.name for _, record in found if record] == [".hydra", ".hydra-2", ".hydra-3"]
    assert started(str(tmp_path / "run"), None) == (tmp_path / "run", None)
