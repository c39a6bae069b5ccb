"""The only thing a driver accepts. `guards/gate.py` alone constructs it."""

from __future__ import annotations

from dataclasses import InitVar, dataclass

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["GripperCommand", "GuardedCommand", "claim_mint"]

_MINT = object()
_claimed = False


def claim_mint() -> object:
    """Hand out the right to construct commands, once per process; the gate takes it at import.

    Raises:
        PermissionError: if it was taken before.
    """
    global _claimed
    if _claimed:
        raise PermissionError("the right to mint commands is taken; only interlock.guards.gate may hold it")
    _claimed = True
    return _MINT


@dataclass(frozen=True, slots=True, kw_only=True)
class GripperCommand:
    """Width to move to [m] and bound on the closing force [N]."""

    width_m: float
    force_n: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedCommand:
    """One tick of verified motion and the stop that follows it if nothing else does.

    A node is (q, v, a). Between two nodes, `period_s` apart, the acceleration is linear, so the position is a
    cubic: that curve, and no other, is what was verified and what a driver plays.

    Attributes:
        seq: counts up by one with each command of an epoch.
        epoch: counts arming of this robot.
        stamp_ns: monotonic time at which the motion starts, [ns].
        period_s: time from one node to the next, [s].
        start: node at `stamp_ns`, shape (3, n), [rad, rad/s, rad/s^2].
        end: node one period later, shape (3, n).
        tail: the stop: nodes after `end`, shape (N, 3, n); the last one is at rest, N = 0 if `end` is.
        gripper: gripper command, or None to leave it as it is.
        certificate: SHA-256 of the certificate that goes with it.
    """

    seq: int
    epoch: int
    stamp_ns: int
    period_s: float
    start: FloatArray
    end: FloatArray
    tail: FloatArray
    gripper: GripperCommand | None
    certificate: str
    mint: InitVar[object]

    def __post_init__(self, mint: object) -> None:
        if mint is not _MINT:
            raise PermissionError(
                "a GuardedCommand is constructed by interlock.guards.gate and by nothing else"
            )
        n = self.start.shape[-1]
        for name, shape in (("start", (3, n)), ("end", (3, n)), ("tail", (None, 3, n))):
            object.__setattr__(self, name, frozen_array(getattr(self, name), shape, f"command.{name}"))
