"""The benchmarks themselves need a quiet machine; that each can be asked for, and is described, needs none."""

import pytest

from benchmarks.bench import COMMANDS, main, parser_of

from .commands import ROOT


@pytest.mark.parametrize("name", COMMANDS)
def test_each_is_described(name):
    assert f"`python benchmarks/bench.py{'' if name == 'all' else f' {name}'}`" in (
        ROOT / "benchmarks" / "README.md"
    ).read_text("utf-8")
    assert parser_of(name).parse_args([]).name == name


def test_help_names_all(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(what in told for _, what in COMMANDS.values())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["dvd"], "invalid choice: 'dvd'"),
        (["dvc", "--size", "100"], "100 is not a multiple of 64"),
        (["ssfvc", "--frames", "1"], "1 is not at least 2"),
        (["--what", "target"], "invalid choice: 'target'"),
    ],
)
def test_what_cannot_be_asked(words, told, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
