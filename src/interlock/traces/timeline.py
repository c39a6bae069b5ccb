"""A run as arrays over time: what the report draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.hal.arrays import FloatArray

__all__ = ["Event", "PhaseSpan", "Picture", "Timeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpan:
    """One granted phase from `start_s` to `end_s`; `contact` if some pair may touch in it."""

    start_s: float
    end_s: float
    task: str
    skill: str
    name: str
    contact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line for people."""

    at_s: float
    level: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture, JPEG in base64."""

    at_s: float
    camera: str
    data: str


@dataclass(slots=True, kw_only=True)
class Timeline:
    """A run over time; N ticks, n joints, times in [s] from the start of the run.

    Attributes:
        run: the run's record.
        plan: the plan's record, or None.
        outcome: the outcome's record, or None.
        started_at: wall-clock text, or "".
        t_s: time of each tick, shape (N,).
        q: measured positions, shape (N, n), [rad].
        v: measured velocities, shape (N, n), [rad/s].
        tool_speed: speed of the commanded TCP, shape (N,), [m/s].
        tool_limit: bound on it, shape (N,), [m/s].
        stop_time: from the end of the tick to standstill, shape (N,), [s]; NaN where nothing was released.
        margins: family to distance margin, shape (N,), [m]; NaN where the family had none.
        rungs: rung of each tick.
        reasons: (guard, reason) of each tick that was not released as proposed, else None.
        refusals: (tick index, guard, reason), in order.
        phases: granted phases.
        events: lines for people.
        pictures: a spread of the pictures of the run.
    """

    run: Mapping[str, Any]
    plan: Mapping[str, Any] | None
    outcome: Mapping[str, Any] | None
    started_at: str
    t_s: FloatArray
    q: FloatArray
    v: FloatArray
    tool_speed: FloatArray
    tool_limit: FloatArray
    stop_time: FloatArray
    margins: dict[str, FloatArray]
    rungs: list[str]
    reasons: list[tuple[str, str] | None]
    refusals: list[tuple[int, str, str]]
    phases: list[PhaseSpan]
    events: list[Event]
    pictures: list[Picture]
