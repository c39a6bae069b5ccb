"""Reads a trace, finished or not, into a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.phase import CONTACT_TOOL_SPEED_M_S
from interlock.traces.odd_records import odd_records_are_damage
from interlock.traces.read import Message, TraceReader
from interlock.traces.timeline import Event, PhaseSpan, Picture, Timeline
from interlock.traces.topics import CAMERA_PREFIX, TIMING

__all__ = ["read_timeline"]

_MAX_PICTURES = 24
_LEVELS = ("", "debug", "info", "warning", "error", "fatal")


@dataclass(slots=True)
class _Reading:
    """What has been read so far; ticks as lists."""

    run: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] | None = None
    outcome: Mapping[str, Any] | None = None
    started_at: str = ""
    start_ns: int = 0
    t_s: list[float] = field(default_factory=list)
    q: list[Any] = field(default_factory=list)
    v: list[Any] = field(default_factory=list)
    tool_speed: list[Any] = field(default_factory=list)
    tool_limit: list[float] = field(default_factory=list)
    stop_time: list[Any] = field(default_factory=list)
    margins: dict[str, dict[int, Any]] = field(default_factory=dict)
    rungs: list[str] = field(default_factory=list)
    reasons: list[tuple[str, str] | None] = field(default_factory=list)
    refusals: list[tuple[int, str, str]] = field(default_factory=list)
    phases: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    skip: int = 1
    seen: int = 0

    def feed(self, message: Message) -> None:
        """Take the next message."""
        at_s = (message.stamp_ns - self.start_ns) / 1e9
        reader = _READERS.get(message.topic)
        if reader is not None:
            reader(self, message.json(), at_s)
        elif message.topic.startswith(CAMERA_PREFIX):
            self._picture(message)

    def on_run(self, record: Mapping[str, Any], at_s: float) -> None:
        self.run, self.start_ns = record, int(record["start_ns"])

    def on_plan(self, record: Mapping[str, Any], at_s: float) -> None:
        self.plan = record

    def on_outcome(self, record: Mapping[str, Any], at_s: float) -> None:
        self.outcome = record

    def on_timing(self, record: Mapping[str, Any], at_s: float) -> None:
        self.started_at = str(record.get("started_at", self.started_at))

    def on_phase(self, record: Mapping[str, Any], at_s: float) -> None:
        self.phases.append((at_s, record))

    def on_event(self, record: Mapping[str, Any], at_s: float) -> None:
        level = _LEVELS[record["level"]]
        self.events.append(Event(at_s=at_s, level=level, kind=record["name"], text=record["message"]))

    def on_stop(self, record: Mapping[str, Any], at_s: float) -> None:
        text = f"stop of category {record['category']}: {', '.join(record['causes'])}"
        self.events.append(Event(at_s=at_s, level="error", kind="stop", text=text))

    def on_state(self, record: Mapping[str, Any], at_s: float) -> None:
        tick = len(self.t_s)
        self.t_s.append(at_s)
        self.q.append(record["q"])
        self.v.append(record["v"])
        self.tool_speed.append(record["tool_speed_m_s"])
        self.tool_limit.append(self._limit(int(record["stamp_ns"])))
        self.stop_time.append("NaN")
        for family, value in record["margins_m"].items():
            self.margins.setdefault(family, {})[tick] = value

    def on_verdict(self, record: Mapping[str, Any], at_s: float) -> None:
        self.rungs.append(record["rung"])
        guard, reason = record["guard"], record["reason"]
        self.reasons.append((guard, reason) if guard else None)
        tick = len(self.rungs) - 1
        self.refusals.extend((tick, str(guard), str(reason)) for guard, reason in record["refusals"])

    def on_certificate(self, record: Mapping[str, Any], at_s: float) -> None:
        self.stop_time[-1] = record["stop_time_s"]

    def _limit(self, stamp_ns: int) -> float:
        limit = float(self.run["robot"]["max_tool_speed_m_s"])
        if self.phases:
            phase = self.phases[-1][1]
            if phase["allowed"] and stamp_ns < phase["expires_ns"]:
                limit = min(limit, CONTACT_TOOL_SPEED_M_S)
        return limit

    def _picture(self, message: Message) -> None:
        """Keep an even spread: whenever there are too many, every other one goes."""
        if self.seen % self.skip == 0:
            record = message.json()
            stamp = record["timestamp"]
            at_s = (stamp["sec"] * 1_000_000_000 + stamp["nsec"] - self.start_ns) / 1e9
            self.pictures.append(Picture(at_s=at_s, camera=str(record["frame_id"]), data=record["data"]))
        self.seen += 1
        if len(self.pictures) > _MAX_PICTURES:
            self.pictures = self.pictures[::2]
            self.skip *= 2

    def spans(self, end_s: float) -> list[PhaseSpan]:
        ends = [start for start, _ in self.phases[1:]] + [end_s] * bool(self.phases)
        return [
            PhaseSpan(
                start_s=start,
                end_s=max(start, end),
                task=record["task_id"],
                skill=record["skill"],
                name=record["name"],
                contact=bool(record["allowed"]),
            )
            for (start, record), end in zip(self.phases, ends, strict=True)
        ]


_READERS = {
    "/run": _Reading.on_run,
    "/plan": _Reading.on_plan,
    "/outcome": _Reading.on_outcome,
    TIMING: _Reading.on_timing,
    "/phase": _Reading.on_phase,
    "/event": _Reading.on_event,
    "/stop": _Reading.on_stop,
    "/state": _Reading.on_state,
    "/verdict": _Reading.on_verdict,
    "/certificate": _Reading.on_certificate,
}


def read_timeline(run: Path) -> Timeline:
    """Read a trace, finished or not.

    Raises:
        StorageError: if there is no trace, or if it is damaged.
    """
    reader, reading = TraceReader(run), _Reading()
    with odd_records_are_damage(reader.path):
        for message in reader.messages():
            reading.feed(message)
        return _timeline(reading)


def _timeline(reading: _Reading) -> Timeline:
    count = min(len(reading.t_s), len(reading.rungs))  # a killed run may end between two records of a tick
    joints = len(reading.run["robot"]["joints"])
    end_s = reading.t_s[count - 1] if count else 0.0

    def column(values: list[Any]) -> FloatArray:
        return np.array(values[:count], dtype=np.float64)

    margins = {
        family: np.array([known.get(i, "NaN") for i in range(count)], dtype=np.float64)
        for family, known in sorted(reading.margins.items())
    }
    return Timeline(
        run=reading.run,
        plan=reading.plan,
        outcome=reading.outcome,
        started_at=reading.started_at,
        t_s=column(reading.t_s),
        q=column(reading.q).reshape(count, joints),
        v=column(reading.v).reshape(count, joints),
        tool_speed=column(reading.tool_speed),
        tool_limit=column(reading.tool_limit),
        stop_time=column(reading.stop_time),
        margins=margins,
        rungs=reading.rungs[:count],
        reasons=reading.reasons[:count],
        refusals=[r for r in reading.refusals if r[0] < count],
        phases=reading.spans(end_s),
        events=reading.events,
        pictures=reading.pictures,
    )
