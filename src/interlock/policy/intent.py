"""What the expert wants next, and what it wants it from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Scene
from interlock.policy.expert_options import ExpertOptions
from interlock.policy.grip_planner import Grip, GripPlanner
from interlock.policy.observation import Observation

__all__ = ["Intent", "Situation", "TaskNotes", "Way"]


class Way(StrEnum):
    """How to get somewhere."""

    TRANSIT = "transit"  # up, across, down, around things
    STRAIGHT = "straight"  # slowly, in a straight line
    JOINTS = "joints"  # in joint space, if that is clear; else as TRANSIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One motion and the width that goes with it.

    Attributes:
        key: the path is planned anew when this changes.
        way: how to get there.
        goals: tool poses, shape (4, 4), [m], the best first; any of them will do.
        width_m: gripper width to move to, [m].
        held: corners of what is held, in the tool frame, shape (m, 3), [m], or None.
        ignored: names that are no obstacle.
        via: for a straight way, corners on it, each shape (3,), [m].
    """

    key: str
    way: Way
    goals: tuple[FloatArray, ...]
    width_m: float
    held: FloatArray | None = None
    ignored: frozenset[str] = frozenset()
    via: tuple[FloatArray, ...] = ()


@dataclass(slots=True)
class TaskNotes:
    """What is remembered for the length of one task.

    Attributes:
        task_id: the task.
        phase: the phase at the last observation.
        grips: candidates, the best first.
        choice: which of an intent's goals the planned path leads to.
        grip: the grip settled on in this phase.
        anchor: tool pose when the phase began, shape (4, 4), [m].
        target: where a push ends, tool pose, shape (4, 4), [m], or None.
        starts: poses beside a thing to be pushed, one for each of `grips`, shape (4, 4), [m].
        attempt: how often a motion was started anew.
        misses: how many grasps met nothing.
        rising: whether the tool is on its way up after a miss.
        since_ns: when closing began, or None, [ns].
        width_m: gripper width last decided on, or None, [m].
    """

    task_id: str
    phase: str
    anchor: FloatArray
    grips: list[Grip] = field(default_factory=list)
    choice: int = 0
    grip: Grip | None = None
    target: FloatArray | None = None
    starts: list[FloatArray] = field(default_factory=list)
    attempt: int = 0
    misses: int = 0
    rising: bool = False
    since_ns: int | None = None
    width_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything a skill's tactic decides from.

    Attributes:
        observation: as given.
        scene: the scene as remembered: movable things averaged.
        tool_in_world: pose of the commanded tool, shape (4, 4), [m].
        object_in_tool: pose of the task's object in the tool while held, shape (4, 4), [m], or None.
        width_m: width last commanded, [m].
        gripper_speed_m_s: how fast the width may change, [m/s].
        grips: ranks grasps and placements.
        options: the expert's knobs.
    """

    observation: Observation
    scene: Scene
    tool_in_world: FloatArray
    object_in_tool: FloatArray | None
    width_m: float
    gripper_speed_m_s: float
    grips: GripPlanner
    options: ExpertOptions
