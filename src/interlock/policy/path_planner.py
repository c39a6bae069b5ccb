"""Finds the way of the arm: which corners the tool goes through, and the joint path that takes it there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.policy.clearance import ClearanceField
from interlock.policy.joint_path import JointPath, Pace
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.route import Rectangle, shortest_route
from interlock.policy.skeleton import ArmSkeleton
from interlock.policy.surroundings import Surroundings
from interlock.policy.tool_curve import ToolCurve
from interlock.policy.tool_pose import yaw_of

__all__ = ["PathPlanner"]

_ENDS_M = 0.14  # near the ends of a way, what is already too near there may stay so
_DETOURS = 3
_TRIALS = 10
_DETOUR_HALF_M = 0.07
_REACHED_M = 2e-3
_REACHED_RAD = 2e-2
_LARGEST_KNOT_STEP_RAD = 0.5


@dataclass(frozen=True, slots=True)
class _Trial:
    """One way tried: its path (None if it leaves reach), what clearance is left, and where that is worst."""

    path: JointPath | None
    slack_m: float
    worst: FloatArray


@dataclass(frozen=True, slots=True)
class _Search:
    """What all trials of one search share."""

    q: FloatArray
    start: FloatArray
    around: Surroundings
    field: ClearanceField
    pace: Pace


class PathPlanner:
    """Plans whole ways at the start of a phase; following them is the path's own business."""

    def __init__(self, kinematics: ToolKinematics, skeleton: ArmSkeleton) -> None:
        self._kinematics = kinematics
        self._skeleton = skeleton
        self._trials = 0

    def straight(
        self, q: FloatArray, goal: FloatArray, pace: Pace, via: Sequence[FloatArray] = ()
    ) -> JointPath | None:
        """Straight to the pose `goal` (4, 4), sideways first where it goes down; None if out of reach.

        Args:
            q: joint positions to start from, shape (n,), [rad].
            goal: pose of the tool, shape (4, 4), [m].
            pace: bounds.
            via: corners to go through, each shape (3,), [m].
        """
        start = self._kinematics.tool_in_world(q)
        drop = float(start[2, 3] - goal[2, 3])
        points = [*via, np.asarray(goal[:3, 3])]
        if drop > 0.03 and not via:
            points.insert(0, np.array([goal[0, 3], goal[1, 3], start[2, 3] - 0.3 * drop]))
        turn = (0.0, 0.4 if drop > 0.03 or via else 1.0)
        radian_m = pace.speed_m_s / pace.turn_rad_s
        yaw, corner_m = _nearest_turn(start, goal), 0.02 if via else 0.01
        curve = ToolCurve.through(start, points, yaw, turn=turn, radian_m=radian_m, corner_m=corner_m)
        knots = self._knots(q, curve)
        return JointPath(knots, curve.lengths, pace) if len(knots) == len(curve.poses) else None

    def joints(self, q: FloatArray, goal: FloatArray, pace: Pace) -> JointPath:
        """Straight in joint space to the configuration `goal`, shape (n,), [rad]."""
        count = max(3, math.ceil(float(np.abs(goal - q).max()) / 0.1) + 1)
        knots = q + np.linspace(0.0, 1.0, count)[:, None] * (goal - q)
        turned = 0.3 * float(np.abs(goal - q).max()) / (count - 1)
        places = [self._kinematics.tool_in_world(knot)[:3, 3] for knot in knots]
        steps = [max(math.dist(a, b), turned, 1e-6) for a, b in pairwise(places)]
        return JointPath(knots, np.concatenate(([0.0], np.cumsum(steps))), pace)

    def clearance(self, path: JointPath, around: Surroundings) -> float:
        """Smallest clearance left over along a path, [m]; negative where it comes too near something."""
        field = around.field(with_trail=True)
        places = np.linspace(0.0, path.length_m, max(2, math.ceil(path.length_m / 0.03)))
        return min(field.distance(*self._balls(path.at(float(s)), around)) for s in places)

    def transit(
        self, q: FloatArray, goals: Sequence[FloatArray], around: Surroundings, pace: Pace
    ) -> tuple[JointPath, FloatArray] | None:
        """Up, across and down to the first of `goals` (4, 4) with a clear way; else the clearest way found.

        Where moving obstacles have been seen is avoided if that can be had, and crossed if not.

        Returns:
            The path and the goal it leads to, or None if no goal can be reached.
        """
        start = self._kinematics.tool_in_world(q)
        best: tuple[_Trial, FloatArray] | None = None
        for with_trail in (True, False) if len(around.trail) else (False,):
            self._trials = 0
            search = _Search(q, start, around, around.field(with_trail=with_trail), pace)
            for goal in goals:
                for height in around.heights(float(start[2, 3]), float(goal[2, 3])):
                    trial = self._across(search, goal, height)
                    if trial is None or trial.path is None:
                        continue
                    if trial.slack_m >= 0.0:
                        return trial.path, goal
                    if best is None or trial.slack_m > best[0].slack_m:
                        best = (trial, goal)
        if best is None or best[0].path is None:
            return None
        return best[0].path, best[1]

    def _across(self, search: _Search, goal: FloatArray, height_m: float) -> _Trial | None:
        """The best way at one travelling height, with detours around where the arm came too near."""
        blocked = search.around.blockers(height_m, self._kinematics.bases)
        best: _Trial | None = None
        for _ in range(_DETOURS):
            route = shortest_route(search.start[:2, 3], goal[:2, 3], blocked)
            if route is None or self._trials >= _TRIALS:
                break
            self._trials += 1
            trial = self._try(search, goal, route, height_m)
            if best is None or trial.slack_m > best.slack_m:
                best = trial
            if trial.slack_m >= 0.0:
                break
            x, y = float(trial.worst[0]), float(trial.worst[1])
            half = _DETOUR_HALF_M
            blocked.append(
                Rectangle(x_min=x - half, x_max=x + half, y_min=y - half, y_max=y + half, grown_m=half)
            )
        return best

    def _try(self, search: _Search, goal: FloatArray, route: FloatArray, height_m: float) -> _Trial:
        curve = _over(search, goal, route, height_m)
        knots = self._knots(search.q, curve)
        missing = len(curve.poses) - len(knots)
        if missing:
            return _Trial(None, -1.0 - 0.01 * missing, curve.poses[len(knots)][:3, 3])
        balls = [self._balls(knot, search.around) for knot in knots]
        points = np.concatenate([centres for centres, _ in balls])
        gaps = search.field.distances(points, np.tile(balls[0][1], len(knots)))
        clear = gaps.reshape(len(knots), -1).min(axis=1)
        allowed = np.zeros(len(clear))
        near_start, near_end = curve.lengths < _ENDS_M, curve.lengths[-1] - curve.lengths < _ENDS_M
        allowed[near_start] = min(0.0, float(clear[0]))
        allowed[near_end] = np.minimum(allowed[near_end], float(clear[-1]))
        slack = clear - allowed
        path = JointPath(knots, curve.lengths, search.pace)
        return _Trial(path, float(slack.min()), curve.poses[int(np.argmin(slack))][:3, 3])

    def _knots(self, q: FloatArray, curve: ToolCurve) -> FloatArray:
        """Joint positions at the poses of a curve, from one to the next, as far as they can be reached."""
        knots = [q]
        last = len(curve.poses) - 1
        for i, pose in enumerate(curve.poses[1:], start=1):
            here = knots[-1]
            for k in range(20 if i == last else 5):
                here, error_m, error_rad = self._kinematics.step_toward(
                    here, pose, posture_gain=0.03 if k == 0 else 0.0
                )
                if error_m < 1e-4 and error_rad < 1e-3:
                    break
            lost = error_m > _REACHED_M or error_rad > _REACHED_RAD
            if lost or float(np.abs(here - knots[-1]).max()) > _LARGEST_KNOT_STEP_RAD:
                break
            knots.append(here)
        return np.array(knots)

    def _balls(self, q: FloatArray, around: Surroundings) -> tuple[FloatArray, FloatArray]:
        return self._skeleton.balls(q, around.held)


def _over(search: _Search, goal: FloatArray, route: FloatArray, height_m: float) -> ToolCurve:
    """Up to the travelling height, along the route, down to the goal."""
    start = search.start
    radian_m = search.pace.speed_m_s / search.pace.turn_rad_s
    enter, leave = max(float(start[2, 3]), height_m), max(float(goal[2, 3]), height_m)
    legs = np.linalg.norm(np.diff(route, axis=0), axis=1)
    shares = np.concatenate(([0.0], np.cumsum(legs))) / max(float(legs.sum()), 1e-9)
    points = [np.array([*xy, enter + s * (leave - enter)]) for xy, s in zip(route, shares, strict=True)]
    points.append(np.asarray(goal[:3, 3]))
    return ToolCurve.through(start, points, _nearest_turn(start, goal), turn=(0.05, 0.85), radian_m=radian_m)


def _nearest_turn(start: FloatArray, goal: FloatArray) -> float:
    """Yaw of `goal` as a number less than half a turn from the yaw of `start`, [rad]."""
    first, last = yaw_of(start), yaw_of(goal)
    return first + math.remainder(last - first, 2.0 * math.pi)
