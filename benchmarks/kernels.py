"""Speed of convolutions on CPU: our kernels beside MindSpore's own and, where it is installed, PyTorch's.

    python benchmarks/kernels.py [--only TEXT] [--threads 2] [--rounds 5] [--json FILE]

Each side has a process of its own, and they take turns. For every convolution the sides first have to agree on result
and gradients. Times are milliseconds of one convolution, the least and the median over all rounds: a call has several,
each of another picture, so that the launch of MindSpore's compiled graph, a third of a millisecond, is shared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine
import numpy as np
from rich.console import Console
from rich.table import Table

from core.files import write_json

TOLERANCE = 1e-5
"""Largest difference of the sides' results relative to the largest value; sums have up to 16384 terms."""
BURST_SECONDS = 0.1
PICTURES = 4
"""Convolutions of one call."""
PASSES = ("forward", "to input", "to weights")


@dataclass(frozen=True)
class Case:
    """A convolution of one picture, padded so that it keeps its size up to the stride."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    size: int = 64
    groups: int = 1
    dilation: int = 1
    transposed: bool = False

    def __str__(self) -> str:
        kind = "transposed " if self.transposed else "depthwise " if self.groups > 1 else ""
        spread = f" d{self.dilation}" if self.dilation > 1 else ""
        return f"{kind}{self.kernel}x{self.kernel} s{self.stride}{spread} {self.inputs}->{self.outputs} at {self.size}"

    @property
    def padding(self) -> tuple[int, int]:
        """Before and after each axis."""
        if self.transposed:
            before = (self.kernel - 1) // 2
            return before, self.kernel - self.stride - before
        return (self.dilation * (self.kernel // 2),) * 2

    def arrays(self) -> list[np.ndarray]:
        """Pictures, weight, bias, and gradients of the results."""
        rng = np.random.default_rng(0)
        pair = (self.inputs, self.outputs) if self.transposed else (self.outputs, self.inputs)
        scale = self.stride if self.transposed else 1 / self.stride
        after = round(self.size * scale)
        shapes = (
            (PICTURES, 1, self.inputs, self.size, self.size),
            (pair[0], pair[1] // self.groups, self.kernel, self.kernel),
            (self.outputs,),
            (PICTURES, 1, self.outputs, after, after),
        )
        return [rng.standard_normal(shape, np.float32) for shape in shapes]


CASES = [
    Case(64, 64, 1),
    Case(64, 64, 3),
    Case(64, 64, 3, 2),
    Case(64, 64, 5),
    Case(64, 64, 5, 2),
    Case(8, 32, 7),
    Case(3, 64, 3),
    Case(64, 3, 3),
    Case(64, 64, 3, groups=64),
    Case(64, 64, 3, dilation=2),
    Case(64, 64, 5, 2, 32, transposed=True),
    Case(64, 64, 4, 2, 32, transposed=True),
    Case(64, 64, 6, 2, 32, transposed=True),
    Case(3, 128, 5, 2, 128),
    Case(128, 128, 5, 2, 128),
    Case(128, 128, 5, 2, 64),
    Case(128, 128, 5, 2, 32, transposed=True),
    Case(128, 128, 5, 2, 64, transposed=True),
    Case(128, 3, 5, 2, 64, transposed=True),
]

Tensors = tuple[Any, ...]
Call = Callable[[], Tensors]


class MindSpore:
    """Compiled cells of one convolution, with MindSpore's own kernels or ours."""

    def __init__(self, threads: int, kernels: str) -> None:
        os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
        os.environ.setdefault("GLOG_v", "3")
        import mindspore as ms

        from core.kernels import library

        ms.set_context(mode=ms.GRAPH_MODE)
        if threads < machine.available_cores():  # as many as there are cores slow MindSpore down to a half
            ms.runtime.dispatch_threads_num(threads)
        self.ours = kernels == "ours"
        if self.ours:
            library.use(threads)

    def calls(self, case: Case) -> list[Call]:
        """Forward, gradient of the input, gradients of weight and bias; a graph's results are there on return."""
        import mindspore_convolutions as cells
        from mindspore import Tensor

        pictures, weight, bias, douts = case.arrays()
        xs, dys = ([Tensor(array) for array in arrays] for arrays in (pictures, douts))
        weight, bias = Tensor(weight), Tensor(bias)
        convolution = cells.ours(case) if self.ours else cells.built_in(case)
        forward, to_input, to_weights = (kind(convolution) for kind in cells.PASSES)
        return [
            lambda: forward(weight, bias, *xs),
            lambda: to_input(weight, bias, *xs, *dys),
            lambda: to_weights(weight, bias, *xs, *dys),
        ]

    @staticmethod
    def numpy(results: Tensors) -> list[np.ndarray]:
        return [result.asnumpy() for result in results]


