"""Exchanges the policy of a run for another checkpoint: after a shadow run, at a hold; back if need be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from interlock.errors import BadInputError
from interlock.hal.chunk import ActionChunk
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.proposer import Proposer
from interlock.orchestrator.refusal import said
from interlock.orchestrator.seat import Seat
from interlock.orchestrator.shadow import Finding, Judgement, Shadow
from interlock.orchestrator.swap_record import SwapRecord, SwapState
from interlock.orchestrator.swap_request import SwapRequest
from interlock.orchestrator.swap_rules import SwapRules
from interlock.orchestrator.trial import Trial
from interlock.policy.observation import Observation
from interlock.policy.policy import Policy

__all__ = ["HotSwap"]

_SLICE_S = 0.05
_SLICES = 2400  # two minutes: in lockstep nothing but a person's stop ends a wait sooner
_COUNTED = (Judgement.RELEASED, Judgement.REFUSED)


class HotSwap:
    """Stands between the loop and the policy in force, as its proposer, on the loop's thread.

    Args:
        incumbent: asks the policy that the run begins with.
        seat: makes a proposer of a policy.
        shadow: begins to load the candidate of a folder.
        inbox: requests from outside the run.
        rules: when it may take over, and when it has to give back.
        tell: called with a sentence and a level at each step of a swap.
        now_ns: time of the tick, [ns].
        stopped: in lockstep, whether somebody wants the robot to stop, looked at while a candidate is waited
            for, so that runs repeat; None in real time, where nobody ever waits.

    Attributes:
        records: every swap that was asked for, the last one as it stands.
    """

    def __init__(
        self,
        incumbent: Proposer,
        *,
        seat: Callable[[Policy], Proposer],
        shadow: Callable[[Path], Shadow],
        inbox: SwapRequest,
        rules: SwapRules,
        tell: Callable[[str, str], None],
        now_ns: Callable[[], int],
        stopped: Callable[[], bool] | None,
    ) -> None:
        self._seat = self._before = Seat(incumbent)
        self._make_seat = seat
        self._make_shadow = shadow
        self._inbox = inbox
        self._rules = rules
        self._tell = tell
        self._now_ns = now_ns
        self._stopped = stopped
        self._shadow: Shadow | None = None
        self._kept: list[Policy] = []
        self._question: Observation | None = None
        self._trial: Trial | None = None
        self._last = -1
        self.records: tuple[SwapRecord, ...] = ()

    @property
    def state(self) -> SwapState | None:
        """Where the last swap stands; None before the first."""
        return self.records[-1].state if self.records else None

    @property
    def wants_hold(self) -> bool:
        """Whether there is something to be done at the next hold."""
        return self.state in (SwapState.DUE, SwapState.BACK)

    def look(self, *, over: bool = False) -> None:
        """Take a request to try another checkpoint, if there is one: a microsecond if there is none.

        Args:
            over: the run has ended, and a request comes too late.
        """
        try:
            checkpoint = self._inbox.take()
        except BadInputError as error:
            self._tell(error.message, "error")
            return
        if checkpoint is not None and over:
            self._tell(f"{checkpoint} is not tried: the run is over", "warning")
        elif checkpoint is not None:
            self.request(checkpoint)

    def request(self, checkpoint: Path) -> None:
        """Begin to try a checkpoint, unless another one is being tried."""
        if self.records and self.records[-1].open:
            self._tell(f"{checkpoint} is not tried: {self.records[-1].checkpoint} still is", "warning")
            return
        asked_s = self._now_ns() * 1e-9
        self.records += (SwapRecord(checkpoint=str(checkpoint), state=SwapState.SHADOW, asked_s=asked_s),)
        self._tell(f"{checkpoint} is loaded beside the policy in force", "info")
        self._shadow = self._make_shadow(checkpoint)
        self._await()
        self._count()

    def free(self) -> bool:
        """Whether no question is unanswered."""
        return self._seat.free()

    def ask(self, observation: Observation) -> None:
        """Ask the policy in force; a candidate in the shadow gets a copy, taken before."""
        shadowed = self.state is SwapState.SHADOW and self._shadow is not None and self._shadow.free()
        self._question = copy.deepcopy(observation) if shadowed else None
        self._seat.ask(observation)

    def answer(self) -> object:
        """What came back from the policy in force since the last call, or None."""
        answer = self._seat.answer()
        if type(answer) is ActionChunk and isinstance(answer.seq, int):
            self._last = max(self._last, answer.seq)
        if self._trial is not None:
            self._trial.answered(answer)
        return answer

    def after_tick(self, report: TickReport) -> None:
        """Take in what a tick brought; nothing is exchanged here."""
        question, self._question = self._question, None
        self._count()
        if self._shadow is not None and self.state is SwapState.SHADOW:
            if question is not None and report.given is not None:
                self._shadow.submit(question, report.given)
                self._await()
                self._count()
            self._expire()
        if self._trial is not None:
            self._trial.ticked(report)
            self._look_at(self._trial)

    def exchange(self) -> bool:
        """Exchange the policies if that is due; only for a robot that holds. Whether they were."""
        if self.state is SwapState.DUE and self._shadow is not None and self._shadow.policy is not None:
            # whatever fails, fails before the one assignment that counts
            policy = self._shadow.policy
            try:
                seat = Seat(self._make_seat(policy), self._shadow.last)
            except Exception as error:
                self._refuse(f"it cannot take over: {said(error)}")
                return False
            seat.enter(self._last)
            self._seat.leave()
            self._shadow.leave(keep=True)
            self._shadow = None
            self._kept.append(policy)
            self._before, self._seat = self._seat, seat
            now_ns = self._now_ns()
            self._trial = Trial(self._rules, now_ns)
            self._note(SwapState.TRIAL, took_over_s=now_ns * 1e-9)
            self._tell(f"{self.records[-1].checkpoint} took over, at a hold", "info")
            return True
        if self.state is SwapState.BACK:
            self._before.enter(self._last)
            self._seat.leave()
            self._seat = self._before
            self._note(SwapState.ROLLED_BACK, gave_back_s=self._now_ns() * 1e-9)
            self._tell(f"the policy of before took over again: {self.records[-1].reason}", "warning")
            return True
        return False

    def task_ended(self, failed: str, began_ns: int) -> None:
        """A task is over; one that another policy began says nothing of the candidate.

        Args:
            failed: why it was not achieved, or "".
            began_ns: when it began, [ns].
        """
        if self._trial is None or began_ns < self._trial.began_ns:
            return
        if failed:
            self._trial.failed = f"its first task failed: {failed}"
            self._look_at(self._trial)
        elif self._trial.taken:
            self._trial = None
            self._note(SwapState.IN_FORCE)
            self._tell(f"{self.records[-1].checkpoint} achieved a task and stays", "info")

    def close(self) -> None:
        """The run is over: candidates let go of what they hold."""
        if self._shadow is not None:
            self._shadow.leave(keep=False)
        for policy in self._kept:
            close = getattr(policy, "close", None)
            if callable(close):
                with suppress(Exception):  # the run is over, and its outcome stands
                    close()

    def _await(self) -> None:
        """In lockstep, until the candidate is free."""
        if self._stopped is None or self._shadow is None:
            return
        for _ in range(_SLICES):
            if self._shadow.wait(_SLICE_S) or self._stopped():
                return
        self._refuse("it does not answer")

    def _count(self) -> None:
        """Take in what was found in the shadow."""
        for finding in [] if self._shadow is None else self._shadow.findings():
            if self.state is SwapState.SHADOW:
                self._take(finding)

    def _take(self, finding: Finding) -> None:
        record, rules = self.records[-1], self._rules
        if finding.judgement in (Judgement.UNUSABLE, Judgement.MALFORMED):
            self._refuse(finding.reason)
        elif finding.judgement is Judgement.LOADED:
            self._tell(f"{record.checkpoint} is loaded and shadows", "info")
        elif finding.judgement in _COUNTED:
            judged = record.judged + 1
            released = record.released + (finding.judgement is Judgement.RELEASED)
            self._note(SwapState.SHADOW, judged=judged, released=released)
            if judged - released > (1.0 - rules.share) * rules.questions + 1e-9:
                self._refuse(
                    f"the gate lets {released} of its {judged} chunks through; the last one: {finding.reason}"
                )
            elif judged == rules.questions:
                self._note(SwapState.DUE)
                self._tell(f"{released} of {judged} chunks pass the gate; it waits for a hold", "info")

    def _look_at(self, trial: Trial) -> None:
        """Have a candidate that failed give back at the next hold."""
        if trial.failed:
            self._trial = None
            self._note(SwapState.BACK, reason=trial.failed)
            text = f"{self.records[-1].checkpoint} gives back at the next hold: {trial.failed}"
            self._tell(text, "warning")

    def _refuse(self, why: str) -> None:
        self._note(SwapState.REFUSED, reason=why)
        self._tell(f"{self.records[-1].checkpoint} is refused: {why}", "warning")
        if self._shadow is not None:
            self._shadow.leave(keep=False)
            self._shadow = None

    def _expire(self) -> None:
        waited_s = self._now_ns() * 1e-9 - self.records[-1].asked_s
        if self.state is SwapState.SHADOW and waited_s > self._rules.patience_s:
            self._refuse(f"not enough of it was judged in {self._rules.patience_s:g} s")

    def _note(self, state: SwapState, **changes: object) -> None:
        self.records = (*self.records[:-1], replace(self.records[-1], state=state, **changes))  # type: ignore[arg-type]
