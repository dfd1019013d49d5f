"""The progress of a training: what its callbacks share and a checkpoint keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from core.records import AnyFloat, Count, decode_record


@dataclass
class _Progress:
    """The part of a `TrainingState` that a resumed run takes over."""

    step: Count
    losses: dict[str, AnyFloat]
    best: AnyFloat | None
    best_step: Count
    stale: Count
    history: list[dict[str, AnyFloat]]


PROGRESS = tuple(_Progress.__annotations__)


@dataclass
class TrainingState:
    """Progress of one training."""

    total_steps: int
    steps_per_epoch: int
    seed: int
    step: int = 0
    """Steps done."""
    losses: dict[str, float] = field(default_factory=dict)
    """Named outputs of the last step; the first is the loss."""
    best: float | None = None
    """Best validation score so far."""
    best_step: int = 0
    stale: int = 0
    """Validations since the best one."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Every validation: its step and values."""

    def record(self) -> dict[str, Any]:
        """The state as plain data, for a checkpoint or ``metrics.json``."""
        return asdict(self)

    def restore(self, record: dict[str, Any]) -> None:
        """Go on from a record; the length of the run is the new settings' affair. Raises `RecordError`."""
        kept = decode_record(_Progress, {name: record[name] for name in PROGRESS if name in record})
        for name in PROGRESS:
            setattr(self, name, getattr(kept, name))

    def is_over(self, patience: int) -> bool:
        """Whether the run is over: all steps are done, or ``patience`` (0: none) ran out."""
        return self.step >= self.total_steps or 0 < patience <= self.stale

    def note(self, values: dict[str, float]) -> None:
        """Keep a validation."""
        self.history.append({"step": self.step, **values})

    def judge(self, values: dict[str, float], score: float) -> bool:
        """Note a validation and whether its score (higher is better) is the best so far."""
        self.note(values)
        if self.best is not None and score <= self.best:
            self.stale += 1
            return False
        self.best, self.best_step, self.stale = score, self.step, 0
        return True
