"""mindvideo: open learned video on MindSpore, as plugins.

The public API for notebooks and tests: `open_run` composes settings from the words of the command line and
builds the parts; `upscale` makes a video smoother and larger. Importing this package starts no MindSpore.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.app import open_run
    from core.upscaling.video import upscale

__all__ = ["__version__", "open_run", "upscale"]

try:
    __version__ = metadata.version("mindvideo")
except metadata.PackageNotFoundError:
    __version__ = "0+not-installed"


def __getattr__(name: str) -> object:
    """Load the API on first use, so that ``import core`` stays instant."""
    if name == "open_run":
        from core.app import open_run

        return open_run
    if name == "upscale":
        from core.upscaling.video import upscale

        return upscale
    raise AttributeError(f"module 'core' has no attribute {name!r}")
