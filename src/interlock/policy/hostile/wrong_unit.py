"""Degrees where radians belong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interlock.hal.chunk import ActionChunk
from interlock.policy.hostile.expert_like import ExpertLike
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext

__all__ = ["WrongUnitPolicy"]


class WrongUnitPolicy:
    """The expert's chunks in degrees and millimetres."""

    name = "wrong_unit"

    def __init__(self, context: PolicyContext) -> None:
        self._source = ExpertLike(self.name, context)
        self._factors = np.array(
            [180.0 / np.pi if channel.unit == "rad" else 1000.0 for channel in context.embodiment.channels]
        )

    def reset(self) -> None:
        """Forget the last run."""
        self._source.restart()

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The expert's chunk times the factors."""
        chunk = self._source.chunk(observation)
        return replace(chunk, samples=chunk.samples * self._factors)
