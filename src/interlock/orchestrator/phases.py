"""Which phase of a task is granted now: by measured conditions, never by a policy's word."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.bounds import shape_bounds
from interlock.hal.phase import FELT_N, AllowedContact, Phase
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import Box, Scene, SceneObject
from interlock.hal.state import RobotState
from interlock.orchestrator.press_watch import PressWatch
from interlock.planners.library import SKILLS
from interlock.planners.plan import Task
from interlock.planners.skill import FINGERS, Holding, PhaseSpec

__all__ = ["PhaseTracker", "Progress", "TaskState", "support_of"]

_LATERAL_M = 0.03
_SLOW_M_S = 0.09
_LIFT_M = 0.08
_RELEASED_M = 0.01
_AT_HOME_RAD = 0.03
_AT_POINT_M = 0.02
_WITH_POINT = frozenset({"place", "push", "reach"})
_STANDS_M = 0.004  # risen so far in the hand, the object stands on what is under it
_PRESSED_M = 0.006  # and so far, nobody should press on
_LOST_TICKS = 20  # a grasp must be missing this long before it counts as lost

Tool = Callable[[FloatArray], FloatArray]
"""Position of the TCP in the world, (3,) [m], from joint positions (n,) [rad]."""

Hand = Callable[[FloatArray], FloatArray]
"""Pose of what carries the tool in the world, (4, 4), from joint positions."""

Speed = Callable[[FloatArray, FloatArray], float]
"""Speed of the TCP, [m/s], from joint positions and velocities."""


class TaskState(StrEnum):
    """How a task stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The phase in force and how the task stands; `reason` says why it failed."""

    phase: Phase
    state: TaskState
    reason: str = ""


class PhaseTracker:
    """Follows one task through its phases."""

    def __init__(
        self,
        task: Task,
        robot: RobotSpec,
        scene: Scene,
        now_ns: int,
        *,
        tool: Tool,
        speed: Speed,
        hand: Hand,
    ) -> None:
        self._task = task
        self._robot = robot
        self._specs = SKILLS[task.skill].phases
        self._index = 0
        self._since_ns = now_ns
        self._tool = tool
        self._speed = speed
        self._lost = 0
        self._object = task.arguments.get("object")
        self._target = task.arguments.get("target")
        self._support = support_of(self._object, scene)
        thing = scene.find(self._object) if self._object else None
        self._start_z = float(thing.object_in_world[2, 3]) if thing is not None else 0.0
        self._width = _grasp_width(thing) if thing is not None else 0.0
        self._released_z = 0.0
        self._hand = hand
        self._press = PressWatch()

    def update(self, state: RobotState, scene: Scene, now_ns: int) -> Progress:
        """Look at what is measured and say which phase is in force."""
        spec = self._specs[self._index]
        failed = self._lost_grasp(spec, state)
        if failed:
            return Progress(phase=self._phase(now_ns), state=TaskState.FAILED, reason=failed)
        self._watch_press(spec, state, scene)
        if self._ended(spec, state, scene):
            if self._index + 1 == len(self._specs):
                return Progress(phase=self._phase(now_ns), state=TaskState.DONE)
            self._index += 1
            self._since_ns = now_ns
        elif _may_press(spec) and self._press.beyond(_PRESSED_M):
            reason = (
                f"{self._task}: {self._object} is pressed on something in phase {spec.name}: "
                f"it rose {self._press.risen_m * 1e3:.0f} mm in the hand"
            )
            return Progress(phase=self._phase(now_ns), state=TaskState.FAILED, reason=reason)
        elif (now_ns - self._since_ns) * 1e-9 > spec.timeout_s:
            reason = f"{self._task}: phase {spec.name} took longer than {spec.timeout_s:g} s"
            return Progress(phase=self._phase(now_ns), state=TaskState.FAILED, reason=reason)
        return Progress(phase=self._phase(now_ns), state=TaskState.RUNNING)

    def _phase(self, now_ns: int) -> Phase:
        spec = self._specs[self._index]
        gripper = self._robot.gripper
        return Phase(
            task_id=self._task.id,
            skill=self._task.skill,
            name=spec.name,
            allowed=tuple(self._contacts(spec)),
            expires_ns=self._since_ns + round(spec.timeout_s * 1e9),
            held=self._object if spec.holding is Holding.HELD else None,
            maybe_held=self._object if spec.holding is Holding.MAYBE else None,
            max_force_n=gripper.max_force_n if gripper is not None else 0.0,
            gripper_may_open=spec.holding is not Holding.HELD,
        )

    def _contacts(self, spec: PhaseSpec) -> list[AllowedContact]:
        names = {"$object": self._object, "$target": self._target, "$support": self._support}
        fingers = self._robot.gripper.finger_links if self._robot.gripper is not None else ()
        pairs = []
        for left, right in spec.allowed:
            other = names.get(right)
            if other is None:
                continue
            links = fingers if left == FINGERS else (names.get(left),)
            pairs += [AllowedContact(link=link, other=other) for link in links if link is not None]
        return pairs

    def _holds(self, state: RobotState) -> bool:
        measured = state.gripper
        if measured is None:
            return False
        around = 0.5 * self._width <= measured.width_m <= 1.6 * self._width
        return measured.force_n >= FELT_N and around

    def _lost_grasp(self, spec: PhaseSpec, state: RobotState) -> str:
        if spec.holding is not Holding.HELD or self._holds(state):
            self._lost = 0
            return ""
        self._lost += 1
        if self._lost < _LOST_TICKS or state.gripper is None:
            return ""
        width, force = state.gripper.width_m, state.gripper.force_n
        return f"{self._task}: {self._object} is not held any more (width {width:.3f} m, force {force:.1f} N)"

    def _watch_press(self, spec: PhaseSpec, state: RobotState, scene: Scene) -> None:
        thing = scene.find(self._object) if self._object else None
        if _may_press(spec) and thing is not None:
            self._press.look(self._hand(state.q), state.stamp_ns, thing)

    def _ended(self, spec: PhaseSpec, state: RobotState, scene: Scene) -> bool:
        tool = self._tool(state.q)
        slow = self._speed(state.q, state.v) < _SLOW_M_S
        thing = scene.find(self._object) if self._object else None
        target = self._task.target_in_world
        if (self._object and thing is None) or (target is None and self._task.skill in _WITH_POINT):
            return False  # nothing is shown by what cannot be seen
        here = thing.object_in_world[:3, 3] if thing is not None else tool
        goal = np.array(target) if target is not None else here
        width = state.gripper.width_m if state.gripper is not None else 0.0
        match (self._task.skill, spec.name):
            case ("pick", "approach"):
                above = 0.0 <= tool[2] - here[2] < 0.12
                return slow and above and _flat(tool - here) < _LATERAL_M and width > self._width
            case ("pick", "grasp"):
                return self._holds(state) and bool(state.standstill)
            case ("pick", "lift"):
                return bool(here[2] - self._start_z >= _LIFT_M)
            case ("place", "carry"):
                return slow and _near(tool, here, goal) and bool(here[2] - goal[2] < 0.15)
            case ("place", "lower"):
                self._released_z = float(tool[2])
                down = bool(here[2] - goal[2] < 0.012) and _near(tool, here, goal)
                return down and (bool(state.standstill) or self._press.beyond(_STANDS_M))
            case ("place", "release"):
                return width > self._width + _RELEASED_M
            case ("place", "retreat"):
                return bool(tool[2] - self._released_z >= 0.08)
            case ("reach", "move"):
                return float(np.linalg.norm(tool - goal)) < _AT_POINT_M
            case ("home", "move"):
                return bool(np.abs(state.q - self._robot.home).max() < _AT_HOME_RAD)
            case ("push", "approach"):
                low = abs(tool[2] - here[2]) < 0.03
                return slow and low and _flat(tool - here) < 0.5 * self._width + 0.08
            case ("push", "push"):
                self._released_z = float(tool[2])
                return _flat(here - goal) < _LATERAL_M
            case ("push", "retreat"):
                return bool(tool[2] - self._released_z >= 0.08)
        return False


def _may_press(spec: PhaseSpec) -> bool:
    """Whether the held object may touch something; elsewhere the gate keeps it from all there is."""
    return spec.holding is Holding.HELD and bool(spec.allowed)


def _flat(offset: FloatArray) -> float:
    return math.hypot(offset[0], offset[1])


def _near(tool: FloatArray, here: FloatArray, goal: FloatArray) -> bool:
    """Whether the tool or the object is above the goal."""
    return min(_flat(tool - goal), _flat(here - goal)) < _LATERAL_M


def _grasp_width(thing: SceneObject) -> float:
    """Smallest horizontal extent of the first part, [m]."""
    lower, upper = shape_bounds(thing.parts[0].shape, np.eye(4))
    return float((upper - lower)[:2].min())


def support_of(name: str | None, scene: Scene) -> str | None:
    """The object right below `name`: the one whose part has the highest top under its centre."""
    thing = scene.find(name) if name else None
    if thing is None:
        return None
    x, y, z = thing.object_in_world[:3, 3]
    best, top = None, -math.inf
    for other in scene.objects:
        if other.name == name:
            continue
        for part in other.parts:
            if not isinstance(part.shape, Box):
                continue
            pose = other.object_in_world @ part.part_in_object
            local = pose[:3, :3].T @ (np.array([x, y, z]) - pose[:3, 3])
            half = part.shape.half_extents_m
            over = abs(local[0]) <= half[0] and abs(local[1]) <= half[1]
            height = float(pose[2, 3] + half[2])
            if over and top < height <= z + 1e-3:
                best, top = other.name, height
    return best
