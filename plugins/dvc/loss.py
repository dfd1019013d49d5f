"""The training loss of DVC, and what it asks of the network at which step."""

from __future__ import annotations

from mindspore import Tensor, nn

from core.nn import Warp
from core.training import RateDistortionLoss, since

from .cells import Costs, Intermediates
from .config import DvcLossConfig


class DvcLoss(nn.Cell):
    """lmbda * (distortion + w * (error of the warped reference + error of the prediction)) + rate (section 3.6).

    ``construct(frame, reference, reconstruction, parts, costs, steps_done)``: frame and reference, N,3,H,W in [0,1],
    what `Dvc` gives for them, and the number of steps before this one. Returns the scalars that ``outputs`` names: the
    loss, the distortion on the scale of [0,1], mean squared errors of warped reference and prediction, and bits per
    pixel, of motion and of all. In evaluation the loss is lmbda * distortion + rate. In training,

    - w is ``warp_weight`` for the first ``warp_steps`` steps, then 0;
    - for the first ``flow_steps`` steps only the flow learns, from how well it warps the reference, not coded;
    - for the next ``motion_steps`` steps the loss is lmbda * (both errors) + rate of the motion: flow, its coding and
      the refinement learn.
    """

    def __init__(self, config: DvcLossConfig) -> None:
        super().__init__()
        self.rate_distortion = RateDistortionLoss(config)
        self.weight = self.rate_distortion.weight
        self.warp_weight, self.warp_steps = config.warp_weight, config.warp_steps
        self.motion_from, self.warm_up_steps = config.phases["motion"], config.phases["all"]
        self.square = nn.MSELoss()
        self.warp = Warp()
        _, distortion, bpp = self.rate_distortion.outputs
        self.outputs = ("loss", distortion, "warp_mse", "prediction_mse", "motion_bpp", bpp)

    def construct(
        self,
        frame: Tensor,
        reference: Tensor,
        reconstruction: Tensor,
        parts: Intermediates,
        costs: Costs,
        steps_done: Tensor,
    ) -> tuple[Tensor, ...]:
        flow, warped, prediction = parts
        motion_bits, residual_bits, hyper_bits = costs
        loss, distortion, rate = self.rate_distortion(
            frame.expand_dims(1), reconstruction.expand_dims(1), motion_bits + residual_bits + hyper_bits
        )
        warp_error, prediction_error = self.square(warped, frame), self.square(prediction, frame)
        motion_rate = motion_bits / (frame.shape[0] * frame.shape[2] * frame.shape[3])
        if self.training:
            errors = self.weight * (warp_error + prediction_error)
            of_flow, of_motion, of_all, of_errors = self._shares(steps_done)
            loss = of_all * loss + of_motion * (errors + motion_rate) + of_errors * errors
            if self.motion_from > 0:
                loss = loss + of_flow * self.weight * self.square(self.warp(reference, flow), frame)
        return loss, distortion, warp_error, prediction_error, motion_rate, rate

    def _shares(self, steps_done: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """1 for the phase that the step belongs to, of flow, motion and all, else 0; then w."""
        after_flow, of_all = since(self.motion_from, steps_done), since(self.warm_up_steps, steps_done)
        helped = 1.0 - since(self.warp_steps, steps_done)
        return 1.0 - after_flow, after_flow - of_all, of_all, of_all * helped * self.warp_weight
