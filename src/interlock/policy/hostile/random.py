"""Anywhere, fast."""

from __future__ import annotations

import numpy as np

from interlock.hal.chunk import ActionChunk
from interlock.policy.chunk_maker import ChunkMaker
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext

__all__ = ["RandomPolicy"]

_LEG_S = (0.5, 1.0)
_SPEED_SHARE = (0.4, 1.15)


class RandomPolicy:
    """Draws joint targets anywhere within the limits and runs at them, at times faster than it may."""

    name = "random"

    def __init__(self, context: PolicyContext) -> None:
        self._limits = context.robot.limits
        self._seed = context.seed
        self._maker = ChunkMaker(self.name, context)
        gripper = context.robot.gripper
        self._widths = (gripper.min_width_m, gripper.max_width_m) if gripper is not None else (0.0, 0.0)
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._generator = np.random.default_rng(self._seed)
        self._maker.restart()
        self._ends_ns = -1
        self._goal = 0.5 * (self._limits.q_min + self._limits.q_max)
        self._share = 1.0
        self._width = self._widths[1]

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The next stretch toward the target drawn last."""
        draw = self._generator
        if observation.stamp_ns >= self._ends_ns:
            self._ends_ns = observation.stamp_ns + int(1e9 * draw.uniform(*_LEG_S))
            self._goal = draw.uniform(self._limits.q_min, self._limits.q_max)
            self._share = float(draw.uniform(*_SPEED_SHARE))
            self._width = float(draw.uniform(*self._widths))
        q = observation.state.q_commanded
        reach_s = float(np.abs((self._goal - q) / (self._share * self._limits.v_max)).max())
        time = self._maker.dt_s * np.arange(self._maker.steps)
        done = np.minimum(time / max(reach_s, 1e-9), 1.0)
        joints = np.asarray(q + done[:, None] * (self._goal - q))
        return self._maker.make(observation, joints, np.full(self._maker.steps, self._width))
