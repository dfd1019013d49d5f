"""A training step of DVC-P in its last stage on both sides: an update of the codec and one of the discriminator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from inter_sides import Case, OurStep, PeerStep

if TYPE_CHECKING:
    from mindspore import Parameter

_LAST_STAGE = "loss.stages.scale=1e-6"
"""All stages have begun at the first step."""
_PREFIX = "discriminator."


class OurGanStep(OurStep):
    """The training step that ``task=train`` runs, in graph mode."""

    def __init__(self, case: Case) -> None:
        super().__init__(replace(case, words=(*case.words, _LAST_STAGE)))
        _set_weights(p for p in self.cell.get_parameters() if p.name.startswith(_PREFIX))


def _set_weights(parameters: Iterable[Parameter]) -> None:
    import recipe_dvcp
    from mindspore import Tensor

    named = {parameter.name.removeprefix(_PREFIX): parameter for parameter in parameters}
    weights = recipe_dvcp.discriminator_weights({name: p.shape for name, p in named.items()})
    for name, parameter in named.items():
        parameter.set_data(Tensor(weights[name]))


class PeerGanStep(PeerStep):
    """The same, eager."""

    def __init__(self, case: Case) -> None:
        super().__init__(replace(case, words=(*case.words, _LAST_STAGE)))
        import recipe_dvcp
        import torch
        import torch_dvcp_training as training

        settings = self.run.settings
        self.discriminator = training.Discriminator(settings.step.discriminator.channels)
        shapes = {name: tuple(p.shape) for name, p in self.discriminator.named_parameters()}
        weights = recipe_dvcp.discriminator_weights(shapes)
        for name, parameter in self.discriminator.named_parameters():
            parameter.data.copy_(torch.from_numpy(weights[name]))
        self.vgg = training.RandomVgg(settings.loss.vgg_channels)
        self.discriminator_optimizer = torch.optim.Adam(
            self.discriminator.parameters(), settings.step.discriminator_lr
        )

    def __call__(self) -> list[np.ndarray]:
        import torch_dvcp_training as training

        frame, settings = self.pictures[0], self.run.settings
        coded = self.network(*self.pictures)
        loss = training.codec_loss(coded, frame, self.vgg, self.discriminator, settings.loss)
        self.update(loss)
        of_discriminator = training.discriminator_loss(self.discriminator, frame, coded.reconstruction)
        self.discriminator_optimizer.zero_grad()
        of_discriminator.backward()
        self.discriminator_optimizer.step()
        return [loss.detach().numpy(), of_discriminator.detach().numpy()]
