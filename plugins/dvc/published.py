"""Weights that others have published, by name."""

from core.hooks import WeightsEntry

WEIGHTS = [
    WeightsEntry(
        f"dvc-mse-{weight}",
        ("model=dvc", "codec=dvc"),
        licence="see where it is fetched",
        recipe=f"by DVC's authors, for mean squared error weighted by {weight}",
        by_hand="the folder that the README of github.com/ZhihaoHu/PyTorchVideoCompression links to",
    )
    for weight in (256, 512, 1024, 2048)
]
"""The models of the paper; no program can fetch them."""
