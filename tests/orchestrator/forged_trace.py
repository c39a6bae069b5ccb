"""Traces rewritten by somebody who knows the format: the chain of the copy is whole again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.traces.container import TraceFile
from interlock.traces.encoding import encode
from interlock.traces.read import TraceReader

Record = dict[str, Any]


@dataclass
class Entry:
    """One message of a trace, its record open to change."""

    topic: str
    stamp_ns: int
    record: Record


Forgery = Callable[[list[Entry]], Iterable[Entry]]


def entries_of(run: Path) -> list[Entry]:
    """All messages but the checkpoints of the chain."""
    messages = TraceReader(run).messages()
    return [Entry(m.topic, m.stamp_ns, m.json()) for m in messages if m.topic != "/chain"]


def written(entries: Iterable[Entry], folder: Path, *, finished: bool = True) -> Path:
    """A trace of these messages."""
    folder.mkdir()
    file = TraceFile(folder / "trace.mcap")
    for entry in entries:
        file.add(entry.topic, entry.stamp_ns, encode(entry.record))
    if finished:
        file.finish(0)
    else:
        file.abandon()
    return folder


def without(*topics: str, tick: int | None = None) -> Forgery:
    """Leaves out what is on these topics, of one tick or of all."""

    def forge(entries: list[Entry]) -> list[Entry]:
        return [e for e in entries if e.topic not in topics or tick not in (None, e.record.get("tick"))]

    return forge


def twice(topic: str, tick: int) -> Forgery:
    """Says one record a second time."""

    def forge(entries: list[Entry]) -> list[Entry]:
        return [e for e in entries for _ in range(1 + (e.topic == topic and e.record["tick"] == tick))]

    return forge


def changed(topic: str, tick: int, change: Callable[[Record], object]) -> Forgery:
    """Changes the record of one tick."""

    def forge(entries: list[Entry]) -> list[Entry]:
        (found,) = (e for e in entries if e.topic == topic and e.record.get("tick", tick) == tick)
        change(found.record)
        return entries

    return forge
