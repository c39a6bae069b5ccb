"""Rotation vectors (exponential coordinates) and rotation matrices, as kernels.

Exponential map after Rodrigues; its inverse by way of the unit quaternion (Shepperd 1978), which holds up to
half a turn.
"""

from __future__ import annotations

import math

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["rotation_matrix", "rotation_vector", "turn_between"]

_SMALL = 1e-8  # [rad]


@kernel
def rotation_matrix(vector: FloatArray, out: FloatArray) -> None:
    """Write the rotation, shape (3, 3), about `vector`, shape (3,), by its length, [rad]."""
    x, y, z = vector[0], vector[1], vector[2]
    angle = math.sqrt(x * x + y * y + z * z)
    if angle < _SMALL:
        s, k = 1.0, 0.5
    else:
        s, k = math.sin(angle) / angle, (1.0 - math.cos(angle)) / (angle * angle)
    c = 1.0 - k * angle * angle
    out[0, 0] = c + k * x * x
    out[0, 1] = k * x * y - s * z
    out[0, 2] = k * x * z + s * y
    out[1, 0] = k * x * y + s * z
    out[1, 1] = c + k * y * y
    out[1, 2] = k * y * z - s * x
    out[2, 0] = k * x * z - s * y
    out[2, 1] = k * y * z + s * x
    out[2, 2] = c + k * z * z


@kernel
def rotation_vector(m: FloatArray, out: FloatArray) -> None:
    """Write the rotation vector, shape (3,), no longer than pi, [rad], of the rotation `m`, shape (3, 3)."""
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    if trace >= m[0, 0] and trace >= m[1, 1] and trace >= m[2, 2]:
        w = 1.0 + trace
        x, y, z = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    elif m[0, 0] >= m[1, 1] and m[0, 0] >= m[2, 2]:
        w = m[2, 1] - m[1, 2]
        x, y, z = 1.0 + 2.0 * m[0, 0] - trace, m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]
    elif m[1, 1] >= m[2, 2]:
        w = m[0, 2] - m[2, 0]
        x, y, z = m[0, 1] + m[1, 0], 1.0 + 2.0 * m[1, 1] - trace, m[1, 2] + m[2, 1]
    else:
        w = m[1, 0] - m[0, 1]
        x, y, z = m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], 1.0 + 2.0 * m[2, 2] - trace
    if w < 0.0:
        w, x, y, z = -w, -x, -y, -z
    length = math.sqrt(x * x + y * y + z * z)
    if length < _SMALL * w:
        factor = 2.0 / w
    else:
        factor = 2.0 * math.atan2(length, w) / length
    out[0], out[1], out[2] = factor * x, factor * y, factor * z


@kernel
def turn_between(before: FloatArray, after: FloatArray, scratch: FloatArray, out: FloatArray) -> None:
    """Write the rotation vector in the world, shape (3,), [rad], that takes `before` to `after`.

    Args:
        before: rotation, shape (3, 3).
        after: rotation, shape (3, 3).
        scratch: shape (3, 3), overwritten.
        out: shape (3,), written.
    """
    for r in range(3):
        for c in range(3):
            scratch[r, c] = (
                after[r, 0] * before[c, 0] + after[r, 1] * before[c, 1] + after[r, 2] * before[c, 2]
            )
    rotation_vector(scratch, out)
