"""Options of pytest for the conformance suite; pytest knows them wherever mindvideo is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--plugin`` and ``--set``."""
    group = parser.getgroup("mindvideo", "conformance suite of mindvideo (pytest --pyargs core.testing)")
    group.addoption("--plugin", metavar="NAME", help="the installed plugin to try")
    group.addoption(
        "--set",
        action="append",
        default=[],
        metavar="WORD",
        help="a further word of the command line for all that is tried, as device.kernels=builtin",
    )
