"""Whether cells take the forms that suit a card, where they can compute in more than one way.

On a processor all stays as it is. Networks that other runtimes are to compute (`core.nn.standard`) take no such form,
whose operators only MindSpore may have.
"""

from __future__ import annotations

from core.nn import standard

target = "CPU"
"""MindSpore's name of the device; read when cells are built, and again when they are compiled."""


def compute_on(device: str) -> None:
    """Decide for the networks that are built and compiled from now on."""
    global target
    target = device


def on_ascend() -> bool:
    """Whether the forms for Ascend cards are to be taken."""
    return target == "Ascend" and not standard.is_wanted


def on_card() -> bool:
    """Whether the forms for any card are to be taken."""
    return target != "CPU" and not standard.is_wanted
