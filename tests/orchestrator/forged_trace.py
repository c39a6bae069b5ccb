"""Traces rewritten by somebody who knows the format: the chain of the copy is whole again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.guards.surveyor import Surveyor
from interlock.orchestrator.aftermath import Aftermath
from interlock.orchestrator.refusal import UNSEEN, unseen
from interlock.traces.container import TraceFile
from interlock.traces.encoding import encode
from interlock.traces.questions import QuestionLog, QuestionReader, state_from
from interlock.traces.read import TraceReader
from interlock.traces.records import verdict_record

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


def cut_out(entries: list[Entry], ticks: Collection[int], *, renumber: bool = True) -> list[Entry]:
    """Without whole ticks; later questions no longer refer to them, and the ticks are counted anew."""
    left = sorted({e.record["tick"] for e in entries if e.topic == "/state"} - set(ticks))
    numbers = {tick: i if renumber else tick for i, tick in enumerate(left)}
    kept = [Entry(e.topic, e.stamp_ns, dict(e.record)) for e in entries]
    kept = [e for e in asked_anew(kept, numbers) if e.record.get("tick", left[0]) in numbers]
    for entry in kept:
        if "tick" in entry.record:
            entry.record["tick"] = numbers[entry.record["tick"]]
    return kept


def unseen_at(entries: list[Entry], ticks: Collection[int], surveyor: Surveyor) -> list[Entry]:
    """Ticks at which nobody asked: the camera was late, it now says."""
    states = {e.record["tick"]: state_from(e.record) for e in entries if e.topic == "/state"}
    kept: list[Entry] = []
    for entry in asked_anew(entries, {tick: tick for tick in states if tick not in ticks}):
        tick, record = entry.record.get("tick"), dict(entry.record)
        if tick in ticks:
            output = unseen(states[tick], f"{UNSEEN}camera late")
            after = Aftermath.of(output, surveyor, latched=False)
            if entry.topic in ("/preview", "/certificate", "/command"):
                continue
            if entry.topic == "/state":
                record |= {name: getattr(after, name) for name in Aftermath.__slots__}
            elif entry.topic == "/verdict":
                record = verdict_record(output.verdict, tick, entry.stamp_ns, record["chunk_seq"])
        kept.append(Entry(entry.topic, entry.stamp_ns, record))
    return kept


def asked_anew(entries: Iterable[Entry], numbers: Mapping[int, int]) -> Iterable[Entry]:
    """Only the questions of the ticks in `numbers`, which refer to each other by the numbers given there."""
    reader, log = QuestionReader(), QuestionLog()
    state = None
    for entry in entries:
        if entry.topic == "/state":
            state = state_from(entry.record)
        if entry.topic != "/question" or state is None:
            yield entry
            continue
        tick = entry.record["tick"]
        given = reader.read(entry.record, state, None)
        if tick in numbers:
            again = log.record(given, numbers[tick]) | {"chunk": entry.record["chunk"], "tick": tick}
            yield Entry(entry.topic, entry.stamp_ns, again)
