"""What the answer of one tick comes to: the mode after it, its margins, and where it takes the tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from interlock.guards.certificate import least_by_family
from interlock.guards.gate import GateOutput
from interlock.guards.surveyor import Surveyor
from interlock.guards.verdict import Decision
from interlock.hal.mode import Mode

__all__ = ["Aftermath"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What follows from an answer; fields as in `TickReport`."""

    mode: Mode
    margins_m: Mapping[str, float]
    tool_in_world: tuple[float, float, float]
    tool_speed_m_s: float

    @classmethod
    def of(cls, output: GateOutput, surveyor: Surveyor, *, latched: bool) -> Self:
        """What follows from `output`, for a robot that `surveyor` knows."""
        end = output.command.end if output.command is not None else output.verdict.after
        tool = surveyor.tool(end[0])
        distances = least_by_family(m for m in output.margins if m.unit == "m")
        moving = output.verdict.decision is not Decision.REFUSE
        return cls(
            mode=Mode.LATCHED if latched else (Mode.AUTO if moving else Mode.BRAKING),
            margins_m={m.family: m.value for m in distances},
            tool_in_world=(float(tool[0]), float(tool[1]), float(tool[2])),
            tool_speed_m_s=surveyor.tool_speed(end[0], end[1]),
        )
