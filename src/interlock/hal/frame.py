"""A picture from a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Camera", "Frame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture: `rgb` has shape (height, width, 3), uint8, RGB order; `stamp_ns` is monotonic, [ns]."""

    camera: str
    stamp_ns: int
    rgb: NDArray[np.uint8]


class Camera(Protocol):
    """Something that takes pictures."""

    name: str

    def capture(self) -> Frame:
        """Take one picture now."""
        ...
