"""What a policy may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.hal.frame import Frame
from interlock.hal.scene import Scene
from interlock.hal.state import RobotState
from interlock.policy.executed import NOTHING_EXECUTED, Executed

__all__ = ["Observation", "TaskView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """The task at hand as a policy sees it.

    Attributes:
        task_id: task of the plan.
        skill: "reach", "pick", "place", "push" or "home".
        arguments: e.g. {"object": "red_block"} or {"object": "red_block", "target": "tray"}.
        phase: phase of the skill that the orchestrator has granted, e.g. "approach", "grasp".
        instruction: the goal in words.
        target_in_world: position to put or reach, (x, y, z) [m], where the plan fixed one; else None.
    """

    task_id: str
    skill: str
    arguments: Mapping[str, str]
    phase: str
    instruction: str
    target_in_world: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """State, estimated scene, pictures and task at one instant; `stamp_ns` is monotonic, [ns].

    `executed` is the motion that led there, as commanded after the gate.
    """

    stamp_ns: int
    state: RobotState
    scene: Scene
    frames: tuple[Frame, ...]
    task: TaskView
    executed: Executed = NOTHING_EXECUTED
