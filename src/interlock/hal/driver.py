"""What every robot driver does."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Protocol

from interlock.hal.command import GuardedCommand
from interlock.hal.state import RobotState

__all__ = ["Interpolation", "RobotDriver", "StopCategory"]


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
        """Whether every joint is *measured* at rest."""
        ...

    def close(self) -> None:
        """Let go of the robot; it must be at standstill."""
        ...
