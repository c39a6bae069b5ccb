"""What the arm was really told to do: the recent motion as commanded after the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from interlock.errors import ShapeError
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.hal.chunk import ActionChunk

__all__ = ["NOTHING_EXECUTED", "Executed", "MotionKind"]


class MotionKind(StrEnum):
    """What came of the proposal in one tick."""

    PROPOSED = "proposed"  # released as it was proposed
    CHANGED = "changed"  # the gate changed it
    STOPPING = "stopping"  # nothing was released: the stop in hand played, or the arm stood


def _no_stamps() -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """The motion of the last ticks, oldest first. What a policy had proposed for it does not show here.

    Attributes:
        stamps_ns: start of each tick, shape (m,), ascending, monotonic, [ns].
        q: commanded joint positions at each stamp, shape (m, n), [rad], model order.
        widths_m: gripper width asked for last at each stamp, shape (m,), [m]; until one was, the measured
            one; None without a gripper.
        kinds: what the gate made of the proposal in the tick that began at each stamp.
        in_force: the chunk that the coming ticks follow, as the gate changed it, in the embodiment's channels
            or in joint positions; None if there is none, or nothing of it was released in the last tick.
    """

    stamps_ns: NDArray[np.int64] = field(default_factory=_no_stamps)
    q: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    widths_m: FloatArray | None = None
    kinds: Sequence[MotionKind] = ()
    in_force: ActionChunk | None = None

    def __post_init__(self) -> None:
        stamps = np.array(self.stamps_ns, dtype=np.int64, copy=True)
        if stamps.ndim != 1 or len(self.kinds) != len(stamps):
            raise ShapeError(
                "one stamp and one kind a tick",
                field="executed.stamps_ns",
                value=(stamps.shape, len(self.kinds)),
                mend="Give both for each tick, in order.",
            )
        stamps.setflags(write=False)
        object.__setattr__(self, "stamps_ns", stamps)
        object.__setattr__(self, "q", frozen_array(self.q, (len(stamps), None), "executed.q"))
        object.__setattr__(self, "kinds", tuple(self.kinds))
        if self.widths_m is not None:
            widths = frozen_array(self.widths_m, (len(stamps),), "executed.widths_m")
            object.__setattr__(self, "widths_m", widths)

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def q_at(self, time_ns: int) -> FloatArray:
        """Commanded joint positions at a time, shape (n,), [rad]: on the line between two ticks.

        Before the first and after the last that is known, those of that one; there has to be one.
        """
        k = int(np.searchsorted(self.stamps_ns, time_ns, side="right")) - 1
        if k < 0 or time_ns == self.stamps_ns[k] or k + 1 == len(self):
            return np.asarray(self.q[max(k, 0)])
        before, after = int(self.stamps_ns[k]), int(self.stamps_ns[k + 1])
        share = (time_ns - before) / (after - before)
        return np.asarray((1.0 - share) * self.q[k] + share * self.q[k + 1])

    def stopped_ns(self, since_ns: int, until_ns: int) -> int:
        """For how long nothing was released between two times, [ns]; what nobody reported counts as that."""
        ends = np.append(self.stamps_ns[1:], until_ns)
        moving = 0
        for kind, start, end in zip(self.kinds, self.stamps_ns, ends, strict=False):
            if kind is not MotionKind.STOPPING:
                moving += max(0, min(int(end), until_ns) - max(int(start), since_ns))
        return max(0, until_ns - since_ns) - moving


NOTHING_EXECUTED = Executed()
"""Nothing was commanded yet."""
