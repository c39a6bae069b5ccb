"""Where a segment and a convex hull are nearest, by the hull's corners alone, as kernels, for the projector.

Gilbert, Johnson, Keerthi (IEEE J. Robotics and Automation 4, 1988): the distance is that of the origin to the
convex set of all differences (point of the segment - point of the hull), whose corners are differences of
corners. A simplex of at most four of them closes in on the origin. The verifier asks `hull_distance`, which
goes by faces and edges; neither uses anything of the other.
"""

from __future__ import annotations

import math

import numpy as np

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["nearest_on_hull"]

_LARGEST = 1e30  # beyond this a coordinate [m] is no coordinate
_ROUNDS = 100  # of which about five are used
_TINY = 1e-30  # a squared length below this is a point's, [m^2]
_FLAT = 1e-12  # a tetrahedron whose volume is this share of its edges' product holds nothing
_DONE = 1e-15  # relative


@kernel
def _dot(a: FloatArray, i: int, j: int) -> float:
    product: float = a[i, 0] * a[j, 0] + a[i, 1] * a[j, 1] + a[i, 2] * a[j, 2]
    return product


@kernel
def _try(
    points: FloatArray, weights: FloatArray, best: float, out_weights: FloatArray, out_nearest: FloatArray
) -> float:
    """Take the point of these weights if it is nearer to the origin than `best` [m^2]; the least of both."""
    x = 0.0
    y = 0.0
    z = 0.0
    for k in range(4):
        if weights[k] != 0.0:
            x += weights[k] * points[k, 0]
            y += weights[k] * points[k, 1]
            z += weights[k] * points[k, 2]
    square = x * x + y * y + z * z
    if not square < best:
        return best
    for k in range(4):
        out_weights[k] = weights[k]
    out_nearest[0] = x
    out_nearest[1] = y
    out_nearest[2] = z
    return square


@kernel
def _nearest_of_simplex(
    points: FloatArray,
    count: int,
    weights: FloatArray,
    out_weights: FloatArray,
    out_nearest: FloatArray,
) -> float:
    """Squared distance of the origin to a simplex; writes the nearest point and its weights.

    Corners, edges and triangles are all tried and the nearest is taken, so that flat simplices need no care.
    """
    best = math.inf
    for i in range(count):
        weights[:] = 0.0
        weights[i] = 1.0
        best = _try(points, weights, best, out_weights, out_nearest)
    for i in range(count):
        for j in range(i + 1, count):
            ii = _dot(points, i, i)
            jj = _dot(points, j, j)
            ij = _dot(points, i, j)
            length = ii + jj - 2.0 * ij
            share = (ii - ij) / length if length > _TINY else 0.0
            if 0.0 < share < 1.0:
                weights[:] = 0.0
                weights[i] = 1.0 - share
                weights[j] = share
                best = _try(points, weights, best, out_weights, out_nearest)
    for left in range(4):
        if (count == 3 and left < 3) or count < 3:
            continue
        i = 1 if left == 0 else 0
        j = 2 if left < 2 else 1
        k = 2 if left == 3 else 3
        ux = points[j, 0] - points[i, 0]
        uy = points[j, 1] - points[i, 1]
        uz = points[j, 2] - points[i, 2]
        vx = points[k, 0] - points[i, 0]
        vy = points[k, 1] - points[i, 1]
        vz = points[k, 2] - points[i, 2]
        nx = uy * vz - uz * vy
        ny = uz * vx - ux * vz
        nz = ux * vy - uy * vx
        nn = nx * nx + ny * ny + nz * nz
        if not nn > 0.0:
            continue
        # the origin's projection is i + s u + t v
        wx = -points[i, 0]
        wy = -points[i, 1]
        wz = -points[i, 2]
        s = ((wy * vz - wz * vy) * nx + (wz * vx - wx * vz) * ny + (wx * vy - wy * vx) * nz) / nn
        t = ((uy * wz - uz * wy) * nx + (uz * wx - ux * wz) * ny + (ux * wy - uy * wx) * nz) / nn
        if s > 0.0 and t > 0.0 and s + t < 1.0:
            weights[:] = 0.0
            weights[i] = 1.0 - s - t
            weights[j] = s
            weights[k] = t
            best = _try(points, weights, best, out_weights, out_nearest)
    if count == 4 and _holds_origin(points, weights):
        best = 0.0
        for k in range(4):
            out_weights[k] = weights[k]
        out_nearest[:] = 0.0
    return best


@kernel
def _triple(points: FloatArray, i: int, j: int, k: int) -> float:
    """Six times the signed volume of the origin and three points."""
    product: float = points[i, 0] * (points[j, 1] * points[k, 2] - points[j, 2] * points[k, 1])
    product += points[i, 1] * (points[j, 2] * points[k, 0] - points[j, 0] * points[k, 2])
    product += points[i, 2] * (points[j, 0] * points[k, 1] - points[j, 1] * points[k, 0])
    return product


