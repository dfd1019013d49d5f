"""Weights that others have published, by name."""

from core.hooks import WeightsEntry

_FOLDER = "https://compressai.s3.amazonaws.com/models/v1/"
_HASHES = (
    "c1ac1a47",
    "79ed4e19",
    "9c8b998d",
    "577c1eda",
    "1dd7d574",
    "59dfb6f9",
    "4d867411",
    "26439e20",
    "e89345c4",
)
"""The first digits of each file's SHA-256, which are part of its name, by rising quality."""

WEIGHTS = [
    WeightsEntry(
        f"ssf2020-mse-{quality}",
        ("model=ssfvc", "codec=ssfvc"),
        licence="BSD-3-Clause-Clear",
        recipe=f"CompressAI's ssf2020, for mean squared error, quality {quality} of 9",
        url=f"{_FOLDER}ssf2020-mse-{quality}-{digits}.pth.tar",
        sha256=digits,
    )
    for quality, digits in enumerate(_HASHES, 1)
]
"""CompressAI's nine."""
