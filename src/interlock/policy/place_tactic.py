"""How the expert places: over the target, down until the object nearly stands, open, up."""

from __future__ import annotations

import math

import numpy as np

from interlock.policy.grip_planner import Grip
from interlock.policy.intent import Intent, Situation, TaskNotes, Way
from interlock.policy.tool_pose import yaw_of
from interlock.policy.upright_box import UprightBox

__all__ = ["place_intent"]

_LOST_M = 0.10
_MOVED_M = 0.01


def place_intent(now: Situation, notes: TaskNotes) -> Intent | None:
    """The motion for the granted phase of `place(object, target)`; None if lost or out of reach."""
    task = now.observation.task
    if task.phase == "retreat":
        goal = notes.anchor.copy()
        goal[2, 3] += now.options.retreat_height_m
        return Intent(key="retreat", way=Way.STRAIGHT, goals=(goal,), width_m=_letting_go(now, notes))
    if task.phase == "release":
        goal = notes.grip.tool_in_world if notes.grip is not None else notes.anchor
        return Intent(key="release", way=Way.STRAIGHT, goals=(goal,), width_m=_letting_go(now, notes))
    if task.phase == "lower":
        return _lower(now, notes)
    return _carry(now, notes)


def _carry(now: Situation, notes: TaskNotes) -> Intent | None:
    name = now.observation.task.arguments.get("object", "")
    item = now.observation.scene.find(name)
    box = UprightBox.of(item) if item is not None else None
    if box is None or now.object_in_tool is None:
        return None
    if not notes.grips:
        if math.dist(now.object_in_tool[:3, 3], (0.0, 0.0, 0.0)) > _LOST_M:
            return None
        notes.grips = _placements(now, box, name)
    if not notes.grips:
        return None
    goals = tuple(grip.raised(now.options.approach_height_m) for grip in notes.grips)
    return Intent(
        key="carry",
        way=Way.TRANSIT,
        goals=goals,
        width_m=0.0,
        held=box.corners_in(now.object_in_tool),
        ignored=frozenset({name}),
    )


def _lower(now: Situation, notes: TaskNotes) -> Intent | None:
    if notes.grip is None:
        name = now.observation.task.arguments.get("object", "")
        item = now.observation.scene.find(name)
        box = UprightBox.of(item) if item is not None else None
        if box is None or now.object_in_tool is None:
            return None
        found = _placements(now, box, name)
        if not found:
            return None
        yaw = yaw_of(now.tool_in_world)
        notes.grip = min(
            found, key=lambda grip: abs(math.remainder(yaw_of(grip.tool_in_world) - yaw, 2.0 * math.pi))
        )
    return Intent(key="lower", way=Way.STRAIGHT, goals=(notes.grip.tool_in_world,), width_m=0.0)


def _placements(now: Situation, box: UprightBox, name: str) -> list[Grip]:
    task = now.observation.task
    support = now.scene.find(task.arguments.get("target", ""))
    target = task.target_in_world
    if target is None:
        if support is None:
            return []
        x, y, z = (float(value) for value in support.object_in_world[:3, 3])
        target = (x, y, z)
    if now.object_in_tool is None:
        return []
    seed = np.asarray(now.observation.state.q_commanded)
    return now.grips.placements(box, now.object_in_tool, target, support, now.scene, name, seed)


def _letting_go(now: Situation, notes: TaskNotes) -> float:
    """The width that frees the object; without a grip in mind, a little more than now."""
    if notes.width_m is None:
        gripper = now.observation.state.gripper
        measured = gripper.width_m if gripper is not None else now.width_m
        opening = now.options.opening_m
        notes.width_m = notes.grip.open_width_m if notes.grip is not None else measured + 0.6 * opening
    return notes.width_m
