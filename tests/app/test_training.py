"""Training as a user runs it: what it leaves behind, and that a killed run ends as one that was not."""

import json

import numpy as np

from core.training.checkpoint import Checkpoint

TINY = [
    *("model.features=4", "model.groups=1", "model.levels=1", "model.cycles=1"),
    *("model.front_blocks=1", "model.trunk_blocks=1", "dataset.crop=16", "dataset.evaluation_crop=32"),
    *("dataset.limit=1", "dataset.stills_share=0", "loader.batch_size=2", "training.steps=10"),
    *("training.validate_every=4", "training.checkpoint_every=3"),
]

KILLER = """
    import os, signal
    from mindspore.train import Callback
    from core.hooks import hookimpl

    HOOK_API = 2

    class Kill(Callback):
        def __init__(self, first, at):
            self.step, self.at = first, at

        def on_train_step_end(self, run_context):
            self.step += 1
            if self.step == self.at:
                os.kill(os.getpid(), signal.SIGKILL)

    @hookimpl
    def callbacks(run):
        from core.tasks.train import last_path
        from core.training.checkpoint import Checkpoint

        path = last_path(run)
        first = Checkpoint.open(path).training["step"] if path.exists() else 0
        return [Kill(first, int(os.environ["KILL_AT"]))]
"""


def test_a_killed_run_ends_like_one_that_was_not(command, site):
    straight = command(*TINY, "output=straight")
    assert straight.returncode == 0, straight.stderr
    site.install("killer", KILLER)
    for at in (2, 8):  # before the first checkpoint; between two, at a validation
        command.environment["KILL_AT"] = str(at)
        killed = command(*TINY, "output=killed", "task.resume=true")
        assert killed.returncode == -9, killed.stderr
    command.environment["KILL_AT"] = "0"
    resumed = command(*TINY, "output=killed", "task.resume=true")
    assert resumed.returncode == 0, resumed.stderr
    assert "Resuming" in resumed.stderr
    for name in ("last", "best"):
        ours, theirs = (
            Checkpoint.open(command.folder / run / "checkpoints" / f"{name}.safetensors")
            for run in ("killed", "straight")
        )
        assert ours.training == theirs.training
        assert ours.tensors.keys() == theirs.tensors.keys()
        for key, value in theirs.tensors.items():
            np.testing.assert_array_equal(ours.tensors[key], value, err_msg=key)
    for name in ("metrics.json", "evaluation.json"):
        ours, theirs = (
            json.loads((command.folder / run / name).read_text()) for run in ("killed", "straight")
        )
        assert {**ours, "command": None} == {**theirs, "command": None}
    check_what_a_run_leaves(straight, command.folder / "straight")
    again = command(*TINY, "output=straight")
    assert again.returncode == 1
    assert "holds a training already" in again.stderr


def check_what_a_run_leaves(said, folder):
    """Table, checkpoints, TensorBoard, pictures, composed settings and plugins of a finished run."""
    assert said.stderr.count("Compiling the training graph") == 1  # one progress display, not two
    for word in ("S-VSR", "T-VSR", "ST-VSR", "bicubic", "ours"):
        assert word in said.stdout
    assert list((folder / "tensorboard").glob("events*"))
    assert (folder / "pictures" / "comparison_0.png").stat().st_size > 1000
    assert "features: 4" in (folder / ".hydra" / "config.yaml").read_text()
    assert "cycmunet" in json.loads((folder / "plugins.json").read_text())["active"]
    assert not (folder.parent / "rank_0").exists()
