"""Yesterday's news."""

from __future__ import annotations

from dataclasses import replace

from interlock.hal.chunk import ActionChunk
from interlock.policy.hostile.expert_like import ExpertLike
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext

__all__ = ["StalePolicy"]

_AGE_S = (1.0, 5.0)


class StalePolicy:
    """Offers the expert's chunks as made from observations seconds old, and numbers them in threes."""

    name = "stale"

    def __init__(self, context: PolicyContext) -> None:
        self._source = ExpertLike(self.name, context)

    def reset(self) -> None:
        """Forget the last run."""
        self._source.restart()

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The expert's chunk with old stamps."""
        chunk = self._source.chunk(observation)
        age_ns = int(1e9 * self._source.generator.uniform(*_AGE_S))
        made_ns = observation.stamp_ns - age_ns
        return replace(chunk, seq=chunk.seq - chunk.seq % 3, t_obs_ns=made_ns, t_ready_ns=made_ns)
