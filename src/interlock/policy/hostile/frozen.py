"""The same again."""

from __future__ import annotations

from interlock.hal.chunk import ActionChunk
from interlock.policy.hostile.expert_like import ExpertLike
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext

__all__ = ["FrozenPolicy"]


class FrozenPolicy:
    """Says one thing, the expert's first chunk, and says it for ever, bit for bit."""

    name = "frozen"

    def __init__(self, context: PolicyContext) -> None:
        self._source = ExpertLike(self.name, context)
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._source.restart()
        self._chunk: ActionChunk | None = None

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The first chunk, whatever the observation."""
        if self._chunk is None:
            self._chunk = self._source.chunk(observation)
        return self._chunk
