"""Data-parallel training by msrun on this machine: two processes end where one with the whole batch ends."""

import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from core.training.checkpoint import Checkpoint
from tests.app.test_training import TINY

SSFVC = [
    *("experiment=ssfvc_demo", "model.hidden=4", "model.latent=4", "dataset.limit=1"),
    *("dataset.stills_share=0", "dataset.test_frames=2", "dataset.frames=2", "loader.batch_size=2"),
    *("training.steps=6", "training.validate_every=6", "training.checkpoint_every=2", "training.pictures=0"),
]
CYCMUNET = [*TINY, "training.pictures=0"]
# Where a gradient is next to nothing, Adam makes whole steps of its rounding; a larger epsilon keeps it small.
SMOOTH = "optimizer.eps=1e-3"

DYING = """
    import os, signal
    from mindspore.train import Callback
    from core.hooks import hookimpl

    HOOK_API = 2

    class Die(Callback):
        steps = 0

        def on_train_step_end(self, run_context):
            self.steps += 1
            if self.steps == 5:
                os.kill(os.getpid(), signal.SIGKILL)

    @hookimpl
    def callbacks(run):
        return [Die()] if os.environ.get("RANK_ID") == os.environ["DIES"] else []
"""


@pytest.fixture
def pair(command):
    """Runs the command in two processes, and returns what msrun said with the log of each."""
    command.timeout = 600
    command.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def run(*words):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        said = command(
            *(
                "--worker_num=2",
                "--local_worker_num=2",
                f"--master_port={port}",
                "--join=True",
                "--log_dir=ms",
            ),
            *("python", "-m", "core", *words),
            program=("-m", "mindspore.parallel.cluster.run"),
        )
        return said, [(command.folder / "ms" / f"worker_{n}.log").read_text() for n in (0, 1)]

    return run


def assert_same_weights(folder, other):
    ours, theirs = (Checkpoint.open(f / "checkpoints" / "last.safetensors") for f in (folder, other))
    assert ours.training["step"] == theirs.training["step"]
    assert ours.tensors.keys() == theirs.tensors.keys()
    for name, value in theirs.tensors.items():
        np.testing.assert_allclose(ours.tensors[name], value, rtol=0, atol=1e-5, err_msg=name)


def assert_only_the_first_wrote(folder):
    for other in ("rank_1", "scheduler"):
        written = {path.name for path in (folder / other).iterdir()}
        assert written <= {".hydra", "mindvideo.log"}, other


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("words", [CYCMUNET, SSFVC], ids=["cycmunet", "ssfvc"])
def test_two_processes_are_one_with_the_whole_batch(words, command, pair):
    whole = command(*words, SMOOTH, "output=whole", "task.evaluate=false")
    assert whole.returncode == 0, whole.stderr
    said, logs = pair(*words, SMOOTH, "output=shared", "loader.batch_size=1")
    assert said.returncode == 0, logs
    for rank in (0, 1):
        assert f"rank {rank} of 2" in logs[rank]
    assert_same_weights(command.folder / "shared", command.folder / "whole")
    assert_only_the_first_wrote(command.folder / "shared")
    assert (command.folder / "shared" / "evaluation.json").is_file()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("dies", ["0", "1"])
def test_a_dead_process_ends_the_job_and_the_checkpoint_resumes_it(dies, command, pair, site):
    words = (*CYCMUNET, SMOOTH, "task.evaluate=false")
    whole = command(*words, "output=whole")
    assert whole.returncode == 0, whole.stderr
    site.install("dying", DYING)
    command.environment["DIES"] = dies
    said, _ = pair(*words, "output=shared", "loader.batch_size=1")
    assert said.returncode == 1
    assert "exit with exception. Error code: -9" in said.stdout + said.stderr
    assert "Please check logs in directory: ms" in said.stdout + said.stderr
    assert Checkpoint.open(command.folder / "shared/checkpoints/last.safetensors").training["step"] == 3
    command.environment["DIES"] = "nobody"
    said, logs = pair(*words, "output=shared", "loader.batch_size=1", "task.resume=true")
    assert said.returncode == 0, logs
    assert "at step 3" in logs[0]
    assert_same_weights(command.folder / "shared", command.folder / "whole")


def test_hosts_must_know_their_processes(command):
    command.environment |= {"MS_WORKER_NUM": "2", "MS_ROLE": "MS_WORKER"}
    said = command("task=doctor", "output=here")
    assert said.returncode == 1
    assert "give msrun --node_rank=NUMBER" in said.stderr
