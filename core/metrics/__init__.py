"""Measures of picture quality, in float64 NumPy. Plugins import them from here."""

from typing import TYPE_CHECKING

from core.facade import lazily

if TYPE_CHECKING:
    from core.metrics.quality import as_stored as as_stored
    from core.metrics.quality import psnr as psnr

# Loaded on first use: SciPy takes its time, and the options of metrics are for ``--help`` as well.
__getattr__ = lazily(__name__, {"core.metrics.quality": ["as_stored", "psnr"]})
