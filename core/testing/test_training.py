"""The plugin's networks learn: every parameter gets a gradient, and the loss on a fixed batch falls."""

from __future__ import annotations

import math

from core.testing.cases import Case

AT_THE_END = 5
"""Steps whose mean is compared with the first: the losses of codecs are noisy."""


def test_a_gradient_reaches_every_trainable_parameter(trained: Case) -> None:
    """Adam moves what gets a gradient, and only that."""
    assert trained.training.unmoved == []


def test_the_loss_on_a_fixed_batch_falls(trained: Case) -> None:
    """By the plugin's own step and loss."""
    losses = trained.training.losses
    assert all(map(math.isfinite, losses)), losses
    assert sum(losses[-AT_THE_END:]) / AT_THE_END < losses[0], losses
