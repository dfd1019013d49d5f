"""Every command of the documentation is sound, and is run by a test or says what it needs that tests lack."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import copier
import pytest

from .commands import ROOT, commands, files, pages
from .programs import complaint, extras
from .test_tutorials import PAGES as RUN_PAGES
from .test_tutorials import typed as run_on

pytestmark = pytest.mark.heavy  # the template's plugins are made with git

EXAMPLES = {"edge_loss": "mindvideo-edge-loss", "hierarchy": "mindvideo-hierarchy"}
MADE = {"grain": "codec", "larger": "upscaler"}
"""Plugins that the template makes: the one of the tutorial, and one of the other kind."""

APP, PACKAGING, TYPED = "tests/app", "tests/packaging", "tests/docs/test_tutorials.py"
COMMAND = "(mindvideo|python -m core)"
TESTED = {
    r"^python -m core '…'$": f"{TYPED}::test_pages_that_build_on_each_other",
    r"^mindvideo train ": f"{APP}/test_verbs.py::test_words_are_spelled_out",
    r"^mindvideo upscale ": f"{APP}/test_compare.py::test_an_upscaling_shows_what_it_made",
    rf"^{COMMAND} encode ": f"{APP}/test_implied.py::test_weights_that_come_along_are_the_default",
    rf"^{COMMAND} (decode|verify) ": f"{APP}/test_implied.py::test_a_stream_finds_its_weights_among_the_runs",
    r"^mindvideo compare ": f"{APP}/test_compare.py::test_a_stream_is_compared_by_the_codec_that_it_names",
    r"^mindvideo info ": f"{APP}/test_info.py::test_a_stream",
    r"^mindvideo weights": f"{APP}/test_weights.py::test_published_weights_become_a_checkpoint_once",
    r"task=upscale ": f"{TYPED}::test_pages_that_build_on_each_other",
    r"task=evaluate ": f"{TYPED}::test_pages_that_build_on_each_other",
    r"codec=x265_dvc .*task=(encode|decode)": f"{TYPED}::test_pages_that_build_on_each_other",
    r"bench_clips|bench_rates|bench_upscaling|_demo_rates": f"{TYPED}::test_pages_that_build_on_each_other",
    r"task=verify": f"{APP}/test_codec_commands.py::test_decode_gives_a_video_and_verify_is_content",
    r"task=(encode|decode) .*_demo": f"{APP}/test_real_codec_commands.py::test_the_report_tells_the_files_true_size",
    r"codec=resampled": f"{APP}/test_resampled.py::test_a_learned_codec_and_a_learned_upscaler",
    r"task=import_weights": f"{APP}/test_import_weights.py::test_a_published_file_becomes_a_checkpoint",
    r"task=profile": f"{APP}/test_profile.py::test_a_profile_is_printed_drawn_and_written",
    r"task=export": "tests/export/test_task.py::test_writes_models_and_says_what_they_take",
    r"runtime=onnxruntime": "tests/export/test_task.py::test_run_computes_by_onnxruntime",
    r"task\.resume=true": f"{APP}/test_training.py::test_a_killed_run_ends_like_one_that_was_not",
    r"^python -m core --multirun optimizer": f"{APP}/test_sweep.py::test_failures_do_not_stop_a_sweep",
    r"sweep=joblib": f"{APP}/test_sweep.py::test_jobs_side_by_side_share_the_cores",
    r"sweep=optuna": f"{APP}/test_sweep.py::test_optuna_survives_failures_and_goes_on",
    r"task=sweep_report": f"{APP}/test_sweep.py::test_a_sweep_goes_on_and_reports_what_there_is",
    r"hydra\.searchpath": f"{APP}/test_command.py::test_a_folder_of_ones_own",
    r"--cfg job": f"{APP}/test_command.py::test_cfg_prints_the_configuration_and_runs_nothing",
    r"plugins\.disable": f"{APP}/test_plugins.py::test_built_in_plugin_can_be_disabled",
    r"experiment=larger_demo": "tests/template/test_template.py::test_an_upscaler_in_a_fresh_environment",
    r"experiment=grain_demo": f"{TYPED}::test_pages_that_install_a_plugin",
    r"^pip install \./mindvideo-edge-loss": f"{TYPED}::test_pages_that_install_a_plugin",
    r"^pytest$": "tests/template/test_template.py::test_it_passes_its_own_tests_at_once",
    r"^copier copy": "tests/template/test_template.py::test_answers_stand_in_the_distribution",
    r"^pytest --pyargs core.testing": f"{TYPED}::test_pages_that_install_a_plugin",
    r"pip install (-c|.*\[\w+\])": f"{PACKAGING}/test_distribution.py::test_fresh_environment_with_all_dependencies",
    r"^--extra .* COMMAND": f"{PACKAGING}/test_run.py::test_extra_is_added_and_kept",
    r"make_reference": "tests/docs/test_reference.py::test_the_page_is_up_to_date",
    **{
        rf"tests/parity/replay\.py {name} ": f"tests/parity/test_{name}.py::test_all_configurations_are_tried"
        for name in ("cycmunet", "ssfvc", "dvc", "dcvc", "dcvc_uf", "cheng2020")
    },
}
"""Commands that another test runs, maybe with other files and sizes, and that test."""
CHECKS_OF_THE_PROJECT = re.compile(
    r"^make (check|test|test-slow|lint|docs|torture|weights)( |$)|^python -m pytest tests|^pytest -m slow"
)
"""What runs tests, looks at style, builds the site or trains for hours is not run by tests."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Plugins made from the template, by name."""
    folder = tmp_path_factory.mktemp("made")
    for name, kind in MADE.items():
        answers = {"distribution": f"mindvideo-{name}", "kind": kind}
        copier.run_copy(str(ROOT / "template"), str(folder / name), data=answers, defaults=True, quiet=True)
    return folder


