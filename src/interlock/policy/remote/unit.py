"""The units in which others write a joint angle, a length or a gripper's width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from interlock.hal.arrays import FloatArray

__all__ = ["Scale", "Unit"]


class Unit(StrEnum):
    """A unit on a wire."""

    RAD = "rad"
    DEG = "deg"
    M = "m"
    MM = "mm"
    NORMALISED = "normalised"  # of a gripper, between two declared numbers


_FACTOR = {Unit.RAD: 1.0, Unit.DEG: math.pi / 180.0, Unit.M: 1.0, Unit.MM: 1e-3}
_PHYSICAL = {Unit.RAD: "rad", Unit.DEG: "rad", Unit.M: "m", Unit.MM: "m", Unit.NORMALISED: "m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From numbers on the wire to Interlock's unit and back: `physical = offset + factor * wire`.

    Attributes:
        physical: Interlock's unit, "rad" or "m".
        factor: size of one, in that unit.
        offset: where zero is, in that unit.
    """

    physical: str
    factor: float
    offset: float = 0.0

    @staticmethod
    def of(unit: Unit) -> Scale:
        """The scale of a unit that needs no further numbers."""
        return Scale(physical=_PHYSICAL[unit], factor=_FACTOR[unit])

    @staticmethod
    def between(closed: float, closed_m: float, opened: float, opened_m: float) -> Scale:
        """The scale on which `closed` stands for a width of `closed_m` [m], `opened` for `opened_m` [m]."""
        factor = (opened_m - closed_m) / (opened - closed)
        return Scale(physical="m", factor=factor, offset=closed_m - factor * closed)

    def read(self, wire: FloatArray) -> FloatArray:
        """Numbers from the wire, in Interlock's unit."""
        return wire if self._same else self.offset + self.factor * wire

    def read_step(self, wire: FloatArray) -> FloatArray:
        """Differences from the wire, in Interlock's unit: zero stays zero."""
        return wire if self._same else self.factor * wire

    def write(self, physical: FloatArray) -> FloatArray:
        """Interlock's numbers as the wire wants them."""
        return physical if self._same else (physical - self.offset) / self.factor

    @property
    def _same(self) -> bool:
        return self.factor == 1.0 and self.offset == 0.0
