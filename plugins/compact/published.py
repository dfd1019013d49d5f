"""The weights that come along; `make weights` makes them."""

from pathlib import Path

from core.hooks import WeightsEntry

WEIGHTS = [
    WeightsEntry(
        "compact",
        ("model=compact", "codec=compact"),
        licence="Apache-2.0; trained on pictures and film under CC0, CC BY, CC BY-SA, Apache and BSD licences",
        recipe="experiment=compact on photographs in motion and film, hours on two cores (weights/make.py)",
        figures="bytes at equal PSNR over x264 +140 %, x265 +210 % (medium; five held-out clips, one intra frame)",
        file=Path(__file__).with_name("weights") / "compact.safetensors",
        fingerprint="d6eaadda09a0362e429094bfc1eae3d4",
        default_for="codec",
    )
]
