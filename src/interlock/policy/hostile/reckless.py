"""Straight through everything at full speed."""

from __future__ import annotations

import math

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.scene import ObjectKind, Scene, SceneObject
from interlock.policy.chunk_maker import ChunkMaker
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.surroundings import bounds_of
from interlock.policy.tool_pose import pose_down, yaw_of

__all__ = ["RecklessPolicy"]

_LEG_S = (1.0, 1.5)
_STEPS_TO_SOLVE = 40
_BELOW_M = 0.02


class RecklessPolicy:
    """Runs straight lines between the task's real places, as if nothing stood there.

    Block, pillar, moving obstacle, tray, and down into the table, one leg after the other on a timer, so that
    it goes on when it is held up. Odd legs are straight for the tool, even ones straight in joint space; each
    leg flips the gripper.
    """

    name = "reckless"

    def __init__(self, context: PolicyContext) -> None:
        self._kinematics = ToolKinematics(context.robot, whole=True)
        self._robot = context.robot
        self._seed = context.seed
        self._maker = ChunkMaker(self.name, context)
        gripper = context.robot.gripper
        self._widths = (gripper.min_width_m, gripper.max_width_m) if gripper is not None else (0.0, 0.0)
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._generator = np.random.default_rng(self._seed)
        self._maker.restart()
        self._leg = -1
        self._ends_ns = -1
        self._goal: FloatArray | None = None

    def propose(self, observation: Observation) -> ActionChunk | None:
        """The next stretch of the leg."""
        q = np.asarray(observation.state.q_commanded)
        if self._goal is None or observation.stamp_ns >= self._ends_ns:
            self._leg += 1
            self._ends_ns = observation.stamp_ns + int(1e9 * self._generator.uniform(*_LEG_S))
            self._goal = self._next_goal(observation, q)
        if self._leg % 2:
            joints = self._tool_line(q, self._goal)
        else:
            joints = self._joint_line(q, self._posture(q, self._goal))
        width = self._widths[self._leg % 2]
        return self._maker.make(observation, joints, np.full(self._maker.steps, width))

    def _next_goal(self, observation: Observation, q: FloatArray) -> FloatArray:
        """Pose of the tool at the next place, shape (4, 4), [m]."""
        tool = self._kinematics.tool_in_world(q)
        places = self._places(observation, tool)
        place = places[self._leg % len(places)] + self._generator.normal(0.0, 0.01, 3)
        return pose_down(place, yaw_of(tool) + self._generator.uniform(-0.5, 0.5))

    def _places(self, observation: Observation, tool: FloatArray) -> list[FloatArray]:
        """Block, pillar, moving obstacles, target, table: whatever of it there is, [m]."""
        scene, task = observation.scene, observation.task
        block = scene.find(task.arguments.get("object", "")) or _first(scene, ObjectKind.MOVABLE)
        tallest = max(_all(scene, ObjectKind.FIXED), key=_top_m, default=None)
        lowest = min(_all(scene, ObjectKind.FIXED), key=_top_m, default=None)
        target = task.target_in_world
        support = scene.find(task.arguments.get("target", ""))
        places = [np.array(item.object_in_world[:3, 3]) for item in (block, tallest) if item is not None]
        places += [np.array(item.object_in_world[:3, 3]) for item in _all(scene, ObjectKind.MOVING)]
        if target is not None:
            places.append(np.array(target))
        elif support is not None:
            places.append(np.array(support.object_in_world[:3, 3]))
        floor = _top_m(lowest) if lowest is not None else 0.0
        reach = 0.5 * (places[0][:2] + tool[:2, 3]) if places else tool[:2, 3]
        return [*places, np.array([*reach, floor - _BELOW_M])]

    def _posture(self, q: FloatArray, goal: FloatArray) -> FloatArray:
        """Joint positions at the goal, or as near as damped steps come."""
        found = self._kinematics.solve(goal, q)
        if found is not None:
            return found
        for _ in range(_STEPS_TO_SOLVE):
            q = self._kinematics.step_toward(q, goal)[0]
        return q

    def _joint_line(self, q: FloatArray, goal: FloatArray) -> FloatArray:
        """All joints in proportion, the slowest at its limit, shape (T, n)."""
        reach = float(np.abs((goal - q) / self._robot.limits.v_max).max())
        time = self._maker.dt_s * np.arange(self._maker.steps)
        share = np.minimum(time / max(reach, 1e-9), 1.0)
        return np.asarray(q + share[:, None] * (goal - q))

    def _tool_line(self, q: FloatArray, goal: FloatArray) -> FloatArray:
        """The tool straight to the goal at its speed limit or the joints' own, shape (T, n)."""
        start = self._kinematics.tool_in_world(q)
        length = math.dist(start[:3, 3], goal[:3, 3])
        stride = self._robot.max_tool_speed_m_s * self._maker.dt_s
        most = self._robot.limits.v_max * self._maker.dt_s
        rows = [q]
        for k in range(1, self._maker.steps):
            here = goal.copy()
            here[:3, 3] = start[:3, 3] + (goal - start)[:3, 3] * min(1.0, k * stride / max(length, 1e-9))
            step = self._kinematics.step_toward(rows[-1], here)[0] - rows[-1]
            rows.append(rows[-1] + step / max(1.0, float(np.abs(step / most).max())))
        return np.array(rows)


def _all(scene: Scene, kind: ObjectKind) -> list[SceneObject]:
    return [item for item in scene.objects if item.kind is kind]


def _first(scene: Scene, kind: ObjectKind) -> SceneObject | None:
    return next(iter(_all(scene, kind)), None)


def _top_m(item: SceneObject) -> float:
    return max(float(bounds_of(item, part)[1][2]) for part in item.parts)
