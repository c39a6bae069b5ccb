"""What every robot driver does."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Protocol

from interlock.hal.command import GuardedCommand
from interlock.hal.state import RobotState

__all__ = ["STANDSTILL_RAD_S", "Interpolation", "RobotDriver", "StopCategory"]

STANDSTILL_RAD_S = 1e-3
"""A joint stands that travels less than this within one period, over that period, [rad/s].

Travel is what an encoder sees. A simulator's momentary velocities carry its solver's noise: 1e-3 rad/s while
a gripper presses a block on a table.
"""


class StopCategory(IntEnum):
    """Stop categories of IEC 60204-1, 9.2.2."""

    REMOVE_POWER = 0
    STOP_THEN_REMOVE_POWER = 1
    STOP_AND_HOLD = 2


class Interpolation(StrEnum):
    """The curve a driver plays between two nodes."""

    HOLD = "hold"
    LINEAR = "linear"
    CUBIC = "cubic"


class RobotDriver(Protocol):
    """A robot: SI units, named joints, monotonic time.

    The driver keeps the tail of the last command and plays it, node by node, whenever a period begins without
    a successor: the last live element near the motor finishes the stop.
    """

    joint_names: tuple[str, ...]
    period_s: float
    interpolation: Interpolation

    def observe(self) -> RobotState:
        """The measured and the commanded state, now."""
        ...

    def write(self, command: GuardedCommand) -> None:
        """Take the motion of the next period.

        Raises:
            DriverFaultError: if the command is not finite, does not start where the last one ends, or came
                after a stop.
        """
        ...

    def stop(self, category: StopCategory) -> None:
        """Play the verified stop in hand and accept no further command until `release_stop`."""
        ...

    def release_stop(self) -> None:
        """Accept commands again; only a deliberate reset by a person leads here."""
        ...

    def standstill(self) -> bool:
        """Whether every joint was *measured* to stand in the last period (`STANDSTILL_RAD_S`)."""
        ...

    def close(self) -> None:
        """Let go of the robot; it must be at standstill."""
        ...
