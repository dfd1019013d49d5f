"""What a task writes beside its output replaces nothing that anybody may want."""

from pathlib import Path

import pytest

from core.app import open_run
from core.errors import ConfigError
from core.tasks.options import require_free


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    film, report = tmp_path / "film.mp4", tmp_path / "report.json"
    film.touch()
    require_free(report, False, "task.report", film)
    report.touch()
    with pytest.raises(
        ConfigError, match=r"report\.json exists: give another task\.report, or task\.overwrite"
    ):
        require_free(report, False, "task.report", film)
    require_free(report, True, "task.report", film)
    with pytest.raises(ConfigError, match="create it before writing report"):
        require_free(tmp_path / "no" / "report.json", True, "task.report", film)


def test_files_of_the_same_command_are_never_replaced(tmp_path: Path) -> None:
    film, stream, link = tmp_path / "film.mp4", tmp_path / "film.mdv", tmp_path / "link"
    film.touch()
    link.hardlink_to(film)
    for path in (film, stream, link, tmp_path / "." / "film.mdv"):
        with pytest.raises(ConfigError, match=r"is another file of this command: give another task\.report"):
            require_free(path, True, "task.report", film, stream)


@pytest.mark.parametrize("overwrite", [False, True])
def test_published_weights_are_not_replaced_by_what_is_made_of_them(tmp_path: Path, overwrite: bool) -> None:
    weights = tmp_path / "published.safetensors"
    weights.write_bytes(b"theirs")
    words = [
        "task=import_weights",
        "experiment=none",
        "model=ssfvc",
        f"task.overwrite={str(overwrite).lower()}",
    ]
    run = open_run([*words, f"task.input={weights}", f"task.output={weights}"], output=tmp_path / "run")
    with pytest.raises(ConfigError, match=r"published\.safetensors is another file of this command"):
        run.execute()
    assert weights.read_bytes() == b"theirs"