@kernel
def _holds_origin(points: FloatArray, out_weights: FloatArray) -> bool:
    """Whether a tetrahedron that is not flat has the origin inside; writes its weights."""
    out_weights[0] = _triple(points, 1, 2, 3)
    out_weights[1] = -_triple(points, 0, 2, 3)
    out_weights[2] = _triple(points, 0, 1, 3)
    out_weights[3] = -_triple(points, 0, 1, 2)
    volume = out_weights[0] + out_weights[1] + out_weights[2] + out_weights[3]
    size = 1.0
    for k in range(3):
        size *= math.sqrt(
            (points[k, 0] - points[3, 0]) ** 2
            + (points[k, 1] - points[3, 1]) ** 2
            + (points[k, 2] - points[3, 2]) ** 2
        )
    if not abs(volume) > _FLAT * size:
        return False
    for k in range(4):
        out_weights[k] /= volume
        if out_weights[k] < 0.0:
            return False
    return True


@kernel
def nearest_on_hull(
    a: FloatArray,
    b: FloatArray,
    rot: FloatArray,
    pos: FloatArray,
    first: int,
    last: int,
    corners: FloatArray,
    out_pa: FloatArray,
    out_pb: FloatArray,
) -> float:
    """Distance of a segment and a hull, [m]; 0 where they meet, and the points are then one.

    Args:
        a: first end of the segment in the world, shape (3,).
        b: second end, shape (3,).
        rot: rotation hull-in-world, shape (3, 3).
        pos: the hull's origin in the world, shape (3,).
        first: the hull's first row of `corners`.
        last: one past its last.
        corners: corners of all hulls, each in the frame of its own, shape (v, 3).
        out_pa: closest point on the segment, shape (3,), written.
        out_pb: closest point of the hull, shape (3,), written.
    """
    ends = np.empty((2, 3))
    total = 0.0
    for r in range(3):
        ends[0, r] = 0.0
        ends[1, r] = 0.0
        for i in range(3):
            ends[0, r] += rot[i, r] * (a[i] - pos[i])
            ends[1, r] += rot[i, r] * (b[i] - pos[i])
        total += abs(ends[0, r]) + abs(ends[1, r])
    for k in range(first, last):
        total += abs(corners[k, 0]) + abs(corners[k, 1]) + abs(corners[k, 2])
    if not total < _LARGEST:
        out_pa[:] = math.nan
        out_pb[:] = math.nan
        return math.nan
    points = np.zeros((4, 3))  # the simplex, and the corners that its points are differences of
    end_of = np.zeros(4, dtype=np.int64)
    corner_of = np.zeros(4, dtype=np.int64)
    weights = np.zeros(4)
    share = np.zeros(4)
    nearest = np.empty(3)
    corner_of[0] = first
    for r in range(3):
        points[0, r] = ends[0, r] - corners[first, r]
    count = 1
    square = _nearest_of_simplex(points, count, weights, share, nearest)
    for _ in range(_ROUNDS):
        if not square > _TINY:
            break
        x = nearest[0]
        y = nearest[1]
        z = nearest[2]
        at_start = x * ends[0, 0] + y * ends[0, 1] + z * ends[0, 2]
        at_end = x * ends[1, 0] + y * ends[1, 1] + z * ends[1, 2]
        end = 0 if at_start <= at_end else 1
        corner = first
        most = -math.inf
        for k in range(first, last):
            along = x * corners[k, 0] + y * corners[k, 1] + z * corners[k, 2]
            if along > most:
                most = along
                corner = k
        if square - (min(at_start, at_end) - most) <= _DONE * square:
            break
        known = False
        for k in range(count):
            known = known or (end_of[k] == end and corner_of[k] == corner)
        if known or count == 4:
            break
        end_of[count] = end
        corner_of[count] = corner
        for r in range(3):
            points[count, r] = ends[end, r] - corners[corner, r]
        count += 1
        before = square
        square = _nearest_of_simplex(points, count, weights, share, nearest)
        kept = 0
        for k in range(count):
            if share[k] > 0.0:
                share[kept] = share[k]
                end_of[kept] = end_of[k]
                corner_of[kept] = corner_of[k]
                for r in range(3):
                    points[kept, r] = points[k, r]
                kept += 1
        for k in range(kept, 4):
            share[k] = 0.0
        count = kept
        if not square < before:
            break
    for r in range(3):
        out_pa[r] = pos[r]
        out_pb[r] = pos[r]
        for i in range(3):
            on_segment = 0.0
            on_hull = 0.0
            for k in range(count):
                on_segment += share[k] * ends[end_of[k], i]
                on_hull += share[k] * corners[corner_of[k], i]
            out_pa[r] += rot[r, i] * on_segment
            out_pb[r] += rot[r, i] * on_hull
    return math.sqrt(square) if square > _TINY else 0.0
