"""How unlike successful rollouts a question is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Two views of one question, each in units of the largest value that is usual in a successful rollout.

    Attributes:
        spread: how far the samples lie apart.
        distance: how far the embedding is from those of its stage.
    """

    spread: float
    distance: float

    @property
    def total(self) -> float:
        """The larger of both; NaN if either is."""
        return float(np.maximum(self.spread, self.distance))
