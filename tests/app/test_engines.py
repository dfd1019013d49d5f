"""A film of several shots by the processes of each engine: what one process makes, whoever is killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import core
from core.hooks import CodecEntry
from core.media.reader import open_video
from core.media.writer import open_writer
from core.testing.limits import becomes_true
from core.training.checkpoint import MODEL, Checkpoint, tensors_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EMBEDDED = Path(core.__file__).parent / "data" / "embedded"
SMALL = ["experiment=none", "device.mode=pynative", "device.threads=1"]
NETWORK = [*SMALL, "model=ssfvc", "model.hidden=8", "model.latent=8", "codec=ssfvc", "codec.gop=8"]
CODED = [*NETWORK, "task.checkpoint=ssfvc.safetensors"]


def do(task: str, *words: str) -> None:
    core.open_run([f"task={task}", *words], output="run").execute()


def shared(engine: str) -> list[str]:
    return ["task.parallel=2", f"task.engine={engine}"]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a film of three shots, and what one process makes of it, lies."""
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("engines")
        patch.chdir(path)
        with open_writer(path / "film.mp4", width=64, height=64, frame_rate=25, crf=12) as writer:  # type: ignore[arg-type]
            for name in ("box_handheld", "city_night", "bunny_stretch"):
                with open_video(EMBEDDED / f"{name}.mp4") as reader:
                    for _, frame in zip(range(16), reader, strict=False):
                        writer.write(np.ascontiguousarray(frame.rgb[:, 8:72, :64]))
        run = core.open_run([*NETWORK, "task=doctor"])
        network = run.model()
        made = Checkpoint(
            Path("ssfvc.safetensors"), tensors_of(network, MODEL), run.model_section, run.model_plugin, {}
        )
        made.with_tables(run.entry("codec", CodecEntry).tables(network)).save()
        do("encode", *CODED, "codec.scene_cut=true", "task.input=film.mp4", "task.output=one.mdv")
        do("decode", *CODED, "task.input=one.mdv", "task.output=one.y4m")
        do("upscale", *SMALL, "upscaler=floor", "task.input=film.mp4", "task.output=one.mp4")
        yield path


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[None]:
    """Ray, on this machine, for all tests."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that these started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(word) for word in path.read_text().split()] if path.exists() else []
    return children + [one for child in children for one in descendants(child)]


def kill_a_worker(output: str, name: bytes) -> threading.Thread:
    """Sends SIGKILL to one of the processes called so, once some groups are coded."""
    journal = Path(f".{output}.frames")

    def kill() -> None:
        assert becomes_true(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 8, 300)
        named = (pid for pid in descendants(os.getpid()) if name in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(next(named), signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(("engine", "name"), [("local", b"spawn_main"), ("ray", b"ray::_Actor")])
def test_a_worker_killed_by_hand_changes_nothing(
    engine: str, name: bytes, cluster: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.coding.shared.MIN_FRAMES", 8)
    killing = kill_a_worker(f"{engine}.mdv", name)
    words = ["codec.scene_cut=true", "task.input=film.mp4", f"task.output={engine}.mdv"]
    do("encode", *CODED, *words, *shared(engine))
    killing.join(1)
    assert "A worker process was ended by" in caplog.text
    assert Path(f"{engine}.mdv").read_bytes() == Path("one.mdv").read_bytes()


def test_a_machine_that_sees_nothing_gets_files_through_ray(
    cluster: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The film is told to be another than the workers see, as it would be on a machine without it."""
    monkeypatch.setattr("core.clusters.trace", lambda path: (("", 0, 0),))
    do("encode", *CODED, "codec.scene_cut=true", "task.input=film.mp4", "task.output=far.mdv", *shared("ray"))
    assert Path("far.mdv").read_bytes() == Path("one.mdv").read_bytes()


def test_what_is_decoded_and_upscaled_by_ray(cluster: None) -> None:
    do("verify", *CODED, "task.input=one.mdv", *shared("ray"))
    do("decode", *CODED, "task.input=one.mdv", "task.output=ray.y4m", *shared("ray"))
    assert Path("ray.y4m").read_bytes() == Path("one.y4m").read_bytes()
    words = ["upscaler=floor", "task.input=film.mp4", "task.output=ray.mp4"]
    do("upscale", *SMALL, *words, *shared("ray"))
    assert Path("ray.mp4").read_bytes() == Path("one.mp4").read_bytes()
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_jobs_of_submitit() -> None:
    words = ["codec.scene_cut=true", "task.input=film.mp4", "task.output=jobs.mdv"]
    do("encode", *CODED, *words, *shared("submitit"))
    assert Path("jobs.mdv").read_bytes() == Path("one.mdv").read_bytes()
    do("decode", *CODED, "task.input=one.mdv", "task.output=jobs.y4m", *shared("submitit"))
    assert Path("jobs.y4m").read_bytes() == Path("one.y4m").read_bytes()
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]
