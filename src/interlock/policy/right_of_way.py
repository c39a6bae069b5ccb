"""Where on its path the arm should wait for something that moves by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, SceneObject
from interlock.policy.joint_path import JointPath
from interlock.policy.scene_memory import Obstacle
from interlock.policy.skeleton import ArmSkeleton

__all__ = ["RightOfWay", "radius_of"]

_AHEAD_M = 0.25
_STEP_M = 0.05
_SLOWEST_M_S = 0.10
_HORIZON_S = 1.2
_TRAIL_REACH_M = 0.06


class RightOfWay:
    """Yields to moving obstacles: halts before the first place that one of them is about to come near.

    It is courtesy, not protection: the guards decide what is safe.
    """

    def __init__(self, skeleton: ArmSkeleton, distance_m: float) -> None:
        self._skeleton = skeleton
        self._distance_m = distance_m

    def halt_m(
        self,
        path: JointPath,
        here_m: float,
        speed_m_s: float,
        obstacles: Sequence[Obstacle],
        held: FloatArray | None,
    ) -> float:
        """Path length to stop at, inf to go on.

        Args:
            path: the path.
            here_m: where on it the arm is, [m].
            speed_m_s: speed along it, [m/s].
            obstacles: what moves.
            held: corners of what is held, in the tool frame, shape (m, 3), [m], or None.
        """
        if not obstacles:
            return math.inf
        braking = path.braking_m(speed_m_s)
        end = min(path.length_m, here_m + braking + _AHEAD_M)
        if not self._concerned(path, here_m, obstacles, held):
            return math.inf
        count = max(1, math.ceil((end - here_m) / _STEP_M))
        gaps = []
        for k in range(count + 1):
            place = here_m + (end - here_m) * k / count
            arrival = (place - here_m) / max(speed_m_s, _SLOWEST_M_S)
            gaps.append(self._gap(path.at(place), arrival, obstacles, held))
            near = gaps[-1] < self._distance_m
            leaving = gaps[-1] > gaps[0] + 0.005
            if near and k > 0 and not leaving:
                before = here_m + (end - here_m) * (k - 1) / count
                return max(before, here_m + braking)
        return math.inf

    def _concerned(
        self,
        path: JointPath,
        here_m: float,
        obstacles: Sequence[Obstacle],
        held: FloatArray | None,
    ) -> bool:
        """Whether any obstacle could matter within the horizon; the cheap question asked first."""
        reach = self._distance_m + _AHEAD_M + 0.3
        points, radii = self._skeleton.balls(path.at(here_m), held)
        return any(
            _gap_to(points, radii, obstacle.seen.object_in_world[:3, 3], radius_of(obstacle.seen))
            < reach + _HORIZON_S * obstacle.seen.max_speed_m_s
            for obstacle in obstacles
        )

    def _gap(
        self,
        q: FloatArray,
        arrival_s: float,
        obstacles: Sequence[Obstacle],
        held: FloatArray | None,
    ) -> float:
        """Smallest distance to where the obstacles may be between now and a little after arrival, [m]."""
        points, radii = self._skeleton.balls(q, held)
        gap = math.inf
        for obstacle in obstacles:
            radius = radius_of(obstacle.seen)
            for t in (min(arrival_s, _HORIZON_S), min(arrival_s + 0.4, _HORIZON_S)):
                gap = min(gap, _gap_to(points, radii, _expected(obstacle, t), radius))
        return gap


def radius_of(item: SceneObject) -> float:
    """Radius of a ball about the object's origin that holds all its parts, [m]."""
    radius = 0.0
    for part in item.parts:
        shape = part.shape
        if isinstance(shape, Box):
            size = float(np.linalg.norm(shape.half_extents_m))
        elif isinstance(shape, Capsule):
            size = 0.5 * shape.length_m + shape.radius_m
        elif isinstance(shape, ConvexHull):
            size = float(np.linalg.norm(shape.vertices_m, axis=1).max())
        elif isinstance(shape, HalfSpace):
            size = math.inf
        else:
            size = shape.radius_m
        radius = max(radius, float(np.linalg.norm(part.part_in_object[:3, 3])) + size)
    return radius


def _expected(obstacle: Obstacle, t_s: float) -> FloatArray:
    """Where the obstacle is expected: straight on, but hardly beyond where it has ever been."""
    place = np.asarray(obstacle.seen.object_in_world[:3, 3] + t_s * obstacle.velocity)
    low, high = obstacle.trail.min(axis=0) - _TRAIL_REACH_M, obstacle.trail.max(axis=0) + _TRAIL_REACH_M
    if len(obstacle.trail) < 4:
        return place
    return np.clip(place, low, high)


def _gap_to(points: FloatArray, radii: FloatArray, centre: FloatArray, radius_m: float) -> float:
    return float((np.linalg.norm(points - centre, axis=1) - radii).min()) - radius_m
