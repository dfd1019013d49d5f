"""Continuous integration: the script and the workflow of a public host run the same targets of the Makefile."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_script_and_workflow_run_the_same_targets():
    targets = re.findall(r"^make (.*)$", (ROOT / ".ci" / "run").read_text(), re.M)
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    make = workflow["jobs"]["make"]
    assert targets == make["strategy"]["matrix"]["target"]
    assert make["steps"][-1]["run"] == "make ${{ matrix.target }}"
    known = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    assert set(targets) <= set(known)
