"""Training: losses and their options, steps, and the checkpoints that they leave.

Plugins import all of it from here.
"""

from typing import TYPE_CHECKING

from core.facade import lazily
from core.losses.entries import Distortion as Distortion
from core.losses.entries import RateDistortionConfig as RateDistortionConfig
from core.losses.phases import Phases as Phases
from core.losses.phases import since as since
from core.training.steps import InterStepConfig as InterStepConfig
from core.training.steps import Reference as Reference

if TYPE_CHECKING:
    from core.entropy.quantize import add_noise as add_noise
    from core.entropy.quantize import seed_noise as seed_noise
    from core.losses.charbonnier import Charbonnier as Charbonnier
    from core.losses.rate_distortion import RateDistortionLoss as RateDistortionLoss
    from core.losses.ssim import SsimLoss as SsimLoss
    from core.training.checkpoint import Checkpoint as Checkpoint
    from core.training.inter import InterObjective as InterObjective
    from core.training.inter import InterStep as InterStep
    from core.training.pictures import learned_intra as learned_intra
    from core.training.rate_distortion import CodecStep as CodecStep
    from core.training.rate_distortion import prefix_state as prefix_state
    from core.training.rate_distortion import step_counter as step_counter
    from core.training.step import TrainStep as TrainStep
    from core.training.step import mean_over_ranks as mean_over_ranks

# Loaded on first use: they import MindSpore, which options and entries must not.
__getattr__ = lazily(
    __name__,
    {
        "core.entropy.quantize": ["add_noise", "seed_noise"],
        "core.losses.charbonnier": ["Charbonnier"],
        "core.losses.rate_distortion": ["RateDistortionLoss"],
        "core.losses.ssim": ["SsimLoss"],
        "core.training.checkpoint": ["Checkpoint"],
        "core.training.inter": ["InterObjective", "InterStep"],
        "core.training.pictures": ["learned_intra"],
        "core.training.rate_distortion": ["CodecStep", "prefix_state", "step_counter"],
        "core.training.step": ["TrainStep", "mean_over_ranks"],
    },
)
