"""mindvideo: open learned video on MindSpore, as plugins.

The public API for notebooks and tests: `open_run` composes settings from the words of the command line and
builds the parts; `encode` and `decode` turn videos into streams and back, `upscale` makes a video smoother and
larger. Importing this package starts no MindSpore.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from core.facade import lazily

if TYPE_CHECKING:
    from core.app import open_run
    from core.coding.decode import decode
    from core.coding.encode import encode
    from core.run import Run
    from core.upscaling.options import UpscaleOptions
    from core.upscaling.video import upscale

__all__ = ["Run", "UpscaleOptions", "__version__", "decode", "encode", "open_run", "upscale"]

# Loaded on first use, so that ``import core`` stays instant.
__getattr__ = lazily(
    __name__,
    {
        "core.app": ["open_run"],
        "core.coding.decode": ["decode"],
        "core.coding.encode": ["encode"],
        "core.run": ["Run"],
        "core.upscaling.options": ["UpscaleOptions"],
        "core.upscaling.video": ["upscale"],
    },
)

try:
    __version__ = metadata.version("mindvideo")
except metadata.PackageNotFoundError:
    __version__ = "0+not-installed"
