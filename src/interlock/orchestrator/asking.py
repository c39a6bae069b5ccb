"""The gate asked again, tick by tick, in the place of the drive: what it says now beside what it said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.surveyor import Surveyor
from interlock.guards.verdict import Rung
from interlock.hal.chunk import ActionChunk
from interlock.hal.state import RobotState
from interlock.orchestrator.aftermath import Aftermath
from interlock.orchestrator.refusal import UNSEEN, gate_fault, stopped, unseen
from interlock.traces import records
from interlock.traces.difference import difference
from interlock.traces.questions import QuestionReader, chunk_from, state_from
from interlock.traces.read import DamagedTraceError
from interlock.traces.tick_record import TickRecord

__all__ = ["Asking"]

_ANSWERS = ("/chunk", "/preview", "/overruled", "/verdict", "/certificate", "/command", "/state")
_Answer = dict[str, Mapping[str, Any]]
_Expected = tuple[ActionChunk | None, tuple[str, str] | None]


class Asking:
    """Follows a trace as the drive followed the run, and counts.

    Args:
        gate: the gate of the recorded cell.
        exact: see `difference`.

    Attributes:
        ticks: ticks met.
        decisions: ticks at which the gate had been asked.
        same: how many of these got the same answer.
        not_asked: the other ticks.
        dropped: ticks that the recorder left out.
        first_difference: the first difference at any tick, in words, or "".
        path: numeric path of this process's certificates, "" before the first.
        recorded_path: the same of the recorded ones.
    """

    def __init__(self, gate: Gate, *, exact: bool) -> None:
        self._gate = gate
        self._exact = exact
        self._surveyor = Surveyor(gate.body, gate.config)
        self._reader = QuestionReader()
        self._proposed: ActionChunk | None = None
        self._unjudged: ActionChunk | None = None  # the proposal, while it has to be judged again
        self._in_force: ActionChunk | None = None
        self._reshaped: tuple[str, str] | None = None
        self._seq = 0
        self._last_seq = self._released_seq = -1
        self._latch: list[str] = []
        self.ticks = self.decisions = self.same = self.not_asked = self.dropped = 0
        self.first_difference = self.path = self.recorded_path = ""

    def propose(self, record: Mapping[str, Any]) -> None:
        """A proposal went to the drive; it is in force until the next."""
        self._proposed, self._last_seq = _chunk(record), self._released_seq

    def tick(self, tick: TickRecord) -> None:
        """Compare one tick."""
        self.ticks += 1
        self.dropped += tick.dropped
        self.recorded_path = tick.records.get("/certificate", {}).get("numeric_path", self.recorded_path)
        state = state_from(tick.records["/state"])
        if "/question" in tick.records:
            self.decisions += 1
            found = self._asked(tick, state)
            self.same += not found
        else:
            self.not_asked += 1
            found = self._unasked(tick, state)
        latch = tick.records["/state"]["latch"]
        if latch[: len(self._latch)] != self._latch:
            found = found or "state.latch: a stop that was latched is no longer"
        self._latch = latch
        self.note(f"tick {tick.number}: {found}" if found else "")

    def note(self, found: str) -> None:
        """Keep the first difference."""
        self.first_difference = self.first_difference or found

    def _unasked(self, tick: TickRecord, state: RobotState) -> str:
        """A stop was latched or the world was not seen: nothing may have been released."""
        if len(state.q) != self._gate.body.n:
            return self._joints(state)
        verdict, latch = tick.records["/verdict"], tick.records["/state"]["latch"]
        output = stopped(state, latch[0]) if latch else unseen(state, verdict["reason"])
        if not latch and not verdict["reason"].startswith(UNSEEN):
            return "the gate had not been asked, without a reason"
        answer = _answer(output, tick.number, tick.stamp_ns, verdict["chunk_seq"])
        return self._compare(tick, answer | self._state(tick, output, latch))

    def _asked(self, tick: TickRecord, state: RobotState) -> str:
        question, met = tick.records["/question"], tick.records
        made = _chunk(met["/chunk"]) if "/chunk" in met else None
        proposed = self._proposed
        if "/preview" in met and (proposed is None or proposed.digest != met["/preview"]["proposed"]):
            raise _damaged(f"the chunk that was judged at tick {tick.number} is not in the trace")
        known = (chunk for chunk in (made, proposed, self._in_force) if chunk is not None)
        named = next((chunk for chunk in known if chunk.digest == question["chunk"]), None)
        given = self._question(question, state, named)
        if len(state.q) != self._gate.body.n:
            return self._joints(state)
        if question["chunk"] is not None and named is None:
            self._proposed, self._seq = None, given.seq + ("/command" in met)
            return "question.chunk names none that is in force"
        answer, output, expected = self._decide(tick, given, made)
        if named is None:  # withdrawn
            self._last_seq = self._released_seq
        elif output.command is not None:
            self._released_seq = named.seq
        found = self._unlike(tick, given, expected)
        self._proposed, self._in_force, self._reshaped = self._unjudged, named, given.reshaped
        self._seq = given.seq + (output.command is not None)
        return found or self._answered(tick, given, answer, output)

    def _answered(self, tick: TickRecord, given: GateInput, answer: _Answer, output: GateOutput) -> str:
        """Compare what the gate says now, or what the drive made of it."""
        met, latch = tick.records, tick.records["/state"]["latch"]
        chunk_seq = -1 if given.chunk is None else given.chunk.seq
        if output.certificate is not None:
            self.path = output.certificate.numeric_path
        if "/overruled" in met:
            answer["/overruled"] = records.overruled_record(
                output.verdict,
                output.certificate,
                output.command,
                tick=tick.number,
                stamp_ns=given.now_ns,
                chunk_seq=chunk_seq,
            )
            output = stopped(given.state, met["/verdict"]["reason"])
        fault = output.verdict.reason if output.verdict.rung is Rung.DRIVER_STOP else ""
        if bool(fault) != bool(latch) or (fault and self._exact and fault not in latch):
            return f"state.latch was {latch}, now it is {[fault] if fault else []}"
        answer |= _answer(output, tick.number, given.now_ns, chunk_seq)
        return self._compare(tick, answer | self._state(tick, output, latch, given))

    def _decide(
        self, tick: TickRecord, given: GateInput, made: ActionChunk | None
    ) -> tuple[_Answer, GateOutput, _Expected]:
        """What the gate says now, of a new chunk and of the tick, and what is to be in force by that."""
        answer: _Answer = {}
        self._unjudged = None
        chunk, reshaped = self._in_force, self._reshaped
        if given.chunk is None:
            chunk = reshaped = None
        try:
            if given.chunk is not None and self._proposed is not None:
                chunk, reshaped = self._proposed, None
                result = self._gate.preview(replace(given, chunk=chunk, reshaped=None))
                answer["/preview"] = records.preview_record(chunk, result, tick.number)
                self._unjudged = chunk if result.again else None
                if result.chunk is not chunk:
                    answer["/chunk"] = records.chunk_record(result.chunk)
                    chunk = made
                if result.rung in (Rung.PROJECTED, Rung.SLOWED):
                    reshaped = (str(result.guard), result.reason)
            return answer, self._gate.decide(given), (chunk, reshaped)
        except (Exception, SystemExit) as error:  # the drive makes the same of it
            return answer, stopped(given.state, gate_fault(error)), (chunk, reshaped)

    def _unlike(self, tick: TickRecord, given: GateInput, expected: _Expected) -> str:
        """How the question is not the one that the drive had to ask here, or ""."""
        chunk, reshaped = expected
        if given.chunk is not chunk:
            return "question.chunk is not the one in force"
        if given.now_ns != tick.stamp_ns:
            return "question.now_ns is not the time of the tick"
        if not self._seq <= given.seq <= self._seq + tick.dropped:
            return f"question.seq was {given.seq}, now it is {self._seq}"
        if not self.dropped and given.last_seq != self._last_seq:
            return f"question.last_seq was {given.last_seq}, now it is {self._last_seq}"
        told, tells = given.reshaped, reshaped
        if not self._exact:  # the reason is in words
            told, tells = told and (told[0], ""), tells and (tells[0], "")
        return "" if told == tells else f"question.reshaped was {told}, now it is {tells}"

    def _question(
        self, question: Mapping[str, Any], state: RobotState, chunk: ActionChunk | None
    ) -> GateInput:
        try:
            return self._reader.read(question, state, chunk)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(
                f"the question of tick {question.get('tick')} cannot be read "
                f"({type(error).__name__}: {error}): what it refers to is missing or changed"
            ) from error

    def _state(
        self, tick: TickRecord, output: GateOutput, latch: list[str], given: GateInput | None = None
    ) -> _Answer:
        """The state as recorded, but for what follows from the answer."""
        after = Aftermath.of(output, self._surveyor, latched=bool(latch))
        state = dict(tick.records["/state"])
        if given is not None:
            state["phase"] = given.phase.name
        return {
            "/state": state
            | {
                "mode": after.mode,
                "margins_m": after.margins_m,
                "tool_in_world": after.tool_in_world,
                "tool_speed_m_s": after.tool_speed_m_s,
            }
        }

    def _compare(self, tick: TickRecord, answer: _Answer) -> str:
        found = (
            difference(topic, tick.data.get(topic), answer.get(topic), exact=self._exact)
            for topic in _ANSWERS
        )
        return next((one for one in found if one), "")

    def _joints(self, state: RobotState) -> str:
        return f"state.q has {len(state.q)} joints, the robot has {self._gate.body.n}"


def _answer(output: GateOutput, tick: int, stamp_ns: int, chunk_seq: int) -> _Answer:
    answer: _Answer = {"/verdict": records.verdict_record(output.verdict, tick, stamp_ns, chunk_seq)}
    if output.certificate is not None:
        answer["/certificate"] = records.certificate_record(output.certificate, tick)
    if output.command is not None:
        answer["/command"] = records.command_record(output.command, tick)
    return answer


def _chunk(record: Mapping[str, Any]) -> ActionChunk:
    chunk = chunk_from(record)
    if chunk.digest != record["digest"]:
        raise _damaged(f"chunk {chunk.seq} is not the one that its digest names")
    return chunk


def _damaged(what: str) -> DamagedTraceError:
    return DamagedTraceError(what, field="run", mend="Take a whole, unchanged trace.")
