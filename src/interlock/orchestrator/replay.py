"""Re-execution: ask the gate again what a trace says it was asked, and compare every answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from interlock.errors import StorageError
from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.hal.chunk import ActionChunk
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.gate_maker import build_gate
from interlock.traces import records
from interlock.traces.encoding import encode, unpacked
from interlock.traces.questions import QuestionReader, chunk_from, state_from
from interlock.traces.read import DamagedTraceError, Message, TraceReader

__all__ = ["ReplayResult", "replay"]

_TOPICS = ("/run", "/chunk", "/state", "/question", "/preview", "/verdict", "/certificate", "/command")
_ANSWERS = ("/preview", "/verdict", "/certificate", "/command")
_CLOSE = 1e-6  # [rad, rad/s, rad/s^2, m]: what another processor's arithmetic may add

_Tick = dict[str, Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What came out of asking again.

    Attributes:
        run: the trace.
        exact: whether every bit was compared, or only decisions, and numbers within 1e-6.
        decisions: questions that were asked again.
        same: how many got the same answer.
        not_asked: ticks at which the gate had not been asked (a stop was latched, the world was not seen).
        first_difference: the first answer that differs, in words, or "".
        numeric_path: "compiled" or "numpy", of the recorded certificates and of this process.
    """

    run: str
    exact: bool
    decisions: int
    same: int
    not_asked: int
    first_difference: str
    numeric_path: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether there was something to ask, and every answer is the same."""
        return self.decisions > 0 and self.same == self.decisions

    def to_json(self) -> str:
        """One line."""
        names = ("run", "exact", "decisions", "same", "not_asked", "first_difference", "numeric_path")
        return json.dumps({name: getattr(self, name) for name in names})


def replay(
    run: Path, *, cell: str | None = None, exact: bool = True, tell: Callable[[int], None] = lambda _: None
) -> ReplayResult:
    """Ask the gate of the recorded cell again at every tick of a trace.

    Args:
        run: a run's folder, or its trace file.
        cell: a cell file or name to use instead of the one in the trace.
        exact: compare every bit of verdict, certificate and command; else decisions, rungs and guards, and
            the numbers of a command within 1e-6.
        tell: is told the number of ticks read so far.

    Raises:
        StorageError: if there is no readable trace, or it does not hold what is needed.
        CellError: if the recorded cell cannot be used here.
    """
    reader = TraceReader(run)
    asking = _Asking(exact)
    gate: Gate | None = None
    tick: _Tick = {}
    for message in reader.messages(_TOPICS):
        if message.topic == "/run":
            gate = build_gate(_cell_of(message, cell))
        elif gate is None:
            raise _out_of_order(reader.path)
        elif message.topic == "/chunk":
            asking.chunk(message)
        elif message.topic == "/state":
            asking.tick(gate, tick)
            tick = {"/state": message}
            tell(asking.ticks)
        else:
            tick[message.topic] = message
    if gate is None:
        raise _out_of_order(reader.path)
    if reader.finished:  # a run that was killed may have ended in the middle of this one
        asking.tick(gate, tick)
    return ReplayResult(
        run=str(reader.path),
        exact=exact,
        decisions=asking.decisions,
        same=asking.same,
        not_asked=asking.not_asked,
        first_difference=asking.first_difference,
        numeric_path={"recorded": asking.recorded_path, "now": asking.path},
    )


class _Asking:
    """Asks tick by tick and counts."""

    def __init__(self, exact: bool) -> None:
        self._exact = exact
        self._reader = QuestionReader()
        self._chunks: dict[str, ActionChunk] = {}
        self.ticks = self.decisions = self.same = self.not_asked = 0
        self.first_difference = self.path = self.recorded_path = ""

    def chunk(self, message: Message) -> None:
        """A proposal that later questions may name."""
        chunk = chunk_from(message.json())
        self._chunks[chunk.digest] = chunk

    def tick(self, gate: Gate, met: _Tick) -> None:
        """One tick of the trace, or nothing yet."""
        if "/verdict" not in met:
            return
        self.ticks += 1
        if "/question" not in met:
            self.not_asked += 1
            return
        recorded = {topic: message.json() for topic, message in met.items()}
        verdict = recorded["/verdict"]
        given = self._question(recorded)
        answer = _answer(gate.decide(given), verdict["tick"], verdict["stamp_ns"], verdict["chunk_seq"])
        if "/preview" in recorded:
            answer["/preview"] = self._preview(gate, given, recorded["/preview"])
        self.decisions += 1
        if "/certificate" in answer:
            self.path = answer["/certificate"]["numeric_path"]
        if "/certificate" in recorded:
            self.recorded_path = recorded["/certificate"]["numeric_path"]
        difference = _bits_differ(answer, met) if self._exact else _differ(answer, recorded)
        if not difference:
            self.same += 1
        elif not self.first_difference:
            self.first_difference = f"tick {verdict['tick']}: {difference}"

    def _preview(self, gate: Gate, given: GateInput, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Judge the chunk as a whole again."""
        proposed = self._chunks.get(recorded["proposed"])
        if proposed is None:
            raise DamagedTraceError(
                f"the chunk that was judged at tick {recorded['tick']} is not in the trace",
                field="run",
                mend="Take a whole, unchanged trace.",
            )
        result = gate.preview(replace(given, chunk=proposed, reshaped=None))
        return records.preview_record(proposed, result, recorded["tick"])

    def _question(self, recorded: Mapping[str, Any]) -> GateInput:
        question = recorded["/question"]
        try:
            chunk = None if question["chunk"] is None else self._chunks[question["chunk"]]
            return self._reader.read(question, state_from(recorded["/state"]), chunk)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedTraceError(
                f"the question of tick {question.get('tick')} cannot be read "
                f"({type(error).__name__}: {error})",
                field="run",
                mend="A record that it refers to is missing or changed: take a whole, unchanged trace.",
            ) from error


