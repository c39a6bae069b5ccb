"""What questions of one stage of a task look like in successful rollouts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.errors import CheckpointError
from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["Stage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One skill in one phase.

    Attributes:
        mean: mean embedding, shape (D,), without unit.
        spread: root mean square of the samples' standard deviation, shape (C,), channel units.
        units: the largest spread and the largest distance that are usual in a rollout, shape (2,), positive.
    """

    mean: FloatArray
    spread: FloatArray
    units: FloatArray

    def __post_init__(self) -> None:
        for name, length in (("mean", None), ("spread", None), ("units", 2)):
            array = frozen_array(getattr(self, name), (length,), f"stage.{name}")
            if not (len(array) and np.isfinite(array).all()):
                raise CheckpointError("must be finite", field=f"stage.{name}", mend="Calibrate again.")
            object.__setattr__(self, name, array)
        if not ((self.spread >= 0.0).all() and (self.units > 0.0).all()):
            raise CheckpointError(
                "a spread is negative, or a unit is not positive: samples or embeddings do not vary",
                field="stage",
                mend="Calibrate with two samples or more and with more varied episodes.",
            )

    def spread_of(self, spread: FloatArray) -> float:
        """Root mean square over the channels, each in its usual spread; one that never moved must not.

        Args:
            spread: of a question, shape (C,), channel units.
        """
        moves = self.spread > 0.0
        if not (spread[~moves] == 0.0).all():
            return np.inf
        shares = spread[moves] / self.spread[moves]
        return float(np.sqrt(np.mean(shares**2))) if len(shares) else 0.0
