"""What a chunk asks for at one instant: a smooth curve through its steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk

__all__ = ["Reference", "between_steps", "has_run_out", "reference_at", "spline", "width_at"]

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
    if has_run_out(chunk, at_ns):
        return None
    q, v = spline(chunk.samples[sample : sample + 1, :, :joints], chunk, at_ns)
    return Reference(q=q[0], v=v[0], width_m=width_at(chunk, joints, at_ns, sample))


def has_run_out(chunk: ActionChunk, at_ns: int) -> bool:
    """Whether `at_ns` lies after the chunk's last step; a chunk of one step is over before it begins."""
    last = chunk.samples.shape[1] - 1
    return bool(last < 1 or _step(chunk, at_ns) > last + _ROUNDING)


def spline(points: FloatArray, chunk: ActionChunk, at_ns: int) -> tuple[FloatArray, FloatArray]:
    """Points and their velocities at `at_ns`, shape (K, d) each, on the spline through the steps of a chunk.

    Args:
        points: at each step, shape (K, T, d), T at least 2.
        chunk: gives the times of the steps. After the last of them it is there that they are taken.
        at_ns: when.
    """
    k, s = between_steps(chunk, at_ns)
    if s < 0.0:
        return points[:, 0], np.zeros(points[:, 0].shape)
    p0, p1 = points[:, k], points[:, k + 1]
    before = points[:, k - 1] if k > 0 else p0 - (p1 - p0)
    beyond = points[:, k + 2] if k + 2 < points.shape[1] else p1 + (p1 - p0)
    m0, m1 = (p1 - before) / 2.0, (beyond - p0) / 2.0
    s2, s3 = s * s, s * s * s
    q = (2 * s3 - 3 * s2 + 1) * p0 + (s3 - 2 * s2 + s) * m0 + (3 * s2 - 2 * s3) * p1 + (s3 - s2) * m1
    slope = (6 * s2 - 6 * s) * (p0 - p1) + (3 * s2 - 4 * s + 1) * m0 + (3 * s2 - 2 * s) * m1
    return q, slope / chunk.dt_s


def between_steps(chunk: ActionChunk, at_ns: int) -> tuple[int, float]:
    """The step before `at_ns` and the share of the way to the next, 1 after the last; below 0: none yet."""
    last = chunk.samples.shape[1] - 1
    at = min(_step(chunk, at_ns), last)
    if at < 0.0:
        return 0, -1.0
    k = min(int(at), last - 1)
    return k, at - k


def width_at(chunk: ActionChunk, channel: int, at_ns: int, sample: int = 0) -> float | None:
    """Gripper width of the step last reached at `at_ns`, [m], from this channel; None if there is no such."""
    steps = chunk.samples[sample]
    if steps.shape[1] <= channel:
        return None
    k = int(min(max(_step(chunk, at_ns), 0.0), len(steps) - 1) + _ROUNDING)
    return float(steps[k, channel])


def _step(chunk: ActionChunk, at_ns: int) -> float:
    return (at_ns - chunk.t0_ns) * 1e-9 / chunk.dt_s
