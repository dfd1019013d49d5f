"""Weights that others have published, by name."""

from core.hooks import WeightsEntry

_FOLDER = "https://compressai.s3.amazonaws.com/models/v1/"
_MSE = ("dad2ebff", "a29008eb", "e49be189", "98b0b468", "23852949", "4c052b1a")
_MS_SSIM = ("20f521db", "c7ff5812", "c23e22d5", "0e658304", "c0a95e77", "f2dc1913")
"""The first digits of each file's SHA-256, which are part of its name, by rising quality."""
_WIDE_FROM = 4
"""The first quality whose network has 192 channels; those below have 128."""


def _entry(metric: str, named: str, quality: int, digits: str) -> WeightsEntry:
    channels = 192 if quality >= _WIDE_FROM else 128
    return WeightsEntry(
        f"cheng2020-anchor-{metric}-{quality}",
        ("model=cheng2020", f"model.channels={channels}", "codec=cheng2020"),
        licence="BSD-3-Clause-Clear",
        recipe=f"CompressAI's cheng2020-anchor, for {metric.upper()}, quality {quality} of 6",
        url=f"{_FOLDER}{named}-{quality}-{digits}.pth.tar",
        sha256=digits,
    )


WEIGHTS = [
    *(_entry("mse", "cheng2020-anchor", quality, digits) for quality, digits in enumerate(_MSE, 1)),
    *(
        _entry("ms-ssim", "cheng2020_anchor-ms-ssim", quality, digits)
        for quality, digits in enumerate(_MS_SSIM, 1)
    ),
]
"""CompressAI's twelve."""
