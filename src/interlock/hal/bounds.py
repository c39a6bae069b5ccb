"""The box around a shape, along the axes of a frame."""

from __future__ import annotations

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.half_space import plane_of
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, SceneObject, Shape

__all__ = ["object_size", "shape_bounds"]

_ACROSS_M = 10.0  # how far a half-space is drawn out, to each side and in depth
_LEVEL = 1e-6


def object_size(thing: SceneObject) -> FloatArray:
    """Full lengths of a box around all parts, along the object's own axes, shape (3,), [m]."""
    corners = [shape_bounds(part.shape, part.part_in_object) for part in thing.parts]
    lower, upper = np.min([low for low, _ in corners], axis=0), np.max([high for _, high in corners], axis=0)
    size: FloatArray = upper - lower
    return size


def shape_bounds(shape: Shape, pose: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest corner of a shape at `pose`, shape (4, 4), in the frame of the pose; (3,) each, [m].

    A half-space has no end: the box is a slab below its plane, 10 m deep and 10 m to each side. If its plane
    is along none of the axes, no box would say where it is, and a point of the plane is given instead.
    """
    rotation, centre = pose[:3, :3], pose[:3, 3]
    if isinstance(shape, ConvexHull):
        points = shape.vertices_m @ rotation.T + centre
        return points.min(axis=0), points.max(axis=0)
    if isinstance(shape, HalfSpace):
        return _slab(plane_of(shape, pose))
    if isinstance(shape, Box):
        half = np.abs(rotation) @ shape.half_extents_m
    elif isinstance(shape, Capsule):
        half = np.abs(rotation[:, 2]) * (0.5 * shape.length_m) + shape.radius_m
    else:
        half = np.full(3, shape.radius_m)
    return centre - half, centre + half


def _slab(plane: FloatArray) -> tuple[FloatArray, FloatArray]:
    normal, surface = plane[:3, 2], plane[:3, 3]
    axis = int(np.argmax(np.abs(normal)))
    if abs(normal[axis]) < 1.0 - _LEVEL:
        return surface.copy(), surface.copy()
    lower, upper = surface - _ACROSS_M, surface + _ACROSS_M
    if normal[axis] > 0.0:
        upper[axis] = surface[axis]
    else:
        lower[axis] = surface[axis]
    return lower, upper
