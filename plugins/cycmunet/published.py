"""Weights by name: what others have published, and what was trained here."""

from pathlib import Path

from core.hooks import WeightsEntry

WEIGHTS = [
    WeightsEntry(
        "cycmunet",
        ("model=cycmunet", "upscaler=cycmunet"),
        licence="see where it is fetched",
        recipe="by CycMuNet's authors, with the options of the published code",
        by_hand="where the README of github.com/tongyuantongyu/cycmunet links to",
    ),
    WeightsEntry(
        "cycmunet-small-x2",
        ("model=cycmunet", "upscaler=cycmunet"),
        licence="Apache-2.0; trained on pictures and film under CC0, CC BY, CC BY-SA, Apache and BSD licences",
        recipe="experiment=cycmunet_small_x2 on photographs in motion and film, hours on two cores (weights/make.py)",
        figures="dB on five held-out clips: larger 34.5, between 37.6, both 30.9 (bicubic, blended: 30.7, 35.3, 27.5)",
        file=Path(__file__).with_name("weights") / "cycmunet-small-x2.safetensors",
        fingerprint="35a1ea32100a9bcb487746af9a048b9d",
        default_for="upscaler",
    ),
]
"""No program can fetch the published ones; ours come along."""
