"""From a channel's unit to the model's numbers and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.errors import CheckpointError

__all__ = ["MIN_SPREAD", "ChannelScale"]

MIN_SPREAD = 1e-4
"""Least q99 − q01, [rad] or [m]. Below it noise of the recording would be blown up to full scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelScale:
    """What one channel was seen to do.

    Attributes:
        name: the channel.
        unit: its unit, "rad" or "m".
        q01: 1st percentile, in that unit.
        q99: 99th percentile.
        constant: the value it always had, declared by whoever made the data; None if it moves.
    """

    name: str
    unit: str
    q01: float
    q99: float
    constant: float | None

    def __post_init__(self) -> None:
        numbers = (self.q01, self.q99, 0.0 if self.constant is None else self.constant)
        if not all(math.isfinite(number) for number in numbers):
            raise CheckpointError(
                "must be finite",
                field=f"statistics.{self.name}",
                value=numbers,
                mend="Declare a finite constant, or make the statistics again.",
            )
        spread = self.q99 - self.q01
        if self.constant is None and spread < MIN_SPREAD:
            raise CheckpointError(
                f"q99 − q01 is below {MIN_SPREAD:g} {self.unit}",
                field=f"statistics.{self.name}",
                value=spread,
                mend="Declare the channel constant, or record data in which it moves.",
            )
        if self.constant is not None and not self._stays_at(self.constant):
            raise CheckpointError(
                f"is declared constant at {self.constant:g} but was seen elsewhere",
                field=f"statistics.{self.name}",
                value=(self.q01, self.q99),
                mend="Mend the declaration or take it away.",
            )

    def _stays_at(self, value: float) -> bool:
        return max(abs(self.q01 - value), abs(self.q99 - value)) < MIN_SPREAD

    @property
    def middle(self) -> float:
        """What becomes 0, in the channel's unit."""
        return 0.5 * (self.q01 + self.q99) if self.constant is None else self.constant

    @property
    def half_range(self) -> float:
        """What becomes 1, counted from the middle; 0 for a constant, so that any output gives it."""
        return 0.5 * (self.q99 - self.q01) if self.constant is None else 0.0
