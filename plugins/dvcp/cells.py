"""DVC-P (Zhang et al., VCIP 2021): DVC's network with other transforms of motion and residual.

What they are synthesised from is enlarged by repetition and then convolved, in place of transposed convolutions, whose
uneven overlap shows as a checkerboard.
"""

from __future__ import annotations

from core.nn import full_precision
from plugins.dvc.cells import Dvc

from .config import DvcpConfig
from .transforms import analysis, synthesis


class Dvcp(Dvc):
    """The whole network; `plugins.dvc.cells.Dvc` says what goes in and out."""

    def __init__(self, config: DvcpConfig) -> None:
        hidden, latent, motion = config.hidden, config.latent, config.motion
        with full_precision():
            of_motion = analysis(2, motion, motion, config), synthesis(motion, motion, 2, config)
        super().__init__(
            config,
            of_motion,
            (analysis(3, hidden, latent, config), synthesis(latent, hidden, 3, config)),
        )
