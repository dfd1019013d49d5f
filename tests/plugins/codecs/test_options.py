"""Values that options of codecs, networks, losses and steps refuse, each by its name."""

from dataclasses import fields

import pytest

from core.losses.entries import Distortion
from plugins.cheng2020.config import Cheng2020CodecConfig, Cheng2020Config
from plugins.dcvc.config import DcvcCodecConfig, DcvcConfig, DcvcLossConfig, DcvcStepConfig
from plugins.dcvcuf.config import (
    DcvcUfCodecConfig,
    DcvcUfConfig,
    DcvcUfIntraCodecConfig,
    DcvcUfIntraConfig,
    DcvcUfLossConfig,
    DcvcUfStepConfig,
)
from plugins.dvc.config import DvcCodecConfig, DvcConfig, DvcLossConfig, DvcStepConfig
from plugins.dvcp.config import (
    DiscriminatorConfig,
    DvcpConfig,
    DvcpLossConfig,
    DvcpStepConfig,
    Features,
    Stages,
)
from plugins.ssfvc.config import SsfvcConfig

NETWORKS = {
    DvcConfig: [("hidden", 0), ("latent", 0), ("motion", -1), ("refinement", 0), ("flow", 0), ("flow", 6)],
    DcvcConfig: [
        *(("features", 2), ("latent", 0), ("motion", -1), ("refinement", 0)),
        *(("hyper", 0), ("hyper", 3), ("flow", 0), ("flow", 6)),
    ],
    DcvcUfConfig: [("features", 3), ("latent", 6), ("hyper", 0), ("encoder", 1), ("head", 0)],
    DcvcUfIntraConfig: [("features", 0), ("latent", 2), ("decoder", 0)],
    SsfvcConfig: [("hidden", 0), ("latent", 0)],
}
OTHERS = [
    (DvcpConfig, {"hidden": 0}, "hidden is|hidden 0"),
    (DvcpConfig, {"flow": 6}, "flow is|flow 6"),
    (DvcpConfig, {"kernel": 4}, "kernel is|kernel 4"),
    (DvcpConfig, {"motion": 1}, "motion is|motion 1"),
    (DvcpConfig, {"latent": 0}, "latent is|latent 0"),
    (Cheng2020Config, {"channels": 5}, "channels is .* a multiple of 2"),
    (DvcCodecConfig, {"lmbda": 0.0}, "lmbda"),
    (DvcCodecConfig, {"gop": -1}, "gop"),
    (DcvcCodecConfig, {"lmbda": 0.0}, "lmbda"),
    (DcvcCodecConfig, {"gop": -1}, "gop"),
    (Cheng2020CodecConfig, {"gop": 12}, r"codec\.gop"),
    (DcvcUfCodecConfig, {"quality": 64}, "quality"),
    (DcvcUfCodecConfig, {"skip": -0.1}, "skip"),
    (DcvcUfIntraCodecConfig, {"gop": 12}, r"codec\.gop"),
    (DcvcUfLossConfig, {"finest": 0.0}, "finest"),
    (DcvcUfStepConfig, {"quality": 64}, "quality"),
    (DvcLossConfig, {"lmbda": 0.0}, "lmbda"),
    (DvcLossConfig, {"warp_weight": -1.0}, "warp_weight"),
    (DvcLossConfig, {"flow_steps": -1}, "flow_steps"),
    (DvcLossConfig, {"distortion": Distortion.ms_ssim}, r"loss\.warp_weight"),
    (DvcStepConfig, {"clip_value": -0.5}, "clip_value"),
    (DcvcLossConfig, {"lmbda": 0.0}, "lmbda"),
    (DcvcLossConfig, {"flow_steps": -1}, "flow_steps"),
    (DcvcLossConfig, {"rate_ramp": -1}, "rate_ramp"),
    (DcvcLossConfig, {"distortion": Distortion.ms_ssim, "motion_steps": 1}, r"loss\.motion_steps"),
    (DcvcStepConfig, {"clip_value": -0.5}, "clip_value"),
    (DvcpLossConfig, {"lmbda": 0.0}, "lmbda is 0.0; it must be above 0"),
    (DvcpLossConfig, {"perceptual_weight": -1.0}, "perceptual_weight is -1.0; it must be at least 0"),
    (DvcpLossConfig, {"features": Features.vgg}, "loss.vgg_file=FILE"),
    (DvcpLossConfig, {"vgg_file": "a"}, "is for loss.features=vgg"),
    (DvcpLossConfig, {"features": Features.discriminator, "adversarial_weight": 0.0}, "above 0"),
    (Stages, {"scale": 0.0}, "scale"),
    (Stages, {"adversarial": 30_000}, "none may begin before"),
    (DiscriminatorConfig, {"crop": 40}, "multiple of 16"),
    (DvcpStepConfig, {"discriminator_lr": 0.0}, "discriminator_lr"),
    (DvcpStepConfig, {"clip_value": -1.0}, "clip_value"),
]


@pytest.mark.parametrize(
    ("config", "option", "value"), [(config, *case) for config in NETWORKS for case in NETWORKS[config]]
)
def test_wrong_widths_are_named(config, option, value):
    with pytest.raises(ValueError, match=f"^{option} is {value}; it must be"):
        config(**{option: value})


@pytest.mark.parametrize(("config", "options", "told"), OTHERS)
def test_wrong_options_are_named(config, options, told):
    with pytest.raises(ValueError, match=told):
        config(**options)


@pytest.mark.parametrize("options", [Cheng2020CodecConfig, DcvcUfIntraCodecConfig])
def test_codecs_of_intra_frames_alone_are_not_asked_where_scenes_begin(options):
    assert "gop" in {field.name for field in fields(options)}
    assert "scene_cut" not in {field.name for field in fields(options)}
