"""A picture from a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interlock.hal.arrays import FloatArray

__all__ = ["Camera", "Frame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture.

    Attributes:
        camera: name of the camera.
        stamp_ns: monotonic time at which it was taken, [ns].
        rgb: shape (height, width, 3), uint8, RGB order.
        role: role of the camera in its cell ("base", "wrist"); "" for none.
        projection: camera matrix of a pinhole camera, shape (3, 4): it takes a point of the world
            (x, y, z, 1), [m], to (column·w, row·w, w), column and row from 0 to 1 across the picture, w > 0
            in front of the camera; None where it is not known.
    """

    camera: str
    stamp_ns: int
    rgb: NDArray[np.uint8]
    role: str = ""
    projection: FloatArray | None = None


class Camera(Protocol):
    """Something that takes pictures."""

    name: str

    def capture(self) -> Frame:
        """Take one picture now."""
        ...
