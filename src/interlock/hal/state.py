"""What the robot reports about itself."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["GripperState", "RobotState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GripperState:
    """Measured gripper: width between the pads [m], closing force [N]."""

    width_m: float
    force_n: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotState:
    """One reading of a robot.

    Attributes:
        stamp_ns: monotonic time of the reading, [ns].
        q: measured arm positions, shape (n,), [rad].
        v: measured arm velocities, shape (n,), [rad/s].
        q_commanded: commanded positions at `stamp_ns`, shape (n,), [rad].
        v_commanded: commanded velocities at `stamp_ns`, shape (n,), [rad/s].
        a_commanded: commanded accelerations at `stamp_ns`, shape (n,), [rad/s^2].
        gripper: measured gripper, or None if the robot has none.
        standstill: whether the driver *measured* every joint at rest.
    """

    stamp_ns: int
    q: FloatArray
    v: FloatArray
    q_commanded: FloatArray
    v_commanded: FloatArray
    a_commanded: FloatArray
    gripper: GripperState | None
    standstill: bool

    def __post_init__(self) -> None:
        n = len(self.q)
        for field in ("q", "v", "q_commanded", "v_commanded", "a_commanded"):
            object.__setattr__(self, field, frozen_array(getattr(self, field), (n,), f"state.{field}"))