@pytest.fixture(scope="module")
def typed(made):
    """All commands: those of the repository's pages, and of the pages that the template makes."""
    ours = [command for page in pages() for command in commands(page)]
    return [*ours, *(command for name in MADE for command in commands(made / name / "README.md", made))]


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    """A folder for PYTHONPATH through which examples and made plugins count as installed."""
    folder = tmp_path_factory.mktemp("site")
    for name, home in {
        **{n: ROOT / "examples" / d for n, d in EXAMPLES.items()},
        **{n: made / n for n in MADE},
    }.items():
        package = f"mindvideo_{name}"
        (folder / package).symlink_to(home / package)
        record = folder / f"{package}-0.1.0.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mindvideo-{name}\nVersion: 0.1.0\n")
        (record / "entry_points.txt").write_text(f"[mindvideo.plugins]\n{name} = {package}.plugin:plugin\n")
    return folder


PAGE = """# A page

Say `make lint`, or `make`. Not `python`.

```
python -m core a=1 \\
    b=2      # what it does
… b=3        # needs a card
tree/        no command
```

Needs a disc: a large one.

```console
$ X=1 mindvideo modle=c
Error: no such setting
```

- `pip install x`
- Needs a net. `pip install y`
"""


def test_what_counts_as_a_command(tmp_path):
    (tmp_path / "page.md").write_text(PAGE)
    found = [(c.line, c.text, c.needs, c.told) for c in commands(tmp_path / "page.md", tmp_path)]
    assert found == [
        (3, "make lint", "", ""),
        (6, "python -m core a=1 b=2", "", ""),
        (8, "python -m core a=1 b=2 '…' b=3", "a card", ""),
        (15, "mindvideo modle=c", "a disc", "Error: no such setting"),
        (19, "pip install x", "", ""),
        (20, "pip install y", "a net", ""),
    ]


def test_there_are_commands_on_every_kind_of_page(typed):
    places = {command.page.partition("/")[0] for command in typed}
    assert {"README.md", "CONTRIBUTING.md", "docs", "plugins", "examples", "benchmarks", *MADE} <= places
    assert len(typed) > 200


def test_what_is_typed_behind_the_command_composes(typed, site, tmp_path):
    """Experiments, presets, entries, keys and values are all there, but where the page shows an error."""
    for page in pages():
        for name, text in files(page).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    lines = {command.own: command for command in typed if command.own is not None}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("compose.py")],
        input=json.dumps(list(lines)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    problems = dict(zip(lines.values(), json.loads(done.stdout), strict=True))
    assert {str(c): told for c, told in problems.items() if told and not c.told} == {}


def test_programs_have_what_is_asked_of_them(typed):
    """Targets, scripts, options, files and extras of the repository are all there."""
    assert {str(command): told for command in typed if (told := complaint(list(command.words)))} == {}


def test_the_readme_tells_of_every_extra():
    table = (ROOT / "README.md").read_text("utf-8").partition("| extra | for |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(extras())


def test_every_command_is_run_or_says_what_it_needs(typed):
    """By the tutorials' test, by one of `TESTED`, or it is marked where it stands, or where it stands elsewhere."""
    run = {command.text for page in RUN_PAGES for command in run_on(page)}
    marked = {command.text for command in typed if command.needs}
    left = [command for command in typed if command.text not in run | marked]
    left = [command for command in left if not CHECKS_OF_THE_PROJECT.search(command.text)]
    assert [str(command) for command in left if not another_test_runs(command.text)] == []


def another_test_runs(text):
    return any(re.search(pattern, text) for pattern in TESTED)


def test_the_tests_that_run_commands_are_there(typed):
    for pattern, test in TESTED.items():
        path, _, name = test.partition("::")
        functions = {
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
            if isinstance(node, ast.FunctionDef)
        }
        assert name in functions, test
        assert any(re.search(pattern, command.text) for command in typed), f"no command is like {pattern}"
