"""Regions the robot must stay in or out of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["Zone", "ZoneKind"]


class ZoneKind(StrEnum):
    """Which side of a zone is allowed."""

    KEEP_IN = "keep_in"  # the tool centre point stays inside
    KEEP_OUT = "keep_out"  # every link and the held object stay outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """An axis-aligned box in the world.

    Attributes:
        name: unique name in the cell.
        kind: keep in (judged for the TCP) or keep out (judged for every link and the held object).
        lower: lowest corner in the world, shape (3,), [m].
        upper: highest corner in the world, shape (3,), [m].
    """

    name: str
    kind: ZoneKind
    lower: FloatArray
    upper: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", frozen_array(self.lower, (3,), f"{self.name}.lower"))
        object.__setattr__(self, "upper", frozen_array(self.upper, (3,), f"{self.name}.upper"))
