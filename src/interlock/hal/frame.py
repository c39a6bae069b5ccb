"""A picture from a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Camera", "Frame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture.

    Attributes:
        camera: name of the camera.
        stamp_ns: monotonic time at which it was taken, [ns].
        rgb: shape (height, width, 3), uint8, RGB order.
        role: role of the camera in its cell ("base", "wrist"); "" for none.
    """

    camera: str
    stamp_ns: int
    rgb: NDArray[np.uint8]
    role: str = ""


class Camera(Protocol):
    """Something that takes pictures."""

    name: str

    def capture(self) -> Frame:
        """Take one picture now."""
        ...
