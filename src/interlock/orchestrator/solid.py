"""The shape of one object of a cell: its parts, and the box around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray, frozen_array
from interlock.hal.bounds import shape_bounds
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, Part, Shape, Sphere
from interlock.orchestrator.cell_schema import PartSection

__all__ = ["Solid", "pose_matrix"]


def pose_matrix(position_m: Sequence[float], rpy_rad: Sequence[float]) -> FloatArray:
    """The pose of a roll, pitch, yaw about fixed axes [rad], then a shift [m]; shape (4, 4)."""
    (cr, cp, cy), (sr, sp, sy) = (tuple(f(a) for a in rpy_rad) for f in (math.cos, math.sin))
    pose = np.eye(4)
    pose[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    pose[:3, 3] = position_m
    return pose


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """The parts of an object and the box around them, in the object's frame.

    Attributes:
        parts: at least one.
        lower: lowest corner of the box around all parts, shape (3,), [m].
        upper: highest corner, shape (3,), [m].
    """

    parts: tuple[Part, ...]
    lower: FloatArray
    upper: FloatArray

    @classmethod
    def of(cls, sections: Sequence[PartSection]) -> Solid:
        """The solid that the `parts` of a cell file describe; each must name one shape."""
        parts = tuple(
            Part(shape=_shape(s), part_in_object=pose_matrix(s.position_m, s.rpy_rad)) for s in sections
        )
        bounds = [shape_bounds(part.shape, part.part_in_object) for part in parts]
        lower = np.min([low for low, _ in bounds], axis=0)
        upper = np.max([high for _, high in bounds], axis=0)
        return cls(
            parts=parts, lower=frozen_array(lower, (3,), "lower"), upper=frozen_array(upper, (3,), "upper")
        )

    @property
    def size(self) -> FloatArray:
        """Extents of the box around all parts, shape (3,), [m]."""
        return self.upper - self.lower


def _shape(section: PartSection) -> Shape:
    if section.box is not None:
        return Box(half_extents_m=np.array(section.box.size_m) / 2.0)
    if section.sphere is not None:
        return Sphere(radius_m=section.sphere.radius_m)
    if section.capsule is not None:
        return Capsule(radius_m=section.capsule.radius_m, length_m=section.capsule.length_m)
    if section.convex_hull is not None:
        return ConvexHull(vertices_m=np.array(section.convex_hull.vertices_m))
    if section.half_space is not None:
        normal = np.array(section.half_space.normal)
        length = float(np.linalg.norm(normal))
        return HalfSpace(normal=normal / length, offset_m=section.half_space.offset_m)
    raise ValueError("a part without a shape was not refused by the rules")
