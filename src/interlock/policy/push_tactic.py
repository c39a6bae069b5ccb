"""How the expert pushes: closed fingers behind the object, slowly on, back and up."""

from __future__ import annotations

import math

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.policy.intent import Intent, Situation, TaskNotes, Way
from interlock.policy.tool_pose import pose_down
from interlock.policy.upright_box import UprightBox

__all__ = ["push_intent"]

_FINGER_HALF_M = 0.012
_DONE_M = 0.006
_BACK_M = 0.04
_TRIES = 3


def push_intent(now: Situation, notes: TaskNotes) -> Intent | None:
    """The motion for the granted phase of `push(object, target)`; None without object or target."""
    task = now.observation.task
    if task.phase == "retreat":
        return _retreat(now, notes)
    item = now.scene.find(task.arguments.get("object", ""))
    box = UprightBox.of(item) if item is not None else None
    if box is None or task.target_in_world is None:
        return None
    left = np.array(task.target_in_world[:2]) - box.centre[:2]
    if notes.heading is None:
        far = float(np.linalg.norm(left))
        if far < 1e-3:
            return None
        notes.heading = left / far
    heading = notes.heading
    reach = _half_along(box, heading) + _FINGER_HALF_M
    if task.phase == "approach":
        goals = tuple(
            _behind(now, box, heading, reach + now.options.push_standoff_m, turn) for turn in (0.0, math.pi)
        )
        return Intent(key="approach", way=Way.TRANSIT, goals=goals, width_m=0.0)
    return _push(now, notes, heading, float(left @ heading), reach, box)


def _push(
    now: Situation, notes: TaskNotes, heading: FloatArray, left_m: float, reach_m: float, box: UprightBox
) -> Intent:
    """On until the object's centre is where it should be; a path that fell short is followed by another."""
    gap = float((box.centre[:2] - now.tool_in_world[:2, 3]) @ heading) - reach_m
    onward = max(gap, 0.0) + left_m
    if notes.attempt == 0 or (onward > _DONE_M and _arrived(now, notes) and notes.attempt < _TRIES):
        notes.attempt += 1
        goal = now.tool_in_world.copy()
        goal[:2, 3] += onward * heading
        goal[2, 3] = notes.anchor[2, 3]
        notes.target = goal
    goal = notes.target if notes.target is not None else now.tool_in_world
    return Intent(key=f"push {notes.attempt}", way=Way.STRAIGHT, goals=(goal,), width_m=0.0)


def _retreat(now: Situation, notes: TaskNotes) -> Intent:
    back = notes.anchor.copy()
    if notes.heading is not None:
        back[:2, 3] -= _BACK_M * notes.heading
    if notes.attempt >= 0 and math.dist(now.tool_in_world[:3, 3], back[:3, 3]) < 0.01:
        notes.attempt = -1
    if notes.attempt >= 0:
        return Intent(key="back", way=Way.STRAIGHT, goals=(back,), width_m=0.0)
    back[2, 3] += now.options.retreat_height_m
    return Intent(key="up", way=Way.STRAIGHT, goals=(back,), width_m=0.0)


def _arrived(now: Situation, notes: TaskNotes) -> bool:
    return notes.target is not None and math.dist(now.tool_in_world[:3, 3], notes.target[:3, 3]) < 0.004


def _behind(now: Situation, box: UprightBox, heading: FloatArray, away_m: float, turn: float) -> FloatArray:
    """Closed fingers behind the object, closing across the heading, as low as the tips may be."""
    tips = now.options.tip_above_support_m + now.options.tip_beyond_tcp_m
    height = min(max(box.bottom_m + tips, float(box.centre[2])), box.top_m - 0.006)
    place = np.array([*(box.centre[:2] - away_m * heading), height])
    return pose_down(place, math.atan2(heading[1], heading[0]) + turn)


def _half_along(box: UprightBox, heading: FloatArray) -> float:
    """Half of the object's extent along a heading, [m]."""
    direction = math.atan2(heading[1], heading[0])
    return sum(
        abs(math.cos(yaw - direction)) * half for yaw, half in zip(box.yaws, box.half_widths_m, strict=True)
    )
