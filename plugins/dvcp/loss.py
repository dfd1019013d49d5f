"""The mixed loss of DVC-P, and what it asks of the network at which stage."""

from __future__ import annotations

import logging
from pathlib import Path

import mindspore as ms
from mindspore import Tensor, nn, ops

from core.nn import Stage, Warp
from core.training import since
from plugins.dvc.cells import Costs, Intermediates

from .config import DvcpLossConfig, Features
from .vgg import random_vgg, trained_vgg

log = logging.getLogger(__name__)

_MIN_SQUARE = 1e-12
"""Added under the root of a distance, so that its gradient stays finite."""


class DvcpLoss(nn.Cell):
    """lmbda * (squared error + w_p * perceptual distance + w_a * adversarial loss) + rate.

    ``construct(frame, reference, reconstruction, parts, costs, judged, steps_done)``: frame and reference, N,3,H,W in
    [0,1]; what the network gives for them; what the discriminator says of it, the adversarial loss and the distance of
    its features (scalars, 0 before its stage); and the number of steps before this one. Returns the scalars that
    ``outputs`` names, of which the perceptual distance has the name of the features that it is measured on. In
    training,

    - before the stage ``motion`` the loss is lmbda * (error of the reference warped by the flow as estimated);
    - before ``prediction`` it is lmbda * (error of the warped reference) + rate of the motion;
    - before ``reconstruction`` it is lmbda * (error of the prediction) + rate of the motion.

    In evaluation it is lmbda * (squared error + w_p * perceptual distance) + rate, without what the discriminator
    says, which changes from step to step.
    """

    def __init__(self, config: DvcpLossConfig) -> None:
        super().__init__()
        self.config = config
        self.weight, self.perceptual_weight = config.lmbda, config.perceptual_weight
        self.adversarial_weight = config.adversarial_weight
        self.matches = config.features is Features.discriminator
        self.perceptual = None if self.matches or config.perceptual_weight == 0 else _perceptual(config)
        self.square = nn.MSELoss()
        self.warp = Warp()
        phases = config.stages.phases
        self.motion_from, self.prediction_from = phases["motion"], phases["prediction"]
        self.warm_up_steps = phases["reconstruction"]
        seen = "feature_matching" if self.matches else config.features.value
        errors = ("warp_mse", "prediction_mse")
        self.outputs = ("loss", "mse", seen, "adversarial", *errors, "motion_bpp", "bpp")

    def construct(
        self,
        frame: Tensor,
        reference: Tensor,
        reconstruction: Tensor,
        parts: Intermediates,
        costs: Costs,
        judged: tuple[Tensor, Tensor],
        steps_done: Tensor,
    ) -> tuple[Tensor, ...]:
        flow, warped, prediction = parts
        adversarial, matching = judged
        pixels = frame.shape[0] * frame.shape[2] * frame.shape[3]
        motion_rate, rate = costs[0] / pixels, (costs[0] + costs[1] + costs[2]) / pixels
        error, warp_error = self.square(reconstruction, frame), self.square(warped, frame)
        prediction_error = self.square(prediction, frame)
        perceptual = matching if self.matches else self._perceptual(frame, reconstruction, steps_done)
        if self.training:
            distortion = error + self.perceptual_weight * perceptual + self.adversarial_weight * adversarial
            after_flow = since(self.motion_from, steps_done)
            after_motion = since(self.prediction_from, steps_done)
            of_all = since(self.warm_up_steps, steps_done)
            loss = of_all * (self.weight * distortion + rate)
            loss = loss + (after_flow - after_motion) * (self.weight * warp_error + motion_rate)
            loss = loss + (after_motion - of_all) * (self.weight * prediction_error + motion_rate)
            if self.motion_from > 0:
                warped_by_flow = self.square(self.warp(reference, flow), frame)
                loss = loss + (1.0 - after_flow) * self.weight * warped_by_flow
        else:
            fixed = 0.0 if self.matches else self.perceptual_weight
            loss = self.weight * (error + fixed * perceptual) + rate
        return loss, error, perceptual, adversarial, warp_error, prediction_error, motion_rate, rate

    def _perceptual(self, frame: Tensor, reconstruction: Tensor, steps_done: Tensor) -> Tensor:
        """0 where it is not asked for, and before its stage in training, so that nothing is computed in vain."""
        distance = ops.zeros((), ms.float32)
        if self.perceptual is not None:
            begin = self.warm_up_steps if self.training else 0
            if steps_done >= begin:
                distance = self.perceptual(frame, reconstruction)
        return distance


class PerceptualDistance(Stage):
    """`feature_distance` of the features of a fixed network, which no checkpoint need hold."""

    def construct(self, frame: Tensor, reconstruction: Tensor) -> Tensor:
        theirs = self.network(ops.stop_gradient(frame))
        return feature_distance(self.network(reconstruction), theirs, frame)


def feature_distance(ours: Tensor, theirs: Tensor, pictures: Tensor) -> Tensor:
    """Euclidean distance of a whole batch's features, over the samples 3HW of a picture: a scalar, as published."""
    squares = ops.square(ours - ops.stop_gradient(theirs)).sum()
    return ops.sqrt(squares + _MIN_SQUARE) / (3 * pictures.shape[2] * pictures.shape[3])


def _perceptual(config: DvcpLossConfig) -> PerceptualDistance:
    if config.features is Features.vgg:
        return PerceptualDistance(trained_vgg(Path(config.vgg_file or "")))
    log.warning(
        "The perceptual distance is measured by a VGG-19 of fixed random weights (random_vgg), not by the published "
        "one: give loss.features=vgg loss.vgg_file=FILE to have that."
    )
    return PerceptualDistance(random_vgg(config.vgg_channels))
