"""Poses of a tool that points straight down."""

from __future__ import annotations

import math

import numpy as np

from interlock.hal.arrays import FloatArray

__all__ = ["pose_down", "rotation_down", "yaw_of"]


def rotation_down(yaw_rad: float) -> FloatArray:
    """Rotation of a tool whose z axis points down and whose x axis has this yaw, shape (3, 3)."""
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])


def pose_down(position: FloatArray, yaw_rad: float) -> FloatArray:
    """Pose of a tool that points down at `position`, shape (4, 4), [m]."""
    pose = np.eye(4)
    pose[:3, :3] = rotation_down(yaw_rad)
    pose[:3, 3] = position
    return pose


def yaw_of(rotation: FloatArray) -> float:
    """Yaw of the tool-down rotation nearest to `rotation` (3, 3), [rad]."""
    return math.atan2(rotation[0, 1] + rotation[1, 0], rotation[0, 0] - rotation[1, 1])
