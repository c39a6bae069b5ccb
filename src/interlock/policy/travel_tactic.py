"""How the expert reaches a point and goes home."""

from __future__ import annotations

import math

import numpy as np

from interlock.policy.intent import Intent, Situation, TaskNotes, Way
from interlock.policy.tool_pose import pose_down, yaw_of

__all__ = ["home_intent", "reach_intent"]

_TURNS = tuple(math.radians(d) for d in (0, 45, -45, 90, -90, 135, -135, 180))


def reach_intent(now: Situation, notes: TaskNotes) -> Intent | None:
    """To the task's point with the tool down, turned as little as need be; None without a point."""
    target = now.observation.task.target_in_world
    if target is None:
        return None
    yaw = yaw_of(notes.anchor)
    goals = tuple(pose_down(np.array(target), yaw + turn) for turn in _TURNS)
    return Intent(key="reach", way=Way.TRANSIT, goals=goals, width_m=_as_is(now, notes))


def home_intent(now: Situation, notes: TaskNotes) -> Intent | None:
    """To the home configuration."""
    return Intent(key="home", way=Way.JOINTS, goals=(), width_m=_as_is(now, notes))


def _as_is(now: Situation, notes: TaskNotes) -> float:
    """The width to keep: what was commanded when the task began, so that a grip stays a grip."""
    if notes.width_m is None:
        notes.width_m = now.width_m
    return notes.width_m
