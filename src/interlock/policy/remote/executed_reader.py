"""From what another Interlock sends to the motion of the last ticks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from interlock.errors import RemotePolicyError
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import RobotSpec
from interlock.hal.scene import FURTHEST_M
from interlock.policy.executed import NOTHING_EXECUTED, Executed, MotionKind

__all__ = ["read_executed"]

_FIELD = "interlock.executed"
_KEYS = frozenset({"stamps_ns", "q", "widths_m", "kinds"})
_MOST_TICKS = 10_001
"""A second of the fastest loop that a cell may ask for."""
_FURTHEST_RAD = 1e3


def read_executed(value: object, robot: RobotSpec, stamp_ns: int) -> Executed:
    """What was commanded in the last ticks before an observation at `stamp_ns`; nothing for None.

    Raises:
        RemotePolicyError: if any of it is missing, unknown, or of another form.
    """
    if value is None:
        return NOTHING_EXECUTED
    if not isinstance(value, Mapping) or value.keys() != _KEYS:
        raise _bad(f"does not have the keys {', '.join(sorted(_KEYS))}", "", type(value).__name__)
    stamps, kinds, widths = value["stamps_ns"], value["kinds"], value["widths_m"]
    if not isinstance(stamps, np.ndarray) or stamps.dtype != np.int64 or stamps.ndim != 1:
        raise _bad("is no row of int64", ".stamps_ns", type(stamps).__name__)
    count = len(stamps)
    ascends = 0 < count <= _MOST_TICKS and 0 <= stamps[0] and stamps[-1] <= stamp_ns
    if not ascends or (stamps[1:] <= stamps[:-1]).any():
        raise _bad(f"are not 1 to {_MOST_TICKS} times that ascend to stamp_ns", ".stamps_ns", count)
    known = {str(kind) for kind in MotionKind}
    if not isinstance(kinds, list) or len(kinds) != count or not all(str(kind) in known for kind in kinds):
        raise _bad(
            f"does not hold one of {', '.join(MotionKind)} for each stamp", ".kinds", type(kinds).__name__
        )
    if widths is not None and robot.gripper is None:
        raise _bad("is of no gripper that this robot has", ".widths_m", type(widths).__name__)
    return Executed(
        stamps_ns=stamps,
        q=_rows(value["q"], (count, robot.dof), ".q", _FURTHEST_RAD),
        widths_m=None if widths is None else _rows(widths, (count,), ".widths_m", FURTHEST_M),
        kinds=tuple(MotionKind(kind) for kind in kinds),
    )


def _rows(value: object, shape: tuple[int, ...], field: str, furthest: float) -> FloatArray:
    if not isinstance(value, np.ndarray) or value.dtype != np.float64 or value.shape != shape:
        raise _bad(f"is no array of float64 of shape {shape}", field, type(value).__name__)
    if not (np.isfinite(value).all() and np.abs(value).max() <= furthest):
        raise _bad(f"is not finite, or beyond {furthest:g}", field, None)
    return value


def _bad(what: str, field: str, value: object) -> RemotePolicyError:
    return RemotePolicyError(
        what, field=_FIELD + field, value=value, mend="docs/remote.md says what is expected."
    )
