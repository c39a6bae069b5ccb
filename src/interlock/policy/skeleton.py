"""The arm and the gripper as a few dozen balls: enough to choose a way by, no evidence for anyone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.policy.kinematics import ToolKinematics

__all__ = ["ArmSkeleton", "GripperShape"]

_SPACING_M = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class GripperShape:
    """The gripper's outline around the TCP, z out of the gripper and y closing.

    Attributes:
        half_span_m: half of the palm's extent along y, [m].
        half_depth_m: half of the palm's extent along x, [m].
        palm_above_tcp_m: distance from the TCP back to the palm, [m].
        tip_beyond_tcp_m: how far the finger tips reach beyond the TCP, [m].
        finger_half_span_m: half of the extent of the widest opened fingers along y, [m].
        finger_radius_m: half of a finger's thickness, [m].
    """

    half_span_m: float
    half_depth_m: float
    palm_above_tcp_m: float
    tip_beyond_tcp_m: float
    finger_half_span_m: float
    finger_radius_m: float


class ArmSkeleton:
    """Balls along the lines between joint origins, over the palm, the fingers and what is held.

    The fingers are taken at every width at once, as careful guards take them.
    """

    def __init__(self, kinematics: ToolKinematics, gripper: GripperShape, *, link_radius_m: float) -> None:
        """Place the balls once; only their frames move later.

        Args:
            kinematics: the arm.
            gripper: outline of the gripper.
            link_radius_m: radius given to every arm link, [m].
        """
        self._kinematics = kinematics
        self._gripper = gripper
        rotations, origins = kinematics.joint_poses(kinematics.home)
        points: list[FloatArray] = []
        frames: list[int] = []
        # The first two joints sit on the base column, which never leaves its place.
        for i, after in pairwise(kinematics.chain[2:]):
            local = rotations[i].T @ (origins[after] - origins[i])
            count = int(np.ceil(float(np.linalg.norm(local)) / _SPACING_M))
            points += [local * (k / count) for k in range(1, count + 1)]
            frames += [i] * count
        self._arm_count = len(points)
        flange = rotations[-1].T @ (origins[kinematics.chain[-1]] - origins[-1])
        back = float(min(flange[2], -gripper.palm_above_tcp_m - 0.03))
        palm, fingers = _palm_points(gripper, back), _finger_points(gripper)
        self._points: FloatArray = np.array(points + palm + fingers)
        self._frames = np.array(frames + [kinematics.dof] * (len(palm) + len(fingers)))
        palm_radius = min(gripper.half_depth_m, 0.04)
        self._radii: FloatArray = np.array(
            [link_radius_m] * len(points)
            + [palm_radius] * len(palm)
            + [gripper.finger_radius_m] * len(fingers)
        )
        self._link_radius_m = link_radius_m
        self._beside = _points_to(kinematics.beside())

    def balls(self, q: FloatArray, held: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Centres in the world, shape (k, 3), [m], and radii, shape (k,), [m].

        Args:
            q: joint positions, shape (n,), [rad].
            held: points of the held object in the tool frame, shape (m, 3), [m], or None.
        """
        rotations, origins = self._kinematics.joint_poses(q)
        points = np.einsum("kij,kj->ki", rotations[self._frames], self._points) + origins[self._frames]
        if held is None:
            return points, self._radii
        tool = held @ rotations[-1].T + origins[-1]
        return np.concatenate((points, tool)), np.concatenate((self._radii, np.full(len(held), 0.01)))

    def beside(self, q: FloatArray) -> tuple[FloatArray, float]:
        """Balls of an arm without the tool: centres in the world, shape (k, 3), and their radius, [m]."""
        rotations, origins = self._kinematics.joint_poses(q)
        centres = [rotations[i] @ point + origins[i] for i, point in self._beside]
        return np.array(centres).reshape(-1, 3), self._link_radius_m

    @property
    def arm_count(self) -> int:
        """How many of the balls, the first ones, belong to the arm and not to the gripper."""
        return self._arm_count


def _points_to(ends: tuple[tuple[int, FloatArray], ...]) -> list[tuple[int, FloatArray]]:
    """Points along the lines from joint origins to the ends of their links, with the joint's index."""
    points = []
    for joint, end in ends:
        count = max(1, int(np.ceil(float(np.linalg.norm(end)) / _SPACING_M)))
        points += [(joint, end * (k / count)) for k in range(count + 1)]
    return points


def _palm_points(gripper: GripperShape, back_m: float) -> list[FloatArray]:
    radius = min(gripper.half_depth_m, 0.04)
    reach = max(gripper.half_span_m - radius, 0.0)
    sides = np.linspace(-reach, reach, max(3, int(np.ceil(2 * reach / 0.05)) + 1))
    heights = np.arange(-gripper.palm_above_tcp_m - radius, back_m - 0.01, -0.05)
    return [np.array((0.0, y, z)) for z in heights for y in sides]


def _finger_points(gripper: GripperShape) -> list[FloatArray]:
    radius = gripper.finger_radius_m
    reach = gripper.finger_half_span_m - radius
    heights = np.linspace(-gripper.palm_above_tcp_m, gripper.tip_beyond_tcp_m - radius, 3)
    return [np.array((0.0, y, z)) for z in heights for y in np.linspace(-reach, reach, 5)]
