"""The modes of a robot under Interlock."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Mode"]


class Mode(StrEnum):
    """What the robot may do now; "allowed to move" is not "powered"."""

    DISARMED = "disarmed"
    AUTO = "auto"
    BRAKING = "braking"
    LATCHED = "latched"
