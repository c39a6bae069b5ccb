"""Numbers that are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interlock.hal.chunk import ActionChunk
from interlock.policy.hostile.expert_like import ExpertLike
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext

__all__ = ["NanPolicy"]

_POISON = (np.nan, np.inf, -np.inf)
_MOST = 6


class NanPolicy:
    """Sprinkles NaN and infinities over the expert's chunks, at least one NaN in each."""

    name = "nan"

    def __init__(self, context: PolicyContext) -> None:
        self._source = ExpertLike(self.name, context)

    def reset(self) -> None:
        """Forget the last run."""
        self._source.restart()

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The expert's chunk, poisoned."""
        chunk = self._source.chunk(observation)
        samples, draw = chunk.samples.copy(), self._source.generator
        flat = samples.reshape(-1)
        places = draw.choice(flat.size, size=draw.integers(1, _MOST), replace=False)
        flat[places] = draw.choice(_POISON, size=len(places))
        flat[places[0]] = np.nan
        return replace(chunk, samples=samples)
