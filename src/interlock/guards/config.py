"""Margins, deadlines and zones of the gate, as typed data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from interlock.errors import BadInputError
from interlock.hal.zone import Zone

__all__ = ["GateConfig", "PluginConfig"]

_DEADLINES = ("chunk", "state", "scene")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginConfig:
    """A user's own constraint: entry-point name or dotted name `package.module:Class`, and its parameters."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """Everything the gate is told besides the robot.

    Attributes:
        period_s: control period, [s].
        environment_margin_m: distance kept to every object and keep-out zone, after all inflation, [m].
        self_margin_m: distance kept between links, after all inflation, [m].
        position_sigmas: how many standard deviations of an object's position are added to it.
        chunk_deadline_s: a chunk whose observation is older is refused, [s].
        chunk_commit_s: how much of a chunk is followed before the next one comes, with some in hand, [s].
        state_deadline_s: a robot state older than this is refused, [s].
        scene_deadline_s: an object seen longer ago is refused, [s].
        sight_window_s: how far back an object's motion is compared with its declared speed bound, [s].
        zones: keep-in and keep-out zones.
        plugins: the user's own constraints.

    Raises:
        BadInputError: if a number is negative or not finite, or a zone is empty: no check may pass by that.
    """

    period_s: float
    environment_margin_m: float = 0.008
    self_margin_m: float = 0.005
    position_sigmas: float = 3.0
    chunk_deadline_s: float = 0.5
    chunk_commit_s: float = 0.24
    state_deadline_s: float = 0.025
    scene_deadline_s: float = 0.2
    sight_window_s: float = 0.2
    zones: tuple[Zone, ...] = ()
    plugins: tuple[PluginConfig, ...] = ()

    def __post_init__(self) -> None:
        for name in (
            "period_s",
            "chunk_deadline_s",
            "chunk_commit_s",
            "state_deadline_s",
            "scene_deadline_s",
            "sight_window_s",
        ):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0.0):
                raise _unusable(name, getattr(self, name), "a number above 0")
        for name in ("environment_margin_m", "self_margin_m", "position_sigmas"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0.0):
                raise _unusable(name, getattr(self, name), "a number not below 0")
        for zone in self.zones:
            if not (np.isfinite(zone.lower).all() and np.isfinite(zone.upper).all()):
                raise _unusable(f"zones.{zone.name}", (zone.lower, zone.upper), "finite corners")
            if not (zone.lower < zone.upper).all():
                raise _unusable(
                    f"zones.{zone.name}", (zone.lower, zone.upper), "`lower` below `upper` on every axis"
                )


def _unusable(field: str, value: object, wanted: str) -> BadInputError:
    return BadInputError(
        "the gate cannot work with this", field=f"guards.{field}", value=value, mend=f"Give {wanted}."
    )
