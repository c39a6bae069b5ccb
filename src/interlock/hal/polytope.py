"""The faces of a convex hull: computed once from its vertices, the same numbers every time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull as Qhull
from scipy.spatial import QhullError

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import FURTHEST_M

__all__ = ["MOST_IN_ALL", "MOST_VERTICES", "THINNEST_M", "Polytope", "polytope_of"]

MOST_VERTICES = 64
"""A hull of more vertices would take too much of a tick."""

MOST_IN_ALL = 1024
"""And so would hulls of more vertices together than this."""

THINNEST_M = 1e-4
"""A hull thinner than this across one of its faces is none: rounding would say where it is, [m]."""

_KEPT = 256  # hulls whose faces are remembered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Polytope:
    """A convex solid, all about its own middle, so that far coordinates round no more than near ones.

    The solid lies inside all facets.

    Attributes:
        centre: where the middle is in the frame of the vertices, shape (3,), [m].
        corners: its corners, shape (m, 3), [m].
        facets: outward unit normal n and offset o of each plane n . x <= o, shape (f, 4), [m].
        edges: both ends, and n and o of both facets that meet there, shape (g, 14), [m].
        triangles: corners of each triangle of the surface, counter-clockwise from outside, shape (t, 3).
    """

    centre: FloatArray
    corners: FloatArray
    facets: FloatArray
    edges: FloatArray
    triangles: NDArray[np.int64]


def polytope_of(vertices_m: FloatArray) -> Polytope | None:
    """The hull of points, shape (m, 3), [m]; None if it is thinner than `THINNEST_M`, or beyond `FURTHEST_M`.

    Numbers that are far larger, though finite, would crash the library that builds it.
    """
    return _built(np.ascontiguousarray(vertices_m, dtype=np.float64).tobytes())


@lru_cache(maxsize=_KEPT)
def _built(data: bytes) -> Polytope | None:
    given = np.frombuffer(data, dtype=np.float64).reshape(-1, 3)
    if len(given) < 4 or not np.abs(given).max() <= FURTHEST_M:  # NaN too
        return None
    centre = (given.min(axis=0) + given.max(axis=0)) / 2.0
    vertices = given - centre
    try:
        hull = Qhull(vertices)
    except (QhullError, ValueError):
        return None
    planes, plane_of = np.unique(hull.equations[:, :3], axis=0, return_inverse=True)
    heights = planes @ vertices.T
    if not (heights.max(axis=1) - heights.min(axis=1)).min() >= THINNEST_M:
        return None
    # as far out as the outermost vertex: what is rounded away is never a piece of the solid
    facets = np.column_stack([planes, heights.max(axis=1)])
    triangles = _outward(vertices, hull.simplices, hull.equations[:, :3])
    edges = _edges(vertices, triangles, plane_of.ravel(), facets)
    if edges is None:
        return None
    used = np.unique(triangles)
    found = Polytope(
        centre=centre,
        corners=vertices[used],
        facets=facets,
        edges=edges,
        triangles=np.searchsorted(used, triangles),
    )
    for array in (found.centre, found.corners, found.facets, found.edges, found.triangles):
        array.setflags(write=False)
    return found


def _outward(vertices: FloatArray, simplices: NDArray[np.int32], normals: FloatArray) -> NDArray[np.int64]:
    a, b, c = (vertices[simplices[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), normals) < 0.0
    turned = simplices.astype(np.int64)
    turned[inward] = turned[inward][:, [0, 2, 1]]
    return turned


def _edges(
    vertices: FloatArray, triangles: NDArray[np.int64], plane_of: NDArray[np.int64], facets: FloatArray
) -> FloatArray | None:
    """The edges between two facets; None if the triangles do not close."""
    sides: dict[tuple[int, int], list[int]] = {}
    for triangle, plane in zip(triangles.tolist(), plane_of.tolist(), strict=True):
        for k in range(3):
            one, other = triangle[k], triangle[(k + 1) % 3]
            sides.setdefault((min(one, other), max(one, other)), []).append(plane)
    if any(len(planes) != 2 for planes in sides.values()):
        return None
    rows = [
        np.concatenate([vertices[one], vertices[other], facets[first], facets[second]])
        for (one, other), (first, second) in sorted(sides.items())
        if first != second
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 14)
