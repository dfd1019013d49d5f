"""The training loss of DCVC: which part learns from what at which step."""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn

from core.nn import Warp
from core.training import RateDistortionLoss, since

from .cells import Costs, Pair
from .config import DcvcLossConfig


class DcvcLoss(nn.Cell):
    """lmbda * distortion + rate, after stages in which parts of it count alone.

    ``construct(frame, reference, reconstruction, flows, costs, steps_done)``: frame and reference, N,3,H,W in [0,1],
    what `Dcvc` gives for them, and the number of steps before this one. Returns the scalars that ``outputs`` names:
    the loss, the distortion on the scale of [0,1], the mean squared error of the reference under the decoded motion,
    and bits per pixel, of motion and of all. In evaluation the loss is lmbda * distortion + rate. In training there
    are stages, one after another (`DcvcLossConfig` has their lengths):

    - flow: only the flow learns, from how well it warps the reference, not coded;
    - motion: lmbda * error of the warped reference + rate of the motion;
    - distortion: lmbda * distortion; no gradient passes to the motion, in the next stage as well;
    - content: lmbda * distortion + rate of the content, which grows to its full weight over ``rate_ramp`` steps;
    - all: lmbda * distortion + rate.
    """

    def __init__(self, config: DcvcLossConfig) -> None:
        super().__init__()
        self.rate_distortion = RateDistortionLoss(config)
        self.weight = self.rate_distortion.weight
        phases = config.phases
        self.motion_from, self.warm_up_steps = phases["motion"], phases["distortion"]
        self.content_from, self.all_from = phases["content"], phases["all"]
        self.rate_ramp = max(config.rate_ramp, 1)
        self.square = nn.MSELoss()
        self.warp = Warp()
        _, distortion, bpp = self.rate_distortion.outputs
        self.outputs = ("loss", distortion, "warp_mse", "motion_bpp", bpp)

    def construct(
        self,
        frame: Tensor,
        reference: Tensor,
        reconstruction: Tensor,
        flows: Pair,
        costs: Costs,
        steps_done: Tensor,
    ) -> tuple[Tensor, ...]:
        flow, motion = flows
        pixels = frame.shape[0] * frame.shape[2] * frame.shape[3]
        motion_rate, content_rate = (costs[0] + costs[1]) / pixels, (costs[2] + costs[3]) / pixels
        loss, distortion, rate = self.rate_distortion(
            frame.expand_dims(1), reconstruction.expand_dims(1), costs[0] + costs[1] + costs[2] + costs[3]
        )
        warp_error = self.square(self.warp(reference, motion), frame)
        if self.training:
            of_flow, of_motion, after = self._shares(steps_done)
            weighted = self.weight * distortion + self._content_share(steps_done) * content_rate
            loss = of_motion * (self.weight * warp_error + motion_rate) + after * weighted
            loss = loss + self.motion_learns(steps_done) * motion_rate
            if self.motion_from > 0:
                loss = loss + of_flow * self.weight * self.square(self.warp(reference, flow), frame)
        return loss, distortion, warp_error, motion_rate, rate

    def motion_learns(self, steps_done: Tensor) -> Tensor:
        """1 where the content's loss moves the motion as well, else 0."""
        return since(self.all_from, steps_done)

    def _shares(self, steps_done: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """1 for the phase that the step belongs to, of flow, motion and all that follows, else 0."""
        after_flow, after = since(self.motion_from, steps_done), since(self.warm_up_steps, steps_done)
        return 1.0 - after_flow, after_flow - after, after

    def _content_share(self, steps_done: Tensor) -> Tensor:
        """Weight of the content's rate."""
        steps = (steps_done - self.content_from).astype(ms.float32)
        return ms.ops.clamp((steps + 1.0) / self.rate_ramp, 0.0, 1.0)
