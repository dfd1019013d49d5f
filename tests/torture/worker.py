"""The process that makes trials: reads one request a line, and answers each with one line of JSON.

``python -m tests.torture.worker FOLDER ANSWERS``, where ANSWERS is the number of an open file to write to.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

from .kinds import KINDS, Kind, Skipped
from .memory import LIMIT, beyond
from .trial import Fault, Trial


def main(folder: Path, answers: int) -> None:
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    ready: dict[str, Kind] = {}
    with os.fdopen(answers, "w") as out:
        for line in sys.stdin:
            request = json.loads(line)
            print(json.dumps(_answer(folder, ready, request)), file=out, flush=True)


def _answer(folder: Path, ready: dict[str, Kind], request: dict[str, Any]) -> dict[str, Any]:
    name = request["kind"]
    if request["number"] is None:
        return _prepared(folder, ready, name)
    return _tried(ready[name], Trial(name, request["number"], request["seed"], Path(request["folder"])))


def _prepared(folder: Path, ready: dict[str, Kind], name: str) -> dict[str, Any]:
    kind = KINDS[name](folder / name)
    try:
        kind.prepare()
    except Skipped as reason:
        return {"skipped": str(reason)}
    except Exception:
        return {"broken": traceback.format_exc()}
    ready[name] = kind
    return {"usual": asdict(kind.usual), "slowest": kind.slowest}


def _tried(kind: Kind, trial: Trial) -> dict[str, Any]:
    try:
        with beyond() as memory:
            tried = kind.attempt(trial)
    except Exception:
        return {"broken": traceback.format_exc()}
    faults = list(tried.faults)
    if memory.taken > kind.usual.memory + LIMIT:
        faults.append(Fault("memory", f"it took {memory.taken >> 20} MB", "memory"))
    return {"faults": [asdict(fault) for fault in faults], "refused": tried.refused}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
