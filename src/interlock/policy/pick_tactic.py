"""How the expert picks: over the object, down with open fingers, close, up."""

from __future__ import annotations

import numpy as np

from interlock.policy.grip_planner import Grip
from interlock.policy.intent import Intent, Situation, TaskNotes, Way
from interlock.policy.tool_pose import yaw_of
from interlock.policy.upright_box import UprightBox

__all__ = ["pick_intent"]

_AT_GRASP_M = 0.005
_MOVED_M = 0.01
_MISSED_SHARE = 0.6
_SETTLE_S = 0.6


def pick_intent(now: Situation, notes: TaskNotes) -> Intent | None:
    """The motion for the granted phase of `pick(object)`; None if it is gone, tilted or out of reach."""
    phase = now.observation.task.phase
    if phase == "lift":
        goal = notes.anchor.copy()
        goal[2, 3] += now.options.lift_height_m
        return Intent(key="lift", way=Way.STRAIGHT, goals=(goal,), width_m=0.0)
    name = now.observation.task.arguments.get("object", "")
    item = now.scene.find(name)
    box = UprightBox.of(item) if item is not None else None
    if box is None:
        return None
    return _approach(now, notes, name, box) if phase == "approach" else _grasp(now, notes, name, box)


def _approach(now: Situation, notes: TaskNotes, name: str, box: UprightBox) -> Intent | None:
    if not notes.grips or _aside(notes.grips[0], box) > _MOVED_M:
        notes.grips = now.grips.grasps(name, box, now.scene, now.observation.state.q_commanded)
        notes.attempt += 1
    if not notes.grips:
        return None
    goals = tuple(grip.raised(now.options.approach_height_m) for grip in notes.grips)
    width = notes.grips[min(notes.choice, len(notes.grips) - 1)].open_width_m
    return Intent(key=f"approach {notes.attempt}", way=Way.TRANSIT, goals=goals, width_m=width)


def _grasp(now: Situation, notes: TaskNotes, name: str, box: UprightBox) -> Intent | None:
    if notes.grip is None or (notes.since_ns is None and _aside(notes.grip, box) > _MOVED_M):
        found = now.grips.grasps(name, box, now.scene, now.observation.state.q_commanded)
        if not found:
            return None
        yaw = yaw_of(now.tool_in_world)
        notes.grip = min(found, key=lambda grip: _turn(yaw_of(grip.tool_in_world), yaw))
        notes.attempt += 1
    grip = notes.grip
    if notes.rising:
        return _again(now, notes, grip)
    gap = float(np.linalg.norm(now.tool_in_world[:3, 3] - grip.tool_in_world[:3, 3]))
    if notes.since_ns is None and gap < _AT_GRASP_M:
        notes.since_ns = now.observation.stamp_ns
    if notes.since_ns is not None and _missed(now, notes, grip):
        notes.misses += 1
        notes.rising = True
        return _again(now, notes, grip)
    width = 0.0 if notes.since_ns is not None else grip.open_width_m
    return Intent(key=f"grasp {notes.attempt}", way=Way.STRAIGHT, goals=(grip.tool_in_world,), width_m=width)


def _missed(now: Situation, notes: TaskNotes, grip: Grip) -> bool:
    """Whether the fingers have had time to close and met nothing."""
    gripper = now.observation.state.gripper
    if gripper is None or notes.since_ns is None:
        return False
    waited_s = (now.observation.stamp_ns - notes.since_ns) * 1e-9
    closing_s = grip.open_width_m / now.gripper_speed_m_s
    return waited_s > closing_s + _SETTLE_S and gripper.width_m < _MISSED_SHARE * grip.object_width_m


def _again(now: Situation, notes: TaskNotes, grip: Grip) -> Intent | None:
    """Open, rise, and forget the grip once up; None after the last miss."""
    if notes.misses >= now.options.grasp_attempts:
        return None
    above = grip.raised(now.options.approach_height_m)
    if float(now.tool_in_world[2, 3]) > above[2, 3] - 0.01:
        notes.grip, notes.since_ns, notes.rising = None, None, False
    return Intent(key=f"again {notes.misses}", way=Way.STRAIGHT, goals=(above,), width_m=grip.open_width_m)


def _aside(grip: Grip, box: UprightBox) -> float:
    return float(np.linalg.norm(grip.tool_in_world[:2, 3] - box.centre[:2]))


def _turn(first: float, second: float) -> float:
    return abs(float(np.angle(np.exp(1j * (first - second)))))
