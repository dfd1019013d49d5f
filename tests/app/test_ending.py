"""How the command ends: by one sentence, and by signals."""

import errno
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.errors import MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationKeyError

from core import app, ending, sweeping
from core.app import open_run
from core.errors import ConfigError, MediaError
from core.testing.limits import seconds

CONF = Path(__file__).parents[2] / "conf"
KERNEL = "Return value from CPU AOT kernel(/x/kernels-1.so)"
WORDS = ["task=upscale", "experiment=none", "upscaler=floor", "task.input=a.mp4", "task.output=b.mp4"]


@pytest.fixture(autouse=True)
def _handlers():
    """Signals are heeded by the command alone, not by the tests."""
    before = {number: signal.getsignal(number) for number in ending.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def told(error):
    """The code and the words with which a command ends that meets an error."""
    with pytest.raises(SystemExit) as ended, ending.orderly():
        raise error
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MediaError("no video."), "no video."),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/y"),
            "/x/y cannot be written: there is no space",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "a file cannot be written: there is no space"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "/x cannot be written: its file system is"),
        (PermissionError(errno.EACCES, "Permission denied", b"/x"), "/x cannot be used: the right to it"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory"),
            "the current folder is no longer there",
        ),
        (OSError(errno.ENAMETOOLONG, "File name too long", "y"), "y: File name too long."),
        (OSError(errno.EACCES, "no", "a", None, "b"), "b cannot be used"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "the system refused: Broken pipe."),
        (MemoryError(), "memory ran out"),
        (RuntimeError("Allocate memory failed\n\n- C++ Call Stack:\nx.cc:1 Malloc"), "memory ran out"),
        (RuntimeError(f"{KERNEL}'s function(Convolution) is 2. Any return value"), "memory ran out"),
        (RecursionError(), "a value is nested too deeply"),
        (InterpolationKeyError("Interpolation key 'x' not found"), "Interpolation key 'x' not found"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(error, words):
    said = told(error)
    assert said.startswith(f"Error: {words}")
    assert "\n" not in said


def test_defects_keep_their_traceback(monkeypatch):
    with pytest.raises(ZeroDivisionError), ending.orderly():
        raise ZeroDivisionError
    with pytest.raises(RuntimeError), ending.orderly():
        raise RuntimeError(f"{KERNEL}'s function(Convolution) is 1. Any return value")
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(OSError), ending.orderly():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert told(MediaError("no video.")) == "Error: no video."


def test_without_memory_no_library_ends_in_its_own_way(tmp_path):
    code = (
        "import atexit, os\nfrom core import app\natexit.register(os.abort)\n"
        "def lack(words): raise MemoryError\napp._command = lack\napp.main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith("Error: memory ran out")


def test_a_reader_that_left_is_no_error(tmp_path):
    code = "from core import ending\nwith ending.orderly():\n    while True: print('x' * 1000)"
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    program.stdout.read(10)
    program.stdout.close()
    assert (program.wait(seconds(60)), program.stderr.read()) == (128 + signal.SIGPIPE, b"")


@pytest.fixture
def heeded(number):
    """What started the tests may have had them ignore the signal, as nohup and shells in the background do."""
    before = signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
    yield
    signal.signal(number, before)


@pytest.mark.parametrize("number", [*ending.SIGNALS, signal.SIGINT])
@pytest.mark.usefixtures("heeded")
def test_a_signal_runs_what_cleans_up(number, capsys):
    cleaned = []

    def work():
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            if number != signal.SIGINT:
                os.kill(os.getpid(), signal.SIGTERM)  # a second one does not stop it
            cleaned.append(True)

    with pytest.raises(SystemExit) as ended, ending.orderly():
        work()
    assert cleaned and ended.value.code == 128 + number
    said = "Interrupted." if number == signal.SIGINT else f"Ended by {signal.Signals(number).name}."
    assert capsys.readouterr().err == f"{said}\n"


def test_a_signal_that_is_ignored_stays_so():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    survived = False
    with ending.orderly():
        os.kill(os.getpid(), signal.SIGHUP)
        survived = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert survived


@pytest.mark.parametrize("stop", [KeyboardInterrupt, lambda: ending.Stopped(signal.SIGTERM)])
@pytest.mark.parametrize(
    ("words", "goes_on"),
    [
        (["task=upscale", "task.input=a", "task.output=b"], "The same command goes on where it was."),
        (["task=encode", "codec=x264", "task.input=a", "task.output=b"], "The same command goes on where it"),
        (
            ["task=decode", "codec=x264", "task.input=a", "task.output=b"],
            "The same command goes on where it was;",
        ),
        (["task=doctor"], "The same command begins it anew."),
    ],
)
def test_what_is_said_of_a_stop_is_true_for_the_task(words, goes_on, stop, monkeypatch, tmp_path):
    run = open_run(["experiment=none", "upscaler=floor", *words], output=tmp_path)
    assert advice(run, stop(), monkeypatch).startswith(goes_on)


def test_a_training_that_was_stopped_says_how_to_resume(monkeypatch, tmp_path):
    run = open_run([], output=tmp_path / "a b")
    said = advice(run, KeyboardInterrupt(), monkeypatch)
    assert f"output='{tmp_path}/a b' task.resume=true" in said


def advice(run, error, monkeypatch):
    def fail():
        raise error

    monkeypatch.setattr(run, "execute", fail)
    with pytest.raises(ending.Stopped) as stopped:
        app._single(run)
    return stopped.value.advice


def test_a_full_disk_says_how_the_task_goes_on(monkeypatch, tmp_path):
    run = open_run(["experiment=none", *WORDS], output=tmp_path)

    def fail():
        raise OSError(errno.ENOSPC, "No space left on device", "b.mp4")

    monkeypatch.setattr(run, "execute", fail)
    with pytest.raises(
        ending.MindvideoError, match=r"no space left.*The same command goes on where it was\.$"
    ):
        app._single(run)


@pytest.mark.parametrize(
    ("begun", "goes_on"), [(None, ""), ("s x", "The same command with hydra.sweep.dir='s x' goes on.")]
)
def test_a_sweep_that_was_stopped_says_how_it_goes_on(begun, goes_on):
    with sweeping.noting() as sweep:
        if begun:
            sweeping.Noted().on_multirun_start(OmegaConf.create({"hydra": {"sweep": {"dir": begun}}}))
        for error in (KeyboardInterrupt(), ending.Stopped(signal.SIGTERM)):
            with pytest.raises(ending.Stopped) as stopped, ending.advising(sweep.resumes):
                raise error
            assert stopped.value.advice == goes_on
    with sweeping.noting() as next_one:
        assert next_one.folder is None and not next_one.has_ended


def test_a_file_that_a_sweep_composes_of_and_lacks():
    missing = MissingConfigException("Could not load 'x'.\n\nConfig search path:\n  a\n", "x")
    told = pytest.raises(SystemExit, match=r"^Error: Could not load 'x'\.$")
    with told, ending.orderly(), ending.advising(lambda: "It goes on."):
        raise missing


class Locked:
    """Folders that cannot be written: root may write anywhere, and tests may run as root."""

    def __init__(self, monkeypatch, folder):
        real = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(folder) and real(path, mode))
        monkeypatch.chdir(folder)


@pytest.fixture
def locked(monkeypatch, tmp_path):
    return Locked(monkeypatch, tmp_path)


def elsewhere(words):
    run = open_run([*words])
    return app._elsewhere(run.settings, run.registry, words)


def test_a_run_that_keeps_no_more_than_a_log_needs_no_writable_folder(locked, capsys):
    (placed,) = elsewhere(WORDS)
    key, _, folder = placed.partition("=")
    assert key == "output" and Path(folder.strip("'")).is_dir()
    assert "cannot be written: the log of this run is in " in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], [*WORDS, "output=here"], [*WORDS, "output=here/there"]])
