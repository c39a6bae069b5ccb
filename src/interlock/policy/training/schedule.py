"""How the learning rate goes over the steps of a stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.errors import BadInputError

__all__ = ["Schedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A linear rise, then half a cosine down (Loshchilov and Hutter 2017, without restarts).

    Attributes:
        peak: largest learning rate.
        steps: number of steps.
        warmup: steps of the rise.
        last: learning rate after the last step, as a share of the peak.
    """

    peak: float
    steps: int
    warmup: int
    last: float = 0.05

    def __post_init__(self) -> None:
        for field, good, mend in (
            ("peak", math.isfinite(self.peak) and self.peak > 0.0, "Give a positive number."),
            ("steps", self.steps > 0, "Give at least one step."),
            ("warmup", 0 <= self.warmup <= self.steps, "Give at most as many steps as the stage has."),
            ("last", 0.0 <= self.last <= 1.0, "Give a share from 0 to 1."),
        ):
            if not good:
                raise BadInputError(
                    "is no learning-rate schedule",
                    field=f"schedule.{field}",
                    value=getattr(self, field),
                    mend=mend,
                )

    def at(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        left = max(1, self.steps - self.warmup)
        share = min(1.0, (step - self.warmup) / left)
        return self.peak * (self.last + (1.0 - self.last) * 0.5 * (1.0 + math.cos(math.pi * share)))