def _answer(output: GateOutput, tick: int, stamp_ns: int, chunk_seq: int) -> dict[str, dict[str, Any]]:
    answer = {"/verdict": records.verdict_record(output.verdict, tick, stamp_ns, chunk_seq)}
    if output.certificate is not None:
        answer["/certificate"] = records.certificate_record(output.certificate, tick)
    if output.command is not None:
        answer["/command"] = records.command_record(output.command, tick)
    return answer


def _bits_differ(answer: Mapping[str, dict[str, Any]], met: _Tick) -> str:
    for topic in _ANSWERS:
        recorded = met[topic].data if topic in met else None
        now = encode(answer[topic]) if topic in answer else None
        if recorded != now:
            return _named(topic, recorded, now)
    return ""


def _named(topic: str, recorded: bytes | None, now: bytes | None) -> str:
    """Which field differs, and how."""
    what = topic[1:]
    if recorded is None or now is None:
        was, now_is = ("none" if one is None else "one" for one in (recorded, now))
        return f"{what}: there was {was}, now there is {now_is}"
    one, other = json.loads(recorded), json.loads(now)
    name = next((key for key in sorted({*one, *other}) if one.get(key) != other.get(key)), "")
    return f"{what}.{name} was {str(one.get(name))[:80]}, now it is {str(other.get(name))[:80]}"


def _differ(answer: Mapping[str, dict[str, Any]], recorded: Mapping[str, Any]) -> str:
    for topic in _ANSWERS:
        if (topic in answer) != (topic in recorded):
            return _named(topic, b"{}" if topic in recorded else None, b"{}" if topic in answer else None)
    for topic, names in (
        ("/preview", ("rung", "sample", "guard")),
        ("/verdict", ("decision", "rung", "guard")),
    ):
        for name in names:
            now, was = answer.get(topic, {}).get(name), recorded.get(topic, {}).get(name)
            if str(now) != str(was):
                return f"{topic[1:]}.{name} was {was}, now it is {now}"
    if "/command" in answer:
        for name in ("start", "end", "tail"):
            one, other = (_array(record["/command"][name]) for record in (recorded, answer))
            if one.shape != other.shape or not np.allclose(one, other, rtol=0.0, atol=_CLOSE):
                return f"command.{name} differs by more than {_CLOSE}"
    return ""


def _array(value: Any) -> np.ndarray[Any, Any]:
    return unpacked(value) if isinstance(value, Mapping) else np.array(value)


def _cell_of(run: Message, chosen: str | None) -> Cell:
    if chosen is not None:
        return Cell.load(chosen)
    record = run.json()
    if not record.get("cell_text"):
        raise StorageError(
            "the trace does not hold the cell it was recorded with",
            field="run",
            mend="Name the cell with --cell FILE.",
        )
    return Cell.read(record["cell_text"].encode(), Path(f"{record['cell']}.yaml").absolute())


def _out_of_order(path: Path) -> StorageError:
    return DamagedTraceError(
        "the trace does not begin with its run", field="run", value=str(path), mend="Take an unchanged copy."
    )
