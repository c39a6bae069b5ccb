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
from interlock.hal.driver import StopCategory
from interlock.hal.state import RobotState
from interlock.orchestrator.aftermath import Aftermath
from interlock.orchestrator.followed import Followed
from interlock.orchestrator.played import Played
from interlock.orchestrator.refusal import UNSEEN, gate_fault, stopped, unseen
from interlock.traces import records
from interlock.traces.difference import CLOSE, difference
from interlock.traces.questions import QuestionReader, chunk_from, state_from
from interlock.traces.read import DamagedTraceError
from interlock.traces.tick_record import TickRecord, left_out

__all__ = ["Asking"]

_ANSWERS = ("/chunk", "/preview", "/overruled", "/verdict", "/certificate", "/command", "/state")
_Answer = dict[str, Mapping[str, Any]]
_Expected = tuple[ActionChunk | None, tuple[str, str] | None]


class Asking:
    """Follows a trace as the drive followed the run, and counts.

    Args:
        gate: the gate of the recorded cell.
        exact: see `difference`.
        start_ns: time at which the run began, [ns].

    Attributes:
        ticks: ticks met.
        decisions: ticks at which the gate had been asked.
        same: how many of these got the same answer.
        not_asked: the other ticks.
        dropped: ticks that the recorder left out.
        late: whether any tick after the first began late; None while there was none to tell by.
        first_difference: the first difference at any tick, in words, or "".
        path: numeric path of this process's certificates, "" before the first.
        recorded_path: the same of the recorded ones.
    """

    def __init__(self, gate: Gate, *, exact: bool, start_ns: int = 0) -> None:
        self._gate = gate
        self._exact = exact
        self._start_ns = start_ns
        self._period_ns = round(gate.config.period_s * 1e9)
        self._surveyor = Surveyor(gate.body, gate.config)
        self._reader = QuestionReader()
        self._proposed: ActionChunk | None = None
        self._unjudged: ActionChunk | None = None  # the proposal, while it has to be judged again
        self._in_force: ActionChunk | None = None
        self._reshaped: tuple[str, str] | None = None
        self._seq = 0
        self._last_seq = self._released_seq = -1
        self._new = False
        self._missed = 0  # ticks that were left out since the last question
        self._latch: list[str] = []
        self._braked = self._blind = False
        self._played = Played() if exact else Played(close=CLOSE)
        self._followed = Followed(gate.config.sight_window_s)
        self.late: bool | None = None
        self.ticks = self.decisions = self.same = self.not_asked = self.dropped = 0
        self.first_difference = self.path = self.recorded_path = ""

    def hear(self, topic: str, record: Mapping[str, Any]) -> None:
        """Take in what was recorded between two ticks."""
        heard = {"/chunk": self._propose, "/scene": self._look, "/stop": self._stop, "/gap": self._skip}
        heard[topic](record)

    def _propose(self, record: Mapping[str, Any]) -> None:
        """A proposal went to the drive; it is in force until the next."""
        self._proposed, self._last_seq, self._new = _chunk(record), self._released_seq, True

    def _skip(self, record: Mapping[str, Any]) -> None:
        """The recorder left something out."""
        self.dropped += left_out(record)

    def _stop(self, record: Mapping[str, Any]) -> None:
        """A stop was ordered."""
        self._braked = self._braked or record["category"] == StopCategory.REMOVE_POWER

    def _look(self, record: Mapping[str, Any]) -> None:
        """The world as the drive had it at the last tick; none that is new where it could not be seen."""
        if self._blind and not self._followed.knew(record["stamp_ns"]):
            self.note(f"scene of {record['stamp_ns']} ns: the world was seen, but the gate was not asked")

    def tick(self, tick: TickRecord) -> None:
        """Compare one tick."""
        self.ticks += 1
        self.recorded_path = tick.records.get("/certificate", {}).get("numeric_path", self.recorded_path)
        state = state_from(tick.records["/state"])
        untimely, unmoved = self._untimely(tick), self._unmoved(tick, state)
        if "/question" in tick.records:
            self.decisions += 1
            asked = self._asked(tick, state)
            found = untimely or asked or unmoved
            self.same += not found
        else:
            self.not_asked += 1
            unasked = self._unasked(tick, state)
            found = untimely or unasked or unmoved
        latch = tick.records["/state"]["latch"]
        self._blind = "/question" not in tick.records and not latch
        if latch[: len(self._latch)] != self._latch:
            found = found or "state.latch: a stop that was latched is no longer"
        self._latch = latch
        self.note(f"tick {tick.number}: {found}" if found else "")

    def note(self, found: str) -> None:
        """Keep the first difference."""
        self.first_difference = self.first_difference or found

    def _untimely(self, tick: TickRecord) -> str:
        """How far the tick is from where its number puts it: a period after the one before it."""
        late_ns = tick.stamp_ns - self._start_ns - tick.number * self._period_ns
        return f"it is {late_ns * 1e-6:g} ms from where its number puts it" if late_ns else ""

    def _unmoved(self, tick: TickRecord, state: RobotState) -> str:
        """How the arm was commanded otherwise than by what was released before."""
        if tick.dropped:
            self._missed += tick.dropped
            self._followed.lose()
            if tick.records.get("/question", {}).get("seq") != self._seq:
                self._played.lose()
        return self._played.unlike(
            state,
            missed=tick.dropped,
            latched=bool(tick.records["/state"]["latch"]),
            braked=self._braked,
        )

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
        astray = self._followed.unlike(given)
        if tick.number:
            self.late = bool(self.late) or given.lateness_ns != 0
        if len(state.q) != self._gate.body.n:
            return self._joints(state)
        if question["chunk"] is not None and named is None:
            self._proposed, self._seq = None, given.seq + ("/command" in met)
            self._new, self._missed = False, 0
            return "question.chunk names none that is in force"
        self._catch_up(given)
        answer, output, expected = self._decide(tick, given, made)
        self._played.answered(output, taken="/overruled" not in met)
        if named is None:  # withdrawn
            self._last_seq = self._released_seq
        elif output.command is not None:
            self._released_seq = named.seq
        found = self._unlike(tick, given, expected)
        self._proposed, self._in_force, self._reshaped = self._unjudged, named, given.reshaped
        self._seq = given.seq + (output.command is not None)
        self._new, self._missed = False, 0
        return found or astray or self._answered(tick, given, answer, output)

    def _catch_up(self, given: GateInput) -> None:
        """Of commands that were left out is known that they followed the chunk then in force."""
        if self._in_force is None:
            self._missed = 0
        elif self._missed and given.seq > self._seq:
            self._released_seq = self._in_force.seq
            self._last_seq = self._released_seq if self._new else self._last_seq

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
        if not self._seq <= given.seq <= self._seq + self._missed:
            return f"question.seq was {given.seq}, now it is {self._seq}"
        if given.last_seq != self._last_seq:
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
