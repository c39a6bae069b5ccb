"""Policies made for one purpose each: to run into the one thing that a single guard family stands against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.policy.chunk_maker import ChunkMaker
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.observation import Observation
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.scripted import ScriptedPolicy

__all__ = ["TAILORED"]

_ARRIVED_RAD = 0.02
_LEG_S = 3.0  # a leg that was held up this long gives way to the next one
_SEQ_GAP = 10_000  # chunks after the expert's are numbered from here

Rows = list[list[float]]


class Shuttle:
    """Runs between postures, straight in joint space, at a share of the speed limits."""

    def __init__(self, name: str, context: PolicyContext, postures: FloatArray, share: float) -> None:
        self.name = name
        self._maker = ChunkMaker(name, context)
        self._postures = postures
        self._speed = share * context.robot.limits.v_max
        gripper = context.robot.gripper
        self._width = gripper.max_width_m if gripper is not None else 0.0
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._maker.restart()
        self._leg = 0
        self._since_ns = 0

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The next stretch of the leg."""
        q, now_ns = np.asarray(observation.state.q_commanded), observation.stamp_ns
        goal = self._postures[self._leg % len(self._postures)]
        if np.abs(goal - q).max() < _ARRIVED_RAD or now_ns - self._since_ns > _LEG_S * 1e9:
            self._leg += 1
            self._since_ns = now_ns
            goal = self._postures[self._leg % len(self._postures)]
        took_s = float(np.abs((goal - q) / self._speed).max())
        share = np.minimum(self._maker.dt_s * np.arange(self._maker.steps) / max(took_s, 1e-9), 1.0)
        joints = np.asarray(q + share[:, None] * (goal - q))
        return self._maker.make(observation, joints, np.full(self._maker.steps, self._width))


class ExpertUntil:
    """The expert, until a phase is granted; from then on the tool runs straight to a place, the grip kept.

    Args:
        name: name of the policy.
        context: what a policy is built from.
        phase: phase of "pick" or "place" from which on it runs.
        offset: where to, from where the tool is when the phase begins, (x, y, z) [m].
        speed_m_s: how fast.
    """

    def __init__(
        self, name: str, context: PolicyContext, phase: str, offset: FloatArray, speed_m_s: float
    ) -> None:
        self.name = name
        self._expert = ScriptedPolicy(context)
        self._kinematics = ToolKinematics(context.robot)
        self._limits = context.robot.limits
        self._maker = ChunkMaker(name, context)
        self._phase = phase
        self._offset = offset
        self._speed_m_s = speed_m_s
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._expert.reset()
        self._maker.restart()
        self._maker._seq = _SEQ_GAP
        self._goal: FloatArray | None = None

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The expert's chunk before the phase, the straight line from then on."""
        if self._goal is None and observation.task.phase != self._phase:
            return self._expert.propose(observation)
        q = np.asarray(observation.state.q_commanded)
        if self._goal is None:
            self._goal = self._kinematics.tool_in_world(q).copy()
            self._goal[:3, 3] += self._offset
        gripper = observation.state.gripper
        width = 0.5 * gripper.width_m if gripper is not None else 0.0
        rows = self._line(q, self._goal)
        return self._maker.make(observation, rows, np.full(self._maker.steps, width))

    def _line(self, q: FloatArray, goal: FloatArray) -> FloatArray:
        start = self._kinematics.tool_in_world(q)
        way = goal[:3, 3] - start[:3, 3]
        length = float(np.linalg.norm(way))
        most = self._limits.v_max * self._maker.dt_s
        rows = [q]
        for k in range(1, self._maker.steps):
            here = goal.copy()
            share = min(1.0, k * self._speed_m_s * self._maker.dt_s / max(length, 1e-9))
            here[:3, 3] = start[:3, 3] + share * way
            step = self._kinematics.step_toward(rows[-1], here)[0] - rows[-1]
            rows.append(rows[-1] + step / max(1.0, float(np.abs(step / most).max())))
        return np.clip(np.array(rows), self._limits.q_min, self._limits.q_max)


def _wrist(context: PolicyContext, low: float, high: float) -> FloatArray:
    """Home with the last joint at `low` and at `high`, [rad]; it turns the hand and moves nothing else."""
    postures = np.stack([context.robot.home, context.robot.home])
    postures[:, -1] = low, high
    return postures


def _past_the_limit(context: PolicyContext) -> Policy:
    return Shuttle(
        "past_the_limit", context, _wrist(context, 0.0, context.robot.limits.q_max[-1] + 0.15), 0.5
    )


def _fast_wrist(context: PolicyContext) -> Policy:
    return Shuttle("fast_wrist", context, _wrist(context, -2.4, 2.4), 1.6)


def _jerky_wrist(context: PolicyContext) -> Policy:
    return Shuttle("jerky_wrist", context, _wrist(context, -0.5, 0.5), 1.0)


def _base_turn(context: PolicyContext) -> Policy:
    postures = np.stack([context.robot.home, context.robot.home])
    postures[:, 0] = -1.6, 1.6
    return Shuttle("base_turn", context, postures, 0.4)


def _between(name: str, share: float) -> Callable[[PolicyContext], Policy]:
    def build(context: PolicyContext) -> Policy:
        rows = _POSTURES[name][context.embodiment.tag]
        return Shuttle(name, context, np.array([*rows, context.robot.home]), share)

    return build


def _into_the_table(context: PolicyContext) -> Policy:
    return ExpertUntil("into_the_table", context, "carry", np.array([0.0, 0.0, -0.30]), 0.3)


def _hasty_lift(context: PolicyContext) -> Policy:
    return ExpertUntil("hasty_lift", context, "lift", np.array([0.0, 0.0, 0.20]), 0.5)


_POSTURES: dict[str, dict[str, Rows]] = {
    "fold": {  # the hand into the forearm; a wrist into the base
        "franka_panda": [[-0.42, 0.56, 0.18, -1.82, -0.86, 0.14, 2.8]],
        "ufactory_xarm6": [[-0.44, -1.82, 0.11, 1.91, -0.49, 1.88]],
    },
    "stretch": {  # the tool inside the keep-in zone, the hand across the border of the keep-out zone
        "franka_panda": [[-0.26, 0.81, -0.22, -1.2, 0.21, 2.05, -1.37]],
        "ufactory_xarm6": [[-0.17, 0.53, -1.9, 0.0, 1.34, -1.73]],
    },
    "swing": {  # from side to side high above everything, the arm far out
        "franka_panda": [
            [-0.6, 0.31, 0.0, -0.94, 0.0, 1.24, 0.79],
            [0.6, 0.31, 0.0, -0.94, 0.0, 1.24, 0.79],
        ],
        "ufactory_xarm6": [[-0.6, -0.03, -1.92, 0.0, 1.95, 0.0], [0.6, -0.03, -1.92, 0.0, 1.95, 0.0]],
    },
}
"""Where to run, by policy and embodiment; found by random search: the way from home is clear of all else."""

TAILORED: dict[str, Callable[[PolicyContext], Policy]] = {
    "base_turn": _base_turn,
    "fast_wrist": _fast_wrist,
    "fold": _between("fold", 0.5),
    "hasty_lift": _hasty_lift,
    "into_the_table": _into_the_table,
    "jerky_wrist": _jerky_wrist,
    "past_the_limit": _past_the_limit,
    "stretch": _between("stretch", 0.3),
    "swing": _between("swing", 1.0),
}
"""Factories by name; none is registered anywhere."""
