"""What a chunk asks for at one instant: a smooth curve through its steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk

__all__ = ["Reference", "reference_at", "spline_at", "width_at"]

_ROUNDING = 1e-9  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the proposal asks for at one instant.

    Attributes:
        q: joint positions, shape (n,), [rad].
        v: joint velocities, shape (n,), [rad/s].
        width_m: gripper width, [m], or None if the embodiment has no gripper.
    """

    q: FloatArray
    v: FloatArray
    width_m: float | None


def reference_at(chunk: ActionChunk, joints: int, at_ns: int, sample: int = 0) -> Reference | None:
    """The proposal at `at_ns`, on the Catmull-Rom spline through the chunk's steps; None once it has run out.

    Before step 0 the first step holds, at rest. The gripper is taken from the step last reached.
    """
    last = chunk.samples.shape[1] - 1
    if last < 1 or _step(chunk, at_ns) > last + _ROUNDING:
        return None
    q, v = spline_at(chunk, joints, at_ns)
    return Reference(q=q[sample], v=v[sample], width_m=width_at(chunk, joints, at_ns, sample))


def spline_at(chunk: ActionChunk, joints: int, at_ns: int) -> tuple[FloatArray, FloatArray]:
    """Positions and velocities of all samples at `at_ns`, shape (K, n) each.

    The chunk has two steps at least. After the last of them it is there that they are taken.
    """
    steps, last = chunk.samples[:, :, :joints], chunk.samples.shape[1] - 1
    at = min(_step(chunk, at_ns), last)
    if at < 0.0:
        return steps[:, 0], np.zeros(steps[:, 0].shape)
    k = min(int(at), last - 1)
    s = at - k
    p0, p1 = steps[:, k], steps[:, k + 1]
    before = steps[:, k - 1] if k > 0 else p0 - (p1 - p0)
    beyond = steps[:, k + 2] if k + 2 <= last else p1 + (p1 - p0)
    m0, m1 = (p1 - before) / 2.0, (beyond - p0) / 2.0
    s2, s3 = s * s, s * s * s
    q = (2 * s3 - 3 * s2 + 1) * p0 + (s3 - 2 * s2 + s) * m0 + (3 * s2 - 2 * s3) * p1 + (s3 - s2) * m1
    slope = (6 * s2 - 6 * s) * (p0 - p1) + (3 * s2 - 4 * s + 1) * m0 + (3 * s2 - 2 * s) * m1
    return q, slope / chunk.dt_s


def width_at(chunk: ActionChunk, joints: int, at_ns: int, sample: int = 0) -> float | None:
    """Gripper width of the step last reached at `at_ns`, [m]; None if there is no gripper."""
    steps = chunk.samples[sample]
    if steps.shape[1] <= joints:
        return None
    k = int(min(max(_step(chunk, at_ns), 0.0), len(steps) - 1) + _ROUNDING)
    return float(steps[k, joints])


def _step(chunk: ActionChunk, at_ns: int) -> float:
    return (at_ns - chunk.t0_ns) * 1e-9 / chunk.dt_s
