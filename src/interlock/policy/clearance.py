"""How far points are from what stands around."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Box, Capsule, SceneObject

__all__ = ["ClearanceField"]


class ClearanceField:
    """Signed distances from points to the parts of some objects, all parts at once.

    A ball is a box of no size with a radius, and so is every bead of a capsule: one formula serves the three.
    """

    def __init__(
        self,
        objects: Iterable[tuple[SceneObject, float]],
        beads: FloatArray | None = None,
        bead_radius_m: float = 0.0,
    ) -> None:
        """Collect the parts.

        Args:
            objects: each object and the clearance asked of it, [m], taken off every distance to it.
            beads: centres of further balls to keep clear of, shape (k, 3), [m].
            bead_radius_m: their radius, clearance included, [m].
        """
        rotations: list[FloatArray] = []
        centres: list[FloatArray] = []
        halves: list[FloatArray] = []
        offsets: list[float] = []
        for item, clearance_m in objects:
            for part in item.parts:
                pose = item.object_in_world @ part.part_in_object
                shape = part.shape
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
        for centre in beads if beads is not None else ():
            rotations.append(np.eye(3))
            centres.append(centre)
            halves.append(np.zeros(3))
            offsets.append(bead_radius_m)
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
        if self._empty:
            return np.full(len(points), np.inf)
        local = np.matmul(points, self._rotations) - self._shifts[:, None, :]
        excess = np.abs(local) - self._halves
        outside = np.sqrt((np.maximum(excess, 0.0) ** 2).sum(axis=2))
        inside = np.minimum(excess.max(axis=2), 0.0)
        distances: FloatArray = (outside + inside - self._offsets).min(axis=0) - radii
        return distances
