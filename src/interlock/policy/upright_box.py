"""An object as the box around it, standing on one of its faces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.bounds import shape_bounds
from interlock.hal.scene import SceneObject

__all__ = ["UprightBox"]

_UPRIGHT_COSINE = math.cos(math.radians(12.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class UprightBox:
    """The box around all parts of an object, along the object's own axes, one of them upright.

    Attributes:
        centre: centre in the world, shape (3,), [m].
        half_height_m: half of the extent along the world's z, [m].
        yaws: directions of the two level axes in the world's xy plane, [rad].
        half_widths_m: half of the extents along those, [m].
        centre_in_object: centre in the object's frame, shape (3,), [m].
        half_in_object: half extents in the object's frame, shape (3,), [m].
    """

    centre: FloatArray
    half_height_m: float
    yaws: tuple[float, float]
    half_widths_m: tuple[float, float]
    centre_in_object: FloatArray
    half_in_object: FloatArray

    @property
    def top_m(self) -> float:
        """Height of the top face, [m]."""
        return float(self.centre[2]) + self.half_height_m

    @property
    def bottom_m(self) -> float:
        """Height of the bottom face, [m]."""
        return float(self.centre[2]) - self.half_height_m

    def corners_in(self, object_in_frame: FloatArray) -> FloatArray:
        """The eight corners in another frame, shape (8, 3), [m].

        Args:
            object_in_frame: pose of the object in that frame, shape (4, 4), [m].
        """
        signs = np.array(list(product((-1.0, 1.0), repeat=3)))
        corners = self.centre_in_object + signs * self.half_in_object
        turned: FloatArray = corners @ object_in_frame[:3, :3].T + object_in_frame[:3, 3]
        return turned

    @staticmethod
    def of(item: SceneObject) -> UprightBox | None:
        """The box around `item`, or None if no axis of it is within 12 degrees of upright."""
        centre, half = _own_bounds(item)
        rotation = item.object_in_world[:3, :3]
        up = int(np.argmax(np.abs(rotation[2])))
        if abs(float(rotation[2, up])) < _UPRIGHT_COSINE:
            return None
        level = [axis for axis in range(3) if axis != up]
        first, second = (math.atan2(rotation[1, axis], rotation[0, axis]) for axis in level)
        return UprightBox(
            centre=np.asarray(rotation @ centre + item.object_in_world[:3, 3]),
            half_height_m=float(half[up]),
            yaws=(first, second),
            half_widths_m=(float(half[level[0]]), float(half[level[1]])),
            centre_in_object=centre,
            half_in_object=half,
        )


def _own_bounds(item: SceneObject) -> tuple[FloatArray, FloatArray]:
    """Centre and half extents of all parts in the object's own frame, each shape (3,), [m]."""
    lower, upper = np.full(3, np.inf), np.full(3, -np.inf)
    for part in item.parts:
        low, high = shape_bounds(part.shape, part.part_in_object)
        lower, upper = np.minimum(lower, low), np.maximum(upper, high)
    return 0.5 * (lower + upper), 0.5 * (upper - lower)
