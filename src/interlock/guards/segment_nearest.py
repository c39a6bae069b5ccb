"""Where two segments are nearest, by looking along one of them, as a kernel, for the projector.

Seen along the second segment, its whole line is a point and the first is a shorter segment: the foot of
that point is nearest to the line. Where that is past an end of the second segment, this end is nearest, for
the squared distance is convex. The verifier asks `distance`, which tries five candidates; neither uses
anything of the other.
"""

from __future__ import annotations

import math

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["nearest_on_segments"]

_LARGEST = 1e30  # beyond this a coordinate [m] is no coordinate
_POINT = 1e-30  # a segment whose squared length is below this is a point, [m^2]
_PARALLEL = 1e-26  # squared sine of an angle too small to tell from rounding: it makes 1e-13 of a length


@kernel
def nearest_on_segments(
    first_a: FloatArray,
    first_b: FloatArray,
    c: int,
    second_a: FloatArray,
    second_b: FloatArray,
    d: int,
    out_point: FloatArray,
    out_other: FloatArray,
) -> float:
    """Distance of two segments, [m]; NaN, points included, as soon as one number is not finite.

    Of parallel segments side by side, the middle of the first is nearest, or the point of it next to that.

    Args:
        first_a: where the first segments start in the world, shape (k, 3), [m].
        first_b: where they end, shape (k, 3), [m].
        c: which of them.
        second_a: where the second segments start in the world, shape (l, 3), [m].
        second_b: where they end, shape (l, 3), [m].
        d: which of them.
        out_point: closest point on the first, shape (3,), written, [m].
        out_other: closest point on the second, shape (3,), written, [m].
    """
    ux = first_b[c, 0] - first_a[c, 0]
    uy = first_b[c, 1] - first_a[c, 1]
    uz = first_b[c, 2] - first_a[c, 2]
    vx = second_b[d, 0] - second_a[d, 0]
    vy = second_b[d, 1] - second_a[d, 1]
    vz = second_b[d, 2] - second_a[d, 2]
    rx = second_a[d, 0] - first_a[c, 0]
    ry = second_a[d, 1] - first_a[c, 1]
    rz = second_a[d, 2] - first_a[c, 2]
    size = abs(ux) + abs(uy) + abs(uz) + abs(vx) + abs(vy) + abs(vz) + abs(rx) + abs(ry) + abs(rz)
    if not size < _LARGEST:
        out_point[:] = math.nan
        out_other[:] = math.nan
        return math.nan
    uu = ux * ux + uy * uy + uz * uz
    vv = vx * vx + vy * vy + vz * vz
    per_u = 1.0 / uu if uu > _POINT else 0.0
    per_v = 1.0 / vv if vv > _POINT else 0.0

    # without their shares along the second segment, all three; what is left keeps the small angles
    u_on_v = (ux * vx + uy * vy + uz * vz) * per_v
    r_on_v = (rx * vx + ry * vy + rz * vz) * per_v
    wx = ux - u_on_v * vx
    wy = uy - u_on_v * vy
    wz = uz - u_on_v * vz
    ww = wx * wx + wy * wy + wz * wz
    s = 0.5
    if ww > _PARALLEL * uu and uu > _POINT:
        across = wx * (rx - r_on_v * vx) + wy * (ry - r_on_v * vy) + wz * (rz - r_on_v * vz)
        s = min(max(across / ww, 0.0), 1.0)
    t = s * u_on_v - r_on_v
    if t < 0.0 or t > 1.0:
        t = 0.0 if t < 0.0 else 1.0
        along = ux * (rx + t * vx) + uy * (ry + t * vy) + uz * (rz + t * vz)
        s = min(max(along * per_u, 0.0), 1.0)

    out_point[0] = first_a[c, 0] + s * ux
    out_point[1] = first_a[c, 1] + s * uy
    out_point[2] = first_a[c, 2] + s * uz
    out_other[0] = second_a[d, 0] + t * vx
    out_other[1] = second_a[d, 1] + t * vy
    out_other[2] = second_a[d, 2] + t * vz
    x = rx + t * vx - s * ux
    y = ry + t * vy - s * uy
    z = rz + t * vz - s * uz
    return math.sqrt(x * x + y * y + z * z)
