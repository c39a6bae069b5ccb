"""How far a turn of one joint can move a point, bounded over all configurations at once.

A joint that turns by one radian moves a point by at most the point's distance from the joint's axis. To bound
that distance over every configuration of the joints between, the set of places where the point can be is
carried from joint to joint. A full turn about an axis spreads it over a solid of revolution; its outline is
replaced by a polygon of tangents around it, and the ring of each corner by a regular polygon around the ring.
The distance from an axis is convex, so its greatest value over the hull of all corners is attained at a
corner. Nothing is sampled: the bound holds, and is at most 0.4 % wide for each joint it passes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interlock.hal.arrays import FloatArray

__all__ = ["Reach"]

_SIDES = 64
_ANGLE = np.arange(_SIDES) * 2.0 * math.pi / _SIDES
_COS, _SIN = np.cos(_ANGLE) / math.cos(math.pi / _SIDES), np.sin(_ANGLE) / math.cos(math.pi / _SIDES)
_TILT = np.linspace(-math.pi / 2.0, math.pi / 2.0, 25)
_TILT_COS, _TILT_SIN = np.cos(_TILT), np.sin(_TILT)
_TILT_TURN = math.sin(_TILT[1] - _TILT[0])
_ROUNDING = 1e-9  # keeps a bound a bound after rounding, and that of a joint that does move it above 0


class Reach:
    """Motion bounds on one kinematic tree.

    Args:
        joint_parent: see `kinematics`.
        joint_rot: see `kinematics`.
        joint_pos: see `kinematics`.
        joint_axis: see `kinematics`.
        joint_prismatic: see `kinematics`.
        q_min: lowest joint positions, shape (n,); only those of sliding joints matter, [m].
        q_max: highest joint positions, shape (n,), [m].
    """

    def __init__(
        self,
        joint_parent: NDArray[np.int64],
        joint_rot: FloatArray,
        joint_pos: FloatArray,
        joint_axis: FloatArray,
        joint_prismatic: NDArray[np.bool_],
        q_min: FloatArray,
        q_max: FloatArray,
    ) -> None:
        self._parent = joint_parent
        self._rot = joint_rot
        self._pos = joint_pos
        self._axis = joint_axis
        self._slides = joint_prismatic
        self._range = np.stack([q_min, q_max], axis=1)

    def chain(self, joint: int) -> list[int]:
        """`joint` and all joints that carry it, nearest first; empty for the world."""
        found = []
        while joint >= 0:
            found.append(joint)
            joint = int(self._parent[joint])
        return found

    def forward(self, joint: int, points: FloatArray) -> FloatArray:
        """Bound on how far each joint moves any of `points`, shape (n,), [m/rad or 1].

        Args:
            joint: joint that carries the points, -1 for the world.
            points: in that joint's frame, shape (k, 3), [m].
        """
        bound = np.zeros(len(self._parent))
        for i in self.chain(joint):
            bound[i] = self._bound(i, points)
            points = self._pos[i] + self._spread(i, points, 1.0) @ self._rot[i].T
        return bound

    def backward(self, joint: int, points: FloatArray) -> FloatArray:
        """The same for joints that do not carry the points, as seen from beyond the joint, shape (n,).

        Entry i bounds the distance of the points from axis i; 0 for joints that do carry them.
        """
        bound = np.zeros(len(self._parent))
        places = {joint: points}  # where the points can be, in the frame of each joint that carries them
        for i in self.chain(joint):
            points = self._pos[i] + self._spread(i, points, 1.0) @ self._rot[i].T
            places[int(self._parent[i])] = points
        carriers = set(self.chain(joint))
        for i in range(len(self._parent)):  # parents come first
            if i in carriers:
                continue
            before = (places[int(self._parent[i])] - self._pos[i]) @ self._rot[i]
            bound[i] = self._bound(i, before)
            places[i] = self._spread(i, before, -1.0)
        return bound

    def _bound(self, i: int, points: FloatArray) -> float:
        if self._slides[i]:
            return 1.0
        return float(self._across(i, points).max()) * (1.0 + _ROUNDING) + _ROUNDING

    def _across(self, i: int, points: FloatArray) -> FloatArray:
        distance: FloatArray = np.linalg.norm(np.cross(self._axis[i], points), axis=1)
        return distance

    def _spread(self, i: int, points: FloatArray, sign: float) -> FloatArray:
        """Corners around all places of the points while joint i takes every position."""
        axis = self._axis[i]
        if self._slides[i]:
            return np.vstack([points + sign * q * axis for q in self._range[i]])
        first = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
        first = first / np.linalg.norm(first)
        ring = np.outer(_COS, first) + np.outer(_SIN, np.cross(axis, first))
        return np.vstack(
            [wide * ring + high * axis for wide, high in _outline(self._across(i, points), points @ axis)]
        )


def _outline(wide: FloatArray, high: FloatArray) -> FloatArray:
    """Corners of a polygon around points of the half plane wide >= 0, open towards the axis, shape (k, 2)."""
    reach = (np.outer(_TILT_COS, wide) + np.outer(_TILT_SIN, high)).max(axis=1)
    # neighbouring tangents meet; the first and the last are the lids, which go on to the axis
    corner_wide = (reach[:-1] * _TILT_SIN[1:] - reach[1:] * _TILT_SIN[:-1]) / _TILT_TURN
    corner_high = (reach[1:] * _TILT_COS[:-1] - reach[:-1] * _TILT_COS[1:]) / _TILT_TURN
    return np.stack([np.maximum(corner_wide, 0.0), corner_high], axis=1)
