"""Poses as 4x4 matrices, and as PyBullet wants them: a position and a quaternion (x, y, z, w)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from interlock.hal.arrays import FloatArray

__all__ = ["matrix_from_pose", "pose_from_matrix", "rotation_from_quaternion"]

Vector3 = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


def pose_from_matrix(matrix: FloatArray) -> tuple[Vector3, Quaternion]:
    """Position [m] and unit quaternion (x, y, z, w) of a pose of shape (4, 4)."""
    r = matrix[:3, :3].tolist()
    # Shepperd's method: divide by the largest of the four components, which is never near 0.
    squares = (
        1.0 + r[0][0] - r[1][1] - r[2][2],
        1.0 - r[0][0] + r[1][1] - r[2][2],
        1.0 - r[0][0] - r[1][1] + r[2][2],
        1.0 + r[0][0] + r[1][1] + r[2][2],
    )
    largest = max(range(4), key=squares.__getitem__)
    sums = (
        (squares[0], r[0][1] + r[1][0], r[0][2] + r[2][0], r[2][1] - r[1][2]),
        (r[0][1] + r[1][0], squares[1], r[1][2] + r[2][1], r[0][2] - r[2][0]),
        (r[0][2] + r[2][0], r[1][2] + r[2][1], squares[2], r[1][0] - r[0][1]),
        (r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1], squares[3]),
    )[largest]
    norm = math.sqrt(sum(s * s for s in sums))
    x, y, z, w = (s / norm for s in sums)
    px, py, pz = matrix[:3, 3].tolist()
    return (px, py, pz), (x, y, z, w)


def rotation_from_quaternion(quaternion: Sequence[float]) -> FloatArray:
    """Rotation matrix, shape (3, 3), of a unit quaternion (x, y, z, w)."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
        ]
    )


def matrix_from_pose(position: Sequence[float], quaternion: Sequence[float]) -> FloatArray:
    """Pose of shape (4, 4) from a position [m] and a unit quaternion (x, y, z, w)."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_from_quaternion(quaternion)
    matrix[:3, 3] = position
    return matrix
