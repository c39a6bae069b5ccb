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
        self._seed = context.seed
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._generator = np.random.default_rng(self._seed)
        self._source.restart()

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The expert's chunk, poisoned."""
        chunk = self._source.chunk(observation)
        samples = chunk.samples.copy()
        flat = samples.reshape(-1)
        places = self._generator.choice(flat.size, size=self._generator.integers(1, _MOST), replace=False)
        flat[places] = self._generator.choice(_POISON, size=len(places))
        flat[places[0]] = np.nan
        return replace(chunk, samples=samples)