class PyTorch:
    """PyTorch's operators, eager."""

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.inference_mode().__enter__()

    def calls(self, case: Case) -> list[Call]:
        """Forward, gradient of the input, gradients of weight and bias."""
        import torch

        pictures, weight, bias, douts = case.arrays()
        xs, dys = ([torch.from_numpy(array) for array in arrays] for arrays in (pictures, douts))
        weight, bias = torch.from_numpy(weight), torch.from_numpy(bias)
        before, after = case.padding
        geometry = (
            [case.stride] * 2,
            [before] * 2,
            [case.dilation] * 2,
            case.transposed,
            [before - after if case.transposed else 0] * 2,
            case.groups,
        )

        def backward(*mask: bool) -> Tensors:
            gradients = [
                torch.ops.aten.convolution_backward(dy, x, weight, [case.outputs], *geometry, mask)
                for x, dy in zip(xs, dys, strict=True)
            ]
            return tuple(result for results in gradients for result in results if result is not None)

        return [
            lambda: tuple(torch.ops.aten.convolution(x, weight, bias, *geometry) for x in xs),
            lambda: backward(True, False, False),
            lambda: backward(False, True, True),
        ]

    @staticmethod
    def numpy(results: Tensors) -> list[np.ndarray]:
        return [result.numpy() for result in results]


def main() -> int:
    """The command; returns 0, or 1 after a message when the sides disagree."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
    facts = {**machine.describe(), "load before": machine.load()}
    for name, value in facts.items():
        console.print(f"{name:>12}  {value}")
    if machine.is_busy():
        console.print("[bold red]The machine is busy: the times cannot be relied on (README.md)[/]")
    sides = {
        "built-in": (MindSpore, options.threads, "built-in"),
        "ours": (MindSpore, options.threads, "ours"),
    }
    if find_spec("torch"):
        sides["PyTorch"] = (PyTorch, options.threads)
    results = {}
    with ExitStack() as stack:
        connections = {name: stack.enter_context(_process(*side)) for name, side in sides.items()}
        for case in CASES:
            if options.only in str(case):
                said = _differences(case, connections)
                if said:
                    console.print(f"[bold red]Error:[/] {case}: {said}")
                    return 1
                results[str(case)] = _time(case, connections, options.rounds)
                console.print(f"[dim]{case}[/]")
    _print(console, results, list(sides))
    if options.json:
        facts["load after"] = machine.load()
        write_json(options.json, {"machine": facts, "command": sys.argv[1:], "milliseconds": results})
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="only convolutions whose name contains this")
    parser.add_argument(
        "--threads", type=int, default=machine.available_cores(), help="of each side (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (%(default)s)")
    parser.add_argument("--json", type=Path, help="write everything to this file as well")
    options = parser.parse_args()
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads must be at least 1")
    return options


def _differences(case: Case, connections: dict[str, Connection]) -> str:
    """What the sides disagree on, empty where they agree."""
    answers = {name: _ask(connection, (case, None)) for name, connection in connections.items()}
    ours = answers.pop("ours")
    for name, theirs in answers.items():
        for mine, other in zip(ours, theirs, strict=True):
            difference = float(np.abs(mine - other).max() / np.abs(other).max())
            if not difference <= TOLERANCE:
                return f"ours and {name} differ by {difference:.1e} of the largest value (tolerance {TOLERANCE:.0e})."
    return ""


def _time(case: Case, connections: dict[str, Connection], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of every call: pass, then side."""
    times: dict[str, dict[str, list[float]]] = {what: {name: [] for name in connections} for what in PASSES}
    for _ in range(rounds):
        for index, what in enumerate(PASSES):
            for name, connection in connections.items():
                times[what][name] += _ask(connection, (case, index))
    return times


def _print(console: Console, results: dict[str, Any], sides: list[str]) -> None:
    """Least times, and ratios of ours to the others."""
    others = [name for name in sides if name != "ours"]
    for what in PASSES:
        table = Table("", title=f"{what}: least milliseconds (median)", title_justify="left")
        for column in (*sides, *(f"ours / {name}" for name in others)):
            table.add_column(column, justify="right")
        ratios: dict[str, list[float]] = {name: [] for name in others}
        for case, passes in results.items():
            times = passes[what]
            for name in others:
                ratios[name].append(min(times["ours"]) / min(times[name]))
            cells = [f"{min(times[name]):.2f} ({median(times[name]):.2f})" for name in sides]
            table.add_row(case, *cells, *(f"{ratios[name][-1]:.2f}" for name in others))
        table.add_section()
        if results:
            table.add_row(
                "geometric mean",
                *("" for _ in sides),
                *(f"{geometric_mean(ratios[name]):.2f}" for name in others),
            )
        console.print(table)


@contextmanager
def _process(kind: type, *arguments: object) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, kind, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(5)
        process.terminate()


def _ask(connection: Connection, question: tuple[Case, int | None]) -> Any:
    connection.send(question)
    return connection.recv()


def _serve(connection: Connection, kind: type, arguments: tuple[object, ...]) -> None:
    """In a side's process: results of all passes of a case, or times of one of them."""
    side, current, calls = kind(*arguments), None, []
    try:
        while True:
            case, index = connection.recv()
            if case != current:
                current, calls = case, side.calls(case)
            if index is None:
                connection.send([array for call in calls for array in side.numpy(call())])
            else:
                connection.send(_burst(calls[index]))
    except EOFError:
        return


def _burst(call: Call) -> list[float]:
    """Milliseconds of a convolution, call by call for a tenth of a second, after one that is not counted."""
    call()
    times: list[float] = []
    until = time.perf_counter() + BURST_SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3 / PICTURES)
    return times


if __name__ == "__main__":
    raise SystemExit(main())
