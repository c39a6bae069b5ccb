"""Exact distances between segments and convex hulls by their faces and edges, as kernels, for the verifier.

The projector asks `hull_nearest`, which knows the corners only; neither uses anything of the other. See
`distance` for what all kernels of distances share.
"""

from __future__ import annotations

import math

from interlock.guards.compile import kernel
from interlock.guards.distance import segment_segment_scalars
from interlock.hal.arrays import FloatArray

__all__ = ["segment_hull", "segment_hull_local"]

_LARGEST = 1e30  # beyond this a coordinate [m] is no coordinate
_ON_M = 1e-12  # a point this far out of a face still counts as on it: less distance, never more
_ROUNDING = 1e-15  # what rounding can add to that, a metre of the coordinates
_SHOWN_M = 1e-9  # a distance is given if a plane shows that it is no more than this too great

_Closest = tuple[float, float, float, float, float, float, float]


@kernel
def _height(x: float, y: float, z: float, row: int, column: int, planes: FloatArray) -> float:
    """How far a point is above the plane whose normal and offset start at `column` of a row, [m]."""
    height: float = planes[row, column] * x + planes[row, column + 1] * y + planes[row, column + 2] * z
    height -= planes[row, column + 3]
    return height


@kernel
def _is_below_others(
    x: float, y: float, z: float, face: int, first: int, last: int, slack: float, facets: FloatArray
) -> bool:
    for k in range(first, last):
        if k != face and not _height(x, y, z, k, 0, facets) <= slack:
            return False
    return True


@kernel
def _top(x: float, y: float, z: float, first: int, last: int, edges: FloatArray) -> float:
    """How far a hull reaches in a direction, [m]."""
    most = -math.inf
    for k in range(first, last):
        most = max(most, x * edges[k, 0] + y * edges[k, 1] + z * edges[k, 2])
        most = max(most, x * edges[k, 3] + y * edges[k, 4] + z * edges[k, 5])
    return most


@kernel
def segment_hull_local(
    px: float,
    py: float,
    pz: float,
    qx: float,
    qy: float,
    qz: float,
    first_facet: int,
    last_facet: int,
    first_edge: int,
    last_edge: int,
    facets: FloatArray,
    edges: FloatArray,
) -> _Closest:
    """Distance of segment pq to a hull in the hull's frame: (distance, point on pq, point of the hull).

    The segment is clipped by all facets; what is left of it is inside, and the distance is 0. If nothing is
    left, the least distance lies at an end point above the facet that it is highest above, or between the
    segment and an edge. An edge whose two facets both have the whole segment below them cannot be nearest,
    nor can one in a facet that the whole segment is higher above than what was found already.

    What is found is given only if a plane between the two shows it: the planes at right angles to the way
    between the points, one through each, have the segment on one side and the hull on the other. Where
    rounding leaves a doubt, what a plane does show is given: less than the distance, never more.
    """
    total = abs(px) + abs(py) + abs(pz) + abs(qx) + abs(qy) + abs(qz)
    size = total
    enter = 0.0
    leave = 1.0
    least = -math.inf  # no point of the segment is nearer than this, which this facet shows
    least_top = first_facet
    start_most = -math.inf
    end_most = -math.inf
    start_top = first_facet
    end_top = first_facet
    for k in range(first_facet, last_facet):
        start = _height(px, py, pz, k, 0, facets)
        end = _height(qx, qy, qz, k, 0, facets)
        total += abs(start) + abs(end)
        size = max(size, abs(facets[k, 3]))
        if min(start, end) > least:
            least = min(start, end)
            least_top = k
        if start > start_most:
            start_most = start
            start_top = k
        if end > end_most:
            end_most = end
            end_top = k
        if start > 0.0 and end > 0.0:
            leave = -1.0
        elif start > 0.0:
            enter = max(enter, start / (start - end))
        elif end > 0.0:
            leave = min(leave, start / (start - end))
    if not total < _LARGEST:
        return math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan
    if enter <= leave:
        t = 0.5 * (enter + leave)
        x = px + t * (qx - px)
        y = py + t * (qy - py)
        z = pz + t * (qz - pz)
        return 0.0, x, y, z, x, y, z
    slack = _ON_M + _ROUNDING * size
    best = math.inf
    found = (best, px, py, pz, px, py, pz)
    for side in range(2):
        x = px if side == 0 else qx
        y = py if side == 0 else qy
        z = pz if side == 0 else qz
        height = start_most if side == 0 else end_most
        face = start_top if side == 0 else end_top
        fx = x - height * facets[face, 0]
        fy = y - height * facets[face, 1]
        fz = z - height * facets[face, 2]
        if height < best and _is_below_others(fx, fy, fz, face, first_facet, last_facet, slack, facets):
            best = height
            found = (height, x, y, z, fx, fy, fz)
    if best <= least:
        return found
    for k in range(first_edge, last_edge):
        one_start = _height(px, py, pz, k, 6, edges)
        one_end = _height(qx, qy, qz, k, 6, edges)
        two_start = _height(px, py, pz, k, 10, edges)
        two_end = _height(qx, qy, qz, k, 10, edges)
        if max(one_start, one_end) < -slack and max(two_start, two_end) < -slack:
            continue
        if min(one_start, one_end) >= best or min(two_start, two_end) >= best:
            continue
        near = segment_segment_scalars(
            px, py, pz, qx, qy, qz,
            edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3], edges[k, 4], edges[k, 5],
        )  # fmt: skip
        if not near[0] >= best:  # NaN too
            best = near[0]
            found = near
            if not best >= 0.0:
                return found
    if best <= _SHOWN_M:
        return found
    nx = (found[1] - found[4]) / best
    ny = (found[2] - found[5]) / best
    nz = (found[3] - found[6]) / best
    at_start = nx * px + ny * py + nz * pz
    at_end = nx * qx + ny * qy + nz * qz
    shown = min(at_start, at_end) - _top(nx, ny, nz, first_edge, last_edge, edges)
    if shown >= best - _SHOWN_M:
        return found
    if not shown >= least:
        shown = least
        nx = facets[least_top, 0]
        ny = facets[least_top, 1]
        nz = facets[least_top, 2]
        at_start = nx * px + ny * py + nz * pz
        at_end = nx * qx + ny * qy + nz * qz
    shown = max(shown, 0.0)
    x = px if at_start <= at_end else qx
    y = py if at_start <= at_end else qy
    z = pz if at_start <= at_end else qz
    return shown, x, y, z, x - shown * nx, y - shown * ny, z - shown * nz


