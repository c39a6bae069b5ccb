"""What the session and the loop know of a drive."""

from __future__ import annotations

from typing import Protocol

from interlock.hal.arrays import FloatArray
from interlock.orchestrator.messages import DriveMessage, TickReport

__all__ = ["Cycle"]


class Cycle(Protocol):
    """One control cycle a tick: `Drive`, which guards a robot, or `PuppetDrive`, which has none."""

    @property
    def latched(self) -> tuple[str, ...]:
        """Causes of the latched stop, empty if none."""
        ...

    def tool(self, q: FloatArray) -> FloatArray:
        """Position of the TCP in the world, shape (3,), [m], at joint positions `q`, shape (n,), [rad]."""
        ...

    def hand(self, q: FloatArray) -> FloatArray:
        """Pose of the tool's joint in the world, shape (4, 4), at joint positions `q`, shape (n,), [rad]."""
        ...

    def tool_speed(self, q: FloatArray, v: FloatArray) -> float:
        """Speed of the TCP, [m/s], at joint positions `q` [rad] and velocities `v` [rad/s]."""
        ...

    def handle(self, message: DriveMessage) -> None:
        """Take one message; a stop is obeyed at once."""
        ...

    def tick(self, now_ns: int, lateness_ns: int = 0) -> TickReport:
        """Run one control cycle."""
        ...
