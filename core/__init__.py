"""mindvideo: open learned video on MindSpore, as plugins.

The public API for notebooks and tests: `open_run` composes settings from the words of the command line and
builds the parts; `encode` and `decode` turn videos into streams and back, `upscale` makes a video smoother and
larger. Importing this package starts no MindSpore.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.app import open_run
    from core.coding.decode import decode
    from core.coding.encode import encode
    from core.upscaling.video import upscale

__all__ = ["__version__", "decode", "encode", "open_run", "upscale"]

_HOMES = {
    "open_run": "core.app",
    "encode": "core.coding.encode",
    "decode": "core.coding.decode",
    "upscale": "core.upscaling.video",
}

try:
    __version__ = metadata.version("mindvideo")
except metadata.PackageNotFoundError:
    __version__ = "0+not-installed"


def __getattr__(name: str) -> object:
    """Load the API on first use, so that ``import core`` stays instant."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'core' has no attribute {name!r}")