@kernel
def segment_hull(
    ax: float,
    ay: float,
    az: float,
    bx: float,
    by: float,
    bz: float,
    k: int,
    hull_rot: FloatArray,
    hull_pos: FloatArray,
    first_facet: int,
    last_facet: int,
    first_edge: int,
    last_edge: int,
    facets: FloatArray,
    edges: FloatArray,
) -> _Closest:
    """Distance of segment ab and a hull, 0 where they meet, and the closest points, in the world.

    Args:
        ax: first end of the segment, x.
        ay: first end of the segment, y.
        az: first end of the segment, z.
        bx: second end of the segment, x.
        by: second end of the segment, y.
        bz: second end of the segment, z.
        k: which pose is the hull's.
        hull_rot: rotations part-in-world, shape (parts, 3, 3).
        hull_pos: origins in the world, shape (parts, 3).
        first_facet: the hull's first row of `facets`.
        last_facet: one past its last.
        first_edge: the hull's first row of `edges`.
        last_edge: one past its last.
        facets: see `Polytope`, of all hulls, shape (f, 4).
        edges: see `Polytope`, of all hulls, shape (g, 14).
    """
    x = ax - hull_pos[k, 0]
    y = ay - hull_pos[k, 1]
    z = az - hull_pos[k, 2]
    px = hull_rot[k, 0, 0] * x + hull_rot[k, 1, 0] * y + hull_rot[k, 2, 0] * z
    py = hull_rot[k, 0, 1] * x + hull_rot[k, 1, 1] * y + hull_rot[k, 2, 1] * z
    pz = hull_rot[k, 0, 2] * x + hull_rot[k, 1, 2] * y + hull_rot[k, 2, 2] * z
    x = bx - hull_pos[k, 0]
    y = by - hull_pos[k, 1]
    z = bz - hull_pos[k, 2]
    qx = hull_rot[k, 0, 0] * x + hull_rot[k, 1, 0] * y + hull_rot[k, 2, 0] * z
    qy = hull_rot[k, 0, 1] * x + hull_rot[k, 1, 1] * y + hull_rot[k, 2, 1] * z
    qz = hull_rot[k, 0, 2] * x + hull_rot[k, 1, 2] * y + hull_rot[k, 2, 2] * z
    d, sx, sy, sz, hx, hy, hz = segment_hull_local(
        px, py, pz, qx, qy, qz, first_facet, last_facet, first_edge, last_edge, facets, edges
    )
    rot = hull_rot[k]
    pos = hull_pos[k]
    return (
        d,
        pos[0] + rot[0, 0] * sx + rot[0, 1] * sy + rot[0, 2] * sz,
        pos[1] + rot[1, 0] * sx + rot[1, 1] * sy + rot[1, 2] * sz,
        pos[2] + rot[2, 0] * sx + rot[2, 1] * sy + rot[2, 2] * sz,
        pos[0] + rot[0, 0] * hx + rot[0, 1] * hy + rot[0, 2] * hz,
        pos[1] + rot[1, 0] * hx + rot[1, 1] * hy + rot[1, 2] * hz,
        pos[2] + rot[2, 0] * hx + rot[2, 1] * hy + rot[2, 2] * hz,
    )
