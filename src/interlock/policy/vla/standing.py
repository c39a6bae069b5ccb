"""Whether an arm has stood for a while, and why."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from interlock.policy.executed import MotionKind
from interlock.policy.observation import Observation

__all__ = ["Standing", "standing"]

_LONG_S = 0.5
"""Longer than an arm pauses between two motions, shorter than any phase's limit (5 s and more)."""
_STILL_RAD = 1e-3
_STILL_M = 2e-3


class Standing(StrEnum):
    """Why an arm has not moved in the last half second."""

    NO = "no"  # it has, or nobody knows
    MEANT = "meant"  # it was told so
    REFUSED = "refused"  # nothing of what was proposed was released


def standing(observation: Observation) -> Standing:
    """Whether neither the arm nor what is asked of its gripper has moved for half a second, as commanded.

    A client of a served policy tells no history; then nobody knows.
    """
    executed = observation.executed
    since_ns = observation.stamp_ns - round(_LONG_S * 1e9)
    if not len(executed) or executed.stamps_ns[0] > since_ns:
        return Standing.NO
    recent = executed.stamps_ns >= since_ns
    if not recent.any() or np.ptp(executed.q[recent], axis=0).max(initial=0.0) > _STILL_RAD:
        return Standing.NO
    if executed.widths_m is not None and np.ptp(executed.widths_m[recent]) > _STILL_M:
        return Standing.NO
    kinds = {kind for kind, counts in zip(executed.kinds, recent, strict=True) if counts}
    return Standing.REFUSED if kinds == {MotionKind.STOPPING} else Standing.MEANT
