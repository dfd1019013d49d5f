"""Weights that others have published, by name."""

from core.hooks import WeightsEntry

WEIGHTS = [
    WeightsEntry(
        f"dcvc-mse-{weight}",
        ("model=dcvc", "codec=dcvc"),
        licence="see where it is fetched",
        recipe=f"by DCVC's authors, for mean squared error weighted by {weight}",
        by_hand="the folder that the README of github.com/microsoft/DCVC links to, of DCVC (NeurIPS 2021)",
    )
    for weight in (256, 512, 1024, 2048)
]
"""The models of the paper; no program can fetch them."""
