"""To and fro."""

from __future__ import annotations

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.policy.chunk_maker import ChunkMaker
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext

__all__ = ["OscillatingPolicy"]

_AMPLITUDE_RAD = 0.3
_RATE_HZ = (1.0, 3.0)
_DRIFT_RAD_S = 0.15
_SPREAD_RAD = 0.9


class OscillatingPolicy:
    """Throws every joint 0.3 rad to and fro in square waves, around a drifting centre."""

    name = "oscillating"

    def __init__(self, context: PolicyContext) -> None:
        self._limits = context.robot.limits
        self._home = context.robot.home
        self._seed = context.seed
        self._maker = ChunkMaker(self.name, context)
        gripper = context.robot.gripper
        self._width = gripper.max_width_m if gripper is not None else 0.0
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        draw = np.random.default_rng(self._seed)
        self._generator = draw
        self._maker.restart()
        self._rates = draw.uniform(*_RATE_HZ, size=len(self._home))
        self._phases = draw.uniform(0.0, 1.0, size=len(self._home))
        self._centre: FloatArray | None = None
        self._goal: FloatArray = self._home
        self._seen_ns = 0

    def propose(self, observation: Observation) -> ActionChunk | None:
        """Square waves around the centre, which has drifted on since the last observation."""
        now_ns = observation.stamp_ns
        if self._centre is None:
            self._centre = observation.state.q_commanded.copy()
        else:
            self._drift(1e-9 * (now_ns - self._seen_ns))
        self._seen_ns = now_ns
        time = 1e-9 * now_ns + self._maker.dt_s * np.arange(self._maker.steps)[:, None]
        high = (time * self._rates + self._phases) % 1.0 < 0.5
        joints = self._centre + np.where(high, _AMPLITUDE_RAD, -_AMPLITUDE_RAD)
        joints = np.clip(joints, self._limits.q_min, self._limits.q_max)
        return self._maker.make(observation, joints, np.full(self._maker.steps, self._width))

    def _drift(self, elapsed_s: float) -> None:
        """Move the centre toward a posture drawn around home; once there, draw another."""
        if self._centre is None:
            return
        left = self._goal - self._centre
        if float(np.abs(left).max()) < 0.05:
            drawn = self._home + self._generator.uniform(-_SPREAD_RAD, _SPREAD_RAD, len(self._home))
            self._goal = np.clip(drawn, self._limits.q_min, self._limits.q_max)
            left = self._goal - self._centre
        reach = _DRIFT_RAD_S * elapsed_s
        self._centre = self._centre + np.clip(left, -reach, reach)
