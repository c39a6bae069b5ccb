"""A candidate beside the policy in force: asked the same, judged by a gate of its own, never played."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from interlock.errors import RefusedError
from interlock.guards.gate import Gate
from interlock.guards.intake import GateInput
from interlock.guards.verdict import Family, Rung
from interlock.hal.chunk import ActionChunk
from interlock.orchestrator.proposal import not_a_chunk
from interlock.orchestrator.refusal import said
from interlock.policy.observation import Observation
from interlock.policy.policy import Policy

__all__ = ["Finding", "Judgement", "Shadow"]


_COLD = 2  # the first calls load, compile and allocate: that they are late says nothing of the next one


class Judgement(StrEnum):
    """What became of one question to the candidate."""

    LOADED = "loaded"  # no question: it is ready for them
    UNUSABLE = "unusable"  # it cannot be loaded, or not for this run
    RELEASED = "released"  # the gate's preview lets the chunk through, whole, changed or slowed
    REFUSED = "refused"  # it does not
    MALFORMED = "malformed"  # no chunk, or one that is not for this body, or out of sequence
    UNJUDGED = "unjudged"  # it waits, or the gate could not judge just then


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A judgement, and why."""

    judgement: Judgement
    reason: str = ""


class Shadow:
    """Loads a candidate and asks it, all on a thread of its own. The control thread never waits for it.

    The gate is not the drive's: two threads never share one. It keeps no state either way, and a preview
    authorises nothing; what it says is counted and goes no further.

    Args:
        load: builds the candidate; refuses one that is not for this body or these cameras.
        make_gate: builds a gate like the drive's.

    Attributes:
        policy: the candidate, once it is loaded.
        last: its own number of its last chunk; -1 before the first.
    """

    def __init__(self, load: Callable[[], Policy], make_gate: Callable[[], Gate]) -> None:
        self._load = load
        self._make_gate = make_gate
        self._jobs: queue.SimpleQueue[tuple[Observation, GateInput] | None] = queue.SimpleQueue()
        self._found: queue.SimpleQueue[Finding] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._leaving = False
        self._questions = 0
        self.policy: Policy | None = None
        self.last = -1
        try:
            threading.Thread(target=self._run, name="shadow", daemon=True).start()
        except RuntimeError as error:  # no more threads: the run goes on without it
            self._tell(Finding(judgement=Judgement.UNUSABLE, reason=said(error)))

    def free(self) -> bool:
        """Whether it is loaded and nothing is being judged."""
        return self._idle.is_set()

    def submit(self, observation: Observation, given: GateInput) -> None:
        """Ask the candidate, and judge its chunk as the gate was asked about the tick of that question.

        Args:
            observation: a copy for the candidate alone; whatever it does to it, nobody sees.
            given: what the drive's gate was asked in that tick.
        """
        self._idle.clear()
        self._jobs.put((observation, given))

    def wait(self, timeout_s: float) -> bool:
        """Whether it is free within `timeout_s` [s]."""
        return self._idle.wait(timeout_s)

    def findings(self) -> list[Finding]:
        """What was found since the last call; never waits."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._found.get_nowait())
        return found

    def leave(self, *, keep: bool) -> None:
        """End it; the policy lets go of what it holds unless it is to be kept."""
        self._leaving = not keep
        self._jobs.put(None)

    def _run(self) -> None:
        """On a thread of its own."""
        try:
            gate = self._make_gate()
            self.policy = policy = self._load()
            policy.reset()
        except BaseException as error:  # a candidate is a stranger: whatever it raises, it is not used
            self._tell(Finding(judgement=Judgement.UNUSABLE, reason=said(error)))
            self._close()
            return
        self._tell(Finding(judgement=Judgement.LOADED))
        while (job := self._jobs.get()) is not None:
            self._tell(self._judge(policy, gate, *job))
        self._close()

    def _tell(self, finding: Finding) -> None:
        self._found.put(finding)
        self._idle.set()

    def _close(self) -> None:
        close = getattr(self.policy, "close", None)
        if self._leaving and callable(close):
            with suppress(BaseException):
                close()

    def _judge(self, policy: Policy, gate: Gate, observation: Observation, given: GateInput) -> Finding:
        self._questions += 1
        try:
            proposed: object = policy.propose(observation)
            if proposed is None:
                return Finding(judgement=Judgement.UNJUDGED, reason="it waits")
            wrong = not_a_chunk(proposed)
            if wrong or type(proposed) is not ActionChunk:
                return _malformed(f"returned no chunk: {wrong}")
            if proposed.seq <= self.last:
                return _malformed(f"chunk {proposed.seq} comes after chunk {self.last}")
            self.last = proposed.seq
            return self._previewed(gate, proposed, given)
        except RefusedError as error:
            return Finding(judgement=Judgement.REFUSED, reason=error.message)
        except BaseException as error:
            return _malformed(f"raised {said(error)}")

    def _previewed(self, gate: Gate, chunk: ActionChunk, given: GateInput) -> Finding:
        """What the gate makes of the chunk as if it had come at once; one that came too late is refused."""
        spent_s = (chunk.t_ready_ns - chunk.t_obs_ns) * 1e-9
        if spent_s > gate.config.chunk_deadline_s and self._questions <= _COLD:
            return Finding(judgement=Judgement.UNJUDGED, reason="the first answers take longer")
        if spent_s > gate.config.chunk_deadline_s:
            return Finding(judgement=Judgement.REFUSED, reason=f"an answer took {spent_s:.2f} s")
        at_once = replace(chunk, t_ready_ns=min(chunk.t_ready_ns, given.now_ns))
        result = gate.preview(replace(given, chunk=at_once, reshaped=None, last_seq=-1))
        if result.again:
            return Finding(judgement=Judgement.UNJUDGED, reason=result.reason)
        if result.rung is not Rung.BRAKING:
            return Finding(judgement=Judgement.RELEASED)
        if result.guard == Family.INTEGRITY:
            return _malformed(result.reason)
        return Finding(judgement=Judgement.REFUSED, reason=f"{result.guard}: {result.reason}")


def _malformed(why: str) -> Finding:
    return Finding(judgement=Judgement.MALFORMED, reason=why)
