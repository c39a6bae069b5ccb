"""What a chunk asks for at one instant: a smooth curve through its steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk

__all__ = ["Reference", "reference_at"]

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
    steps = chunk.samples[sample]
    last = len(steps) - 1
    at = (at_ns - chunk.t0_ns) * 1e-9 / chunk.dt_s
    if last < 1 or at > last + _ROUNDING:
        return None
    at = min(at, last)
    if at < 0.0:
        return Reference(q=steps[0, :joints], v=np.zeros(joints), width_m=_width(steps, 0, joints))
    k = min(int(at), last - 1)
    s = at - k
    p0 = steps[k, :joints]
    p1 = steps[k + 1, :joints]
    before = steps[k - 1, :joints] if k > 0 else p0 - (p1 - p0)
    beyond = steps[k + 2, :joints] if k + 2 <= last else p1 + (p1 - p0)
    m0, m1 = (p1 - before) / 2.0, (beyond - p0) / 2.0
    s2, s3 = s * s, s * s * s
    q = (2 * s3 - 3 * s2 + 1) * p0 + (s3 - 2 * s2 + s) * m0 + (3 * s2 - 2 * s3) * p1 + (s3 - s2) * m1
    slope = (6 * s2 - 6 * s) * (p0 - p1) + (3 * s2 - 4 * s + 1) * m0 + (3 * s2 - 2 * s) * m1
    return Reference(
        q=q, v=np.asarray(slope / chunk.dt_s), width_m=_width(steps, int(at + _ROUNDING), joints)
    )


def _width(steps: FloatArray, k: int, joints: int) -> float | None:
    return float(steps[k, joints]) if steps.shape[1] > joints else None
