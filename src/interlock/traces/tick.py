"""What the recorder reads of one tick; the drive's report has this shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from interlock.guards.certificate import Certificate
from interlock.guards.intake import GateInput
from interlock.guards.preview import Preview
from interlock.guards.verdict import Verdict
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.command import GripperCommand
from interlock.hal.mode import Mode
from interlock.hal.state import RobotState

__all__ = ["CommandLike", "OverruledLike", "PreviewLike", "TickLike"]


class CommandLike(Protocol):
    """What the driver was given in one tick, as numbers; fields as in `GuardedCommand`."""

    @property
    def seq(self) -> int:
        """Counts up by one with each command of an epoch."""
        ...

    @property
    def epoch(self) -> int:
        """Counts arming of this robot."""
        ...

    @property
    def stamp_ns(self) -> int:
        """Monotonic time at which the motion starts, [ns]."""
        ...

    @property
    def period_s(self) -> float:
        """Time from one node to the next, [s]."""
        ...

    @property
    def start(self) -> FloatArray:
        """Node at `stamp_ns`, shape (3, n), [rad, rad/s, rad/s^2]."""
        ...

    @property
    def end(self) -> FloatArray:
        """Node one period later, shape (3, n)."""
        ...

    @property
    def tail(self) -> FloatArray:
        """Nodes of the stop after `end`, shape (N, 3, n)."""
        ...

    @property
    def gripper(self) -> GripperCommand | None:
        """Gripper command, or None."""
        ...

    @property
    def certificate(self) -> str:
        """SHA-256 of the certificate that goes with it."""
        ...


class PreviewLike(Protocol):
    """A new chunk and what the gate made of it."""

    @property
    def proposed(self) -> ActionChunk:
        """The chunk as it was proposed."""
        ...

    @property
    def result(self) -> Preview:
        """What came of it."""
        ...


class OverruledLike(Protocol):
    """What the gate had released at a tick at which the driver did not take it."""

    @property
    def verdict(self) -> Verdict:
        """What the gate said."""
        ...

    @property
    def certificate(self) -> Certificate | None:
        """Evidence for what it released."""
        ...

    @property
    def command(self) -> CommandLike | None:
        """What the driver did not take."""
        ...


class TickLike(Protocol):
    """One tick of the drive; fields as in `interlock.orchestrator.messages.TickReport`."""

    @property
    def tick(self) -> int:
        """Counts up from 0."""
        ...

    @property
    def stamp_ns(self) -> int:
        """Monotonic time of the tick, [ns]."""
        ...

    @property
    def mode(self) -> Mode:
        """Mode after the tick."""
        ...

    @property
    def state(self) -> RobotState:
        """State observed at the start of the tick."""
        ...

    @property
    def verdict(self) -> Verdict:
        """What the gate said, or why the drive stopped instead."""
        ...

    @property
    def overruled(self) -> OverruledLike | None:
        """What the gate said where the driver then failed to take the command, or None."""
        ...

    @property
    def certificate(self) -> Certificate | None:
        """Evidence for what was released, or None."""
        ...

    @property
    def command(self) -> CommandLike | None:
        """What the driver was given, or None."""
        ...

    @property
    def margins_m(self) -> Mapping[str, float]:
        """Smallest distance margin per family, [m]."""
        ...

    @property
    def tool_in_world(self) -> tuple[float, float, float]:
        """Position of the commanded TCP at the end of the tick, (x, y, z) [m]."""
        ...

    @property
    def tool_speed_m_s(self) -> float:
        """Speed of the commanded TCP at the end of the tick, [m/s]."""
        ...

    @property
    def phase(self) -> str:
        """Name of the phase in force."""
        ...

    @property
    def given(self) -> GateInput | None:
        """What the gate was asked, or None if it was not asked."""
        ...

    @property
    def preview(self) -> PreviewLike | None:
        """What the gate made of a new chunk as a whole, or None."""
        ...

    @property
    def chunk_seq(self) -> int:
        """Sequence number of the chunk in force, or -1."""
        ...

    @property
    def latch(self) -> tuple[str, ...]:
        """Causes of a latched stop, empty if none."""
        ...

    @property
    def part_us(self) -> Mapping[str, float]:
        """Process CPU time of each part of the tick, [us]."""
        ...
