"""How the expert pushes: closed fingers behind the object, slowly on, back and up."""

from __future__ import annotations

import math

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.policy.grip_planner import Grip
from interlock.policy.intent import Intent, Situation, TaskNotes, Way
from interlock.policy.tool_pose import pose_down, yaw_of
from interlock.policy.upright_box import UprightBox

__all__ = ["push_intent"]

_FINGER_HALF_M = 0.012  # of closed fingers, across their closing axis
_CLOSED_HALF_M = 0.02  # and along it
_LANE_ROOM_M = 0.016
_DONE_M = 0.006
_BACK_M = 0.04
_TRIES = 3
_SKIM_M = 0.006
_SPARE_M = 0.003  # the palm is above the object all the way, not just where it grasps


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
    reach = _half_along(box, notes.heading) + _FINGER_HALF_M
    if task.phase == "approach":
        if not notes.grips:
            place = _behind(now, box, notes.heading, reach + now.options.push_standoff_m)
            notes.grips = _turned(now, place, notes.heading)
        goals = tuple(grip.tool_in_world for grip in notes.grips)
        if not goals:
            return None
        notes.target = goals[min(notes.choice, len(goals) - 1)]
        return Intent(key="approach", way=Way.TRANSIT, goals=goals, width_m=0.0)
    if notes.target is None:
        return None
    if notes.grip is None:
        notes.grip = _lane_grip(now, notes.target, notes.heading, reach + float(left @ notes.heading))
        notes.target = notes.grip.tool_in_world
    if notes.attempt == 0 and not _arrived(now, notes):
        return Intent(key="down", way=Way.STRAIGHT, goals=(notes.target,), width_m=0.0)
    return _push(now, notes, notes.heading, float(left @ notes.heading), box)


def _push(now: Situation, notes: TaskNotes, heading: FloatArray, left_m: float, box: UprightBox) -> Intent:
    """On until the object's centre is where it should be; a path that fell short is followed by another."""
    goal = notes.target if notes.target is not None else now.tool_in_world
    reach = _half_along(box, heading) + _finger_half(goal, heading)
    gap = float((box.centre[:2] - now.tool_in_world[:2, 3]) @ heading) - reach
    onward = max(gap, 0.0) + left_m
    if notes.attempt == 0 or (onward > _DONE_M and _arrived(now, notes) and notes.attempt < _TRIES):
        notes.attempt += 1
        goal = goal.copy()
        goal[:2, 3] = now.tool_in_world[:2, 3] + onward * heading
        notes.target = goal
    return Intent(key=f"push {notes.attempt}", way=Way.STRAIGHT, goals=(goal,), width_m=0.0)


def _lane_grip(now: Situation, start: FloatArray, heading: FloatArray, length_m: float) -> Grip:
    """The tool pose to push from: closing across the heading if the lane has room, else along it."""
    name = now.observation.task.arguments.get("object", "")
    seed = np.asarray(now.observation.state.q_commanded)
    best, best_room = start, -1.0
    for turn in (0.5 * math.pi, -0.5 * math.pi, 0.0):
        pose = pose_down(start[:3, 3], yaw_of(start) + turn)
        rooms = []
        for share in (0.0, 0.33, 0.67, 1.0):
            there = pose.copy()
            there[:2, 3] += share * length_m * heading
            rooms.append(now.grips.room(there, now.scene, {name}, seed))
        if min(rooms) > best_room:
            best, best_room = pose, min(rooms)
        if best_room > _LANE_ROOM_M:
            break
    return Grip(tool_in_world=best, object_width_m=0.0, open_width_m=0.0)


def _finger_half(tool_in_world: FloatArray, heading: FloatArray) -> float:
    """How far the closed fingers reach ahead of the TCP, [m]."""
    closing = abs(float(tool_in_world[:2, 1] @ heading))
    return _FINGER_HALF_M + closing * (_CLOSED_HALF_M - _FINGER_HALF_M)


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


def _behind(now: Situation, box: UprightBox, heading: FloatArray, away_m: float) -> FloatArray:
    """Where the closed fingers start: behind the object, as low as tips and palm may be, shape (3,), [m]."""
    tips = box.bottom_m + now.options.tip_above_support_m + now.options.tip_beyond_tcp_m
    palm = box.top_m - now.options.grasp_depth_m + _SPARE_M
    height = min(max(tips, palm, float(box.centre[2])), box.top_m - _SKIM_M)
    return np.array([*(box.centre[:2] - away_m * heading), height])


def _turned(now: Situation, place: FloatArray, heading: FloatArray) -> list[Grip]:
    """Closed fingers there: closing across the heading, which pushes steadily, rather than along it."""
    direction = math.atan2(heading[1], heading[0])
    seed = np.asarray(now.observation.state.q_commanded)
    found: list[Grip] = []
    for turns in ((0.0, math.pi), (0.5 * math.pi, -0.5 * math.pi)):
        grips = [
            Grip(tool_in_world=pose_down(place, direction + turn), object_width_m=0.0, open_width_m=0.0)
            for turn in turns
        ]
        found += now.grips.ranked(grips, now.scene, set(), seed)
    return found


def _half_along(box: UprightBox, heading: FloatArray) -> float:
    """Half of the object's extent along a heading, [m]."""
    direction = math.atan2(heading[1], heading[0])
    return sum(
        abs(math.cos(yaw - direction)) * half for yaw, half in zip(box.yaws, box.half_widths_m, strict=True)
    )
