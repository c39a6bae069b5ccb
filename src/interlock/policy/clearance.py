"""How far points are from what stands around."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.polytope import polytope_of
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, SceneObject, Shape

__all__ = ["ClearanceField"]


class ClearanceField:
    """Signed distances from points to the parts of some objects, all parts at once.

    A ball is a box of no size with a radius, and so is every bead of a capsule: one formula serves the three.
    A hull is as far as the farthest of its planes, which is less than its distance near edges and corners.
    """

    def __init__(
        self,
        objects: Iterable[tuple[SceneObject, float]],
        beads: FloatArray | None = None,
        bead_radius_m: float | FloatArray = 0.0,
    ) -> None:
        """Collect the parts.

        Args:
            objects: each object and the clearance asked of it, [m], taken off every distance to it.
            beads: centres of further balls to keep clear of, shape (k, 3), [m].
            bead_radius_m: their radius, clearance included, one for all or shape (k,), [m].
        """
        rotations: list[FloatArray] = []
        centres: list[FloatArray] = []
        halves: list[FloatArray] = []
        offsets: list[float] = []
        self._planes: list[tuple[FloatArray, FloatArray]] = []
        for item, clearance_m in objects:
            for part in item.parts:
                pose = item.object_in_world @ part.part_in_object
                shape = part.shape
                if isinstance(shape, (ConvexHull, HalfSpace)):
                    self._planes.append(_planes(shape, pose, clearance_m))
                    continue
                places, half, radius = [0.0], np.zeros(3), 0.0
                if isinstance(shape, Box):
                    half = shape.half_extents_m
                elif isinstance(shape, Capsule):
                    radius, reach = shape.radius_m, 0.5 * shape.length_m
                    places = list(np.linspace(-reach, reach, 1 + 2 * int(np.ceil(reach / (0.5 * radius)))))
                else:
                    radius = shape.radius_m
                for place in places:
                    rotations.append(pose[:3, :3])
                    centres.append(pose[:3, 3] + place * pose[:3, 2])
                    halves.append(half)
                    offsets.append(radius + clearance_m)
        beads = np.zeros((0, 3)) if beads is None else beads
        for centre, radius in zip(beads, np.broadcast_to(bead_radius_m, len(beads)), strict=True):
            rotations.append(np.eye(3))
            centres.append(centre)
            halves.append(np.zeros(3))
            offsets.append(float(radius))
        self._empty = not centres
        if not self._empty:
            self._rotations = np.array(rotations)
            self._shifts = np.einsum("bij,bi->bj", self._rotations, np.array(centres))
            self._halves = np.array(halves)[:, None, :]
            self._offsets = np.array(offsets)[:, None]

    def distance(self, points: FloatArray, radii: FloatArray) -> float:
        """Smallest distance left after radii and clearances, [m]; negative: too near; inf: nothing there.

        Args:
            points: shape (k, 3), [m], in the world.
            radii: shape (k,), [m].
        """
        return float(self.distances(points, radii).min(initial=np.inf))

    def distances(self, points: FloatArray, radii: FloatArray) -> FloatArray:
        """The same for each point, shape (k,), [m]."""
        found = np.full(len(points), np.inf)
        for normals, offsets in self._planes:
            found = np.minimum(found, (points @ normals.T - offsets).max(axis=1) - radii)
        return found if self._empty else np.minimum(found, self._to_boxes(points, radii))

    def _to_boxes(self, points: FloatArray, radii: FloatArray) -> FloatArray:
        local = np.matmul(points, self._rotations) - self._shifts[:, None, :]
        excess = np.abs(local) - self._halves
        outside = np.sqrt((np.maximum(excess, 0.0) ** 2).sum(axis=2))
        inside = np.minimum(excess.max(axis=2), 0.0)
        distances: FloatArray = (outside + inside - self._offsets).min(axis=0) - radii
        return distances


def _planes(shape: Shape, pose: FloatArray, clearance_m: float) -> tuple[FloatArray, FloatArray]:
    """Outward normals (f, 3) and offsets (f,) [m] in the world of the planes that a shape lies below."""
    local, centre = np.empty((0, 4)), pose[:3, 3]
    if isinstance(shape, HalfSpace):
        local = np.append(shape.normal, shape.offset_m)[None]
    elif isinstance(shape, ConvexHull) and (hull := polytope_of(shape.vertices_m)) is not None:
        local, centre = hull.facets, centre + pose[:3, :3] @ hull.centre
    normals = local[:, :3] @ pose[:3, :3].T
    return normals, local[:, 3] + normals @ centre + clearance_m
