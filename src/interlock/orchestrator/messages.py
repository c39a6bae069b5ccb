"""The plain messages between the session and the drive: values only, never shared objects.

Into the drive: `ChunkMessage`, `PhaseMessage`, `StopMessage`. Out of it: one `TickReport` a tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.guards.certificate import Certificate
from interlock.guards.intake import GateInput
from interlock.guards.preview import Preview
from interlock.guards.verdict import Verdict
from interlock.hal.arrays import FloatArray, frozen_array
from interlock.hal.chunk import ActionChunk
from interlock.hal.command import GripperCommand
from interlock.hal.driver import StopCategory
from interlock.hal.mode import Mode
from interlock.hal.phase import Phase
from interlock.hal.scene import Scene
from interlock.hal.state import RobotState

__all__ = [
    "ChunkMessage",
    "DriveMessage",
    "Overruled",
    "PhaseMessage",
    "PreviewReport",
    "SentCommand",
    "StopMessage",
    "TickReport",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkMessage:
    """A proposal for the drive; None withdraws the one in force, and the verified stop plays."""

    chunk: ActionChunk | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMessage:
    """The phase now granted."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMessage:
    """Stop and latch, for `cause`; always obeyed."""

    category: StopCategory
    cause: str


DriveMessage = ChunkMessage | PhaseMessage | StopMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCommand:
    """What the driver was given in one tick, as numbers (see `GuardedCommand`), in arrays of its own."""

    seq: int
    epoch: int
    stamp_ns: int
    period_s: float
    start: FloatArray
    end: FloatArray
    tail: FloatArray
    gripper: GripperCommand | None
    certificate: str

    def __post_init__(self) -> None:
        for name, shape in (("start", (3, None)), ("end", (3, None)), ("tail", (None, 3, None))):
            object.__setattr__(self, name, frozen_array(getattr(self, name), shape, f"sent.{name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewReport:
    """A new chunk as it was proposed, and what came of it as a whole."""

    proposed: ActionChunk
    result: Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """What the gate had released at a tick at which the driver did not take it."""

    verdict: Verdict
    certificate: Certificate | None
    command: SentCommand | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TickReport:
    """Everything one tick of the drive has to say.

    Attributes:
        tick: counts up from 0.
        stamp_ns: monotonic time of the tick, [ns].
        mode: mode after the tick.
        state: the state observed at the start of the tick.
        verdict: what the gate said, or why the drive stopped instead.
        certificate: evidence for what was released, or None while the stop in hand plays.
        command: what the driver was given, or None while the stop in hand plays.
        margins_m: smallest distance margin per family at this tick, [m].
        tool_in_world: position of the commanded TCP at the end of the tick, (x, y, z) [m].
        tool_speed_m_s: speed of the commanded TCP at the end of the tick, [m/s].
        scene: the world as the gate saw it.
        given: all that the gate was asked, or None if it was not.
        preview: what the gate made of a new chunk as a whole, or None if there was none at this tick.
        phase: name of the phase in force.
        chunk_seq: sequence number of the chunk in force, or -1.
        latch: causes of a latched stop, empty if none.
        part_us: process CPU time of each part of the tick, [us]; never part of a hash.
        overruled: what the gate said where the driver then failed to take the command, or None.
    """

    tick: int
    stamp_ns: int
    mode: Mode
    state: RobotState
    verdict: Verdict
    certificate: Certificate | None
    command: SentCommand | None
    margins_m: Mapping[str, float]
    tool_in_world: tuple[float, float, float]
    tool_speed_m_s: float
    scene: Scene
    given: GateInput | None
    preview: PreviewReport | None
    phase: str
    chunk_seq: int
    latch: tuple[str, ...]
    part_us: Mapping[str, float]
    overruled: Overruled | None = None
