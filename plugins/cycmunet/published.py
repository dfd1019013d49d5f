"""Weights that others have published, by name."""

from core.hooks import WeightsEntry

WEIGHTS = [
    WeightsEntry(
        "cycmunet",
        ("model=cycmunet", "upscaler=cycmunet"),
        licence="see where it is fetched",
        recipe="by CycMuNet's authors, with the options of the published code",
        by_hand="where the README of github.com/tongyuantongyu/cycmunet links to",
    )
]
"""No program can fetch them."""
