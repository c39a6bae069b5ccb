"""What several hostile policies start from: the expert's chunk, or the arm held where it is."""

from __future__ import annotations

import numpy as np

from interlock.hal.chunk import ActionChunk
from interlock.policy.chunk_maker import ChunkMaker
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.scripted import ScriptedPolicy

__all__ = ["ExpertLike"]


class ExpertLike:
    """The expert, except that it always has something to say.

    Attributes:
        generator: numbers to spoil its chunks with; each run draws the same.
    """

    def __init__(self, name: str, context: PolicyContext) -> None:
        self._expert = ScriptedPolicy(context)
        self._maker = ChunkMaker(name, context)
        self._seed = context.seed
        self.generator = np.random.default_rng(self._seed)

    def restart(self) -> None:
        """Forget the last run."""
        self._expert.reset()
        self._maker.restart()
        self.generator = np.random.default_rng(self._seed)

    def chunk(self, observation: Observation) -> ActionChunk:
        """The expert's chunk under this policy's name; where it would wait, the commanded posture held."""
        state = observation.state
        proposed = self._expert.propose(observation)
        if proposed is not None:
            return self._maker.adopt(proposed)
        width = state.gripper.width_m if state.gripper is not None else 0.0
        held = np.repeat(state.q_commanded[None], self._maker.steps, axis=0)
        return self._maker.make(observation, held, np.full(self._maker.steps, width))
