"""Whether an arm has stood for a while, and why."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from interlock.policy.executed import MotionKind
from interlock.policy.observation import Observation

__all__ = ["Standing", "standing"]

_LONG_S = 0.5
"""Three questions in a row (one takes 0.16 s); every phase that ends at a standstill has 5 s and more."""
_STILL_RAD = 1e-3
"""A millimetre at the end of an arm: far below the rest band, far above what a projection trembles by."""
_STILL_M = 2e-3
"""As far as trained models' widths tremble while fingers stand (`grip_profile`)."""


class Standing(StrEnum):
    """Why an arm has not moved in the last half second."""

    NO = "no"  # it has, or nobody knows
    MEANT = "meant"  # all that was proposed was released, and that was to stand
    HINDERED = "hindered"  # of something else at least a part was refused, changed, or never came


def standing(observation: Observation) -> Standing:
    """Whether neither the arm nor what is asked of its gripper has moved for half a second, as commanded.

    It does not matter to which phase or task that half second belongs. A client of a served policy tells no
    history; then nobody knows.

    Args:
        observation: with the motion that led there (`executed`).
    """
    executed = observation.executed
    since_ns = observation.stamp_ns - round(_LONG_S * 1e9)
    if not len(executed) or executed.stamps_ns[0] > since_ns:
        return Standing.NO
    # The tick that was under way then counts too.
    first = int(np.searchsorted(executed.stamps_ns, since_ns, side="right")) - 1
    if np.ptp(executed.q[first:], axis=0).max(initial=0.0) > _STILL_RAD:
        return Standing.NO
    if executed.widths_m is not None and np.ptp(executed.widths_m[first:]) > _STILL_M:
        return Standing.NO
    if all(kind is MotionKind.PROPOSED for kind in executed.kinds[first:]):
        return Standing.MEANT
    return Standing.HINDERED
