"""Where the plane of a half-space is."""

from __future__ import annotations

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import HalfSpace

__all__ = ["plane_of"]


def plane_of(shape: HalfSpace, pose: FloatArray) -> FloatArray:
    """A pose on the plane of a half-space at `pose`, its z axis leads out; both shape (4, 4), [m].

    It stands at the point of the plane that is nearest to the origin of the frame that `pose` is given in.
    """
    way = pose[:3, :3] @ shape.normal
    offset_m = shape.offset_m / float(np.linalg.norm(shape.normal))
    plane = np.eye(4)
    z = way / np.linalg.norm(way)
    x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
    x /= np.linalg.norm(x)
    plane[:3, 0], plane[:3, 1], plane[:3, 2] = x, np.cross(z, x), z
    plane[:3, 3] = (z @ pose[:3, 3] + offset_m) * z
    return plane
