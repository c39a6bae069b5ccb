"""How the expert pushes: down beside the object, over it, a loose finger before and behind it, slowly on, up.

A tall block that is pushed by one finger from behind falls over (measured: blocks of 4 by 4 by 6 and by 8 cm,
in most trials on both arms). The finger in front keeps it upright.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.policy.grip_planner import Grip
from interlock.policy.intent import Intent, Situation, TaskNotes, Way
from interlock.policy.upright_box import UprightBox

__all__ = ["push_intent"]

_LOOSE_M = 0.006
_DONE_M = 0.006
_THERE_M = 0.004
_TRIES = 3
_OVER_M = 0.03
_FINGER_HALF_M = 0.012
_ROOM_M = 0.016
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def push_intent(now: Situation, notes: TaskNotes) -> Intent | None:
    """The motion for the granted phase of `push(object, target)`; None without object or target."""
    task = now.observation.task
    if task.phase == "retreat":
        goal = notes.anchor.copy()
        goal[2, 3] += now.options.retreat_height_m
        width = notes.grip.open_width_m if notes.grip is not None else now.width_m
        return Intent(key="retreat", way=Way.STRAIGHT, goals=(goal,), width_m=width)
    name = task.arguments.get("object", "")
    item = now.scene.find(name)
    box = UprightBox.of(item) if item is not None else None
    if box is None or task.target_in_world is None:
        return None
    left = np.array(task.target_in_world[:2]) - box.centre[:2]
    if task.phase == "approach":
        return _approach(now, notes, name, box, left)
    return _push(now, notes, box, left)


def _approach(
    now: Situation, notes: TaskNotes, name: str, box: UprightBox, left: FloatArray
) -> Intent | None:
    """Beside the object, turned as it will be pushed."""
    if not notes.grips:
        _choose_lanes(now, notes, name, box, left)
    if not notes.starts:
        return None
    return Intent(key="approach", way=Way.TRANSIT, goals=tuple(notes.starts), width_m=0.0)


def _push(now: Situation, notes: TaskNotes, box: UprightBox, left: FloatArray) -> Intent | None:
    """Over the object with loose fingers, then on until it is where it should be."""
    if notes.grip is None:
        if not notes.grips:
            return None
        chosen = notes.grips[min(notes.choice, len(notes.grips) - 1)]
        pose = chosen.tool_in_world.copy()
        pose[:2, 3] = box.centre[:2]
        notes.grip = replace(chosen, tool_in_world=pose)
        notes.target = pose
    loose = notes.grip.object_width_m + _LOOSE_M
    if notes.target is None:
        return None
    there = math.dist(now.tool_in_world[:3, 3], notes.target[:3, 3]) < _THERE_M
    if notes.attempt == 0 and not there:
        over = box.top_m + now.options.tip_beyond_tcp_m + _OVER_M
        via = (_at_height(notes.anchor, over), _at_height(notes.target, over))
        return Intent(key="over", way=Way.STRAIGHT, goals=(notes.target,), width_m=loose, via=via)
    if there and notes.attempt < _TRIES and float(np.linalg.norm(left)) > _DONE_M:
        notes.attempt += 1
        goal = notes.target.copy()
        goal[:2, 3] = now.tool_in_world[:2, 3] + left * (1.0 + 0.5 * _LOOSE_M / float(np.linalg.norm(left)))
        notes.target = goal
    return Intent(key=f"push {notes.attempt}", way=Way.STRAIGHT, goals=(notes.target,), width_m=loose)


def _choose_lanes(now: Situation, notes: TaskNotes, name: str, box: UprightBox, left: FloatArray) -> None:
    """Ways to straddle the object and poses beside it to start from, the roomiest and straightest first."""
    seed = np.asarray(now.observation.state.q_commanded)
    heading = left / max(float(np.linalg.norm(left)), 1e-9)
    found: list[tuple[float, int, Grip, FloatArray]] = []
    for grip in now.grips.grasps(name, box, now.scene, seed):
        pose = grip.tool_in_world
        lane = now.grips.room([_moved(pose, share * left) for share in _SHARES], now.scene, {name}, seed)
        slant = 1.0 - abs(float(pose[:2, 1] @ heading))
        half = _half_along(box, pose[:2, 0])
        away = half + _FINGER_HALF_M + now.options.push_standoff_m
        for side in (-1.0, 1.0):
            start = _moved(pose, side * away * pose[:2, 0])
            room = now.grips.room([start], now.scene, set(), seed)
            cost = 40.0 * (max(0.0, _ROOM_M - lane) + max(0.0, _ROOM_M - room)) + slant
            found.append((cost, len(found), grip, start))
    found.sort(key=lambda entry: entry[:2])
    notes.grips = [grip for _, _, grip, _ in found]
    notes.starts = [start for _, _, _, start in found]


def _moved(pose: FloatArray, by: FloatArray) -> FloatArray:
    moved = pose.copy()
    moved[:2, 3] += by
    return moved


def _at_height(pose: FloatArray, height_m: float) -> FloatArray:
    return np.array([pose[0, 3], pose[1, 3], height_m])


def _half_along(box: UprightBox, heading: FloatArray) -> float:
    """Half of the object's extent along a heading, [m]."""
    direction = math.atan2(heading[1], heading[0])
    return sum(
        abs(math.cos(yaw - direction)) * half for yaw, half in zip(box.yaws, box.half_widths_m, strict=True)
    )