def test_other_runs_say_so_at_once(words, locked):
    with pytest.raises(ConfigError, match="cannot be written: give another output=FOLDER"):
        elsewhere(words)


def test_a_folder_that_hydra_would_misread_is_refused(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"\$\{x\} cannot be the folder of a run, as Hydra would replace"):
        elsewhere([*WORDS, "output=${x}"])
    with pytest.raises(ConfigError, match=r"give another hydra\.sweep\.dir=FOLDER"):
        app._check_sweep_folder(
            app.as_typed(["hydra.sweep.dir=${x}"], app.config.paths(open_run(WORDS).registry))
        )
    app._check_sweep_folder([])


def test_a_number_of_processes_that_is_none(monkeypatch):
    monkeypatch.setenv("MS_WORKER_NUM", "abc")
    with pytest.raises(ConfigError, match="MS_WORKER_NUM=abc is no number of processes"):
        app._place([])


def test_flags_of_hydra_that_would_replace_the_configuration():
    for flags in (
        ["--config-name", "x"],
        ["-cp", "x"],
        ["--experimental-rerun", "x"],
        ["--config-dir", "nix"],
    ):
        with pytest.raises(ConfigError, match=r"^--"):
            app._command(flags)


def test_a_folder_of_yaml_may_have_any_name(tmp_path):
    name = "it's, [a] ${b}"
    assert app._searchpath(str(tmp_path / name)) == app.word(
        "hydra.searchpath", [f"file://{tmp_path}/{name}"]
    )


def test_a_log_that_cannot_be_written_says_so_once(tmp_path, capsys):
    log = ending.LogFile(tmp_path / "log")
    log.stream.close()
    log.stream = SimpleNamespace(write=full, flush=lambda: None, close=lambda: None)
    record = logging.LogRecord("a", logging.INFO, "a", 1, "line", (), None)
    log.handle(record)
    log.handle(record)
    assert capsys.readouterr().err == f"The log {tmp_path}/log lacks lines from here on: No space left.\n"


def full(text):
    raise OSError(errno.ENOSPC, "No space left")


def test_the_log_of_a_run_is_ours():
    log = OmegaConf.load(CONF / "hydra" / "job_logging" / "mindvideo.yaml").handlers.file
    assert log["class"] == f"{ending.LogFile.__module__}.{ending.LogFile.__qualname__}"
