"""Hands chunks over in time: as late as a slow model would, and fitted to what was really executed."""

from __future__ import annotations

from collections.abc import Callable

from interlock.hal.chunk import ActionChunk
from interlock.orchestrator.motion_history import MotionHistory
from interlock.orchestrator.proposer import Proposer
from interlock.policy.observation import Observation
from interlock.policy.policy import Policy
from interlock.policy.stream.hand_over import HandOver

__all__ = ["StreamProposer", "streaming"]


class StreamProposer:
    """Between a proposer and the loop, on the loop's thread.

    Args:
        inner: asks the policy.
        hand_over: fits a chunk to the instant at which it is handed over.
        now_ns: time of the tick, [ns].
        history: what was executed.
        latency_ns: simulated time from question to answer, [ns]: 0 where the machine's own clock counts.
    """

    def __init__(
        self,
        inner: Proposer,
        hand_over: HandOver,
        now_ns: Callable[[], int],
        history: MotionHistory,
        latency_ns: int = 0,
    ) -> None:
        self._inner = inner
        self._hand_over = hand_over
        self._now_ns = now_ns
        self._history = history
        self._latency_ns = latency_ns
        self._asked_ns: int | None = None

    def free(self) -> bool:
        """Whether no question is unanswered, in simulated time as well."""
        return self._asked_ns is None and self._inner.free()

    def ask(self, observation: Observation) -> None:
        """Ask, unless the last question is still unanswered."""
        if self.free():
            self._asked_ns = self._now_ns()
            self._inner.ask(observation)

    def answer(self) -> object:
        """The answer once its time has come, fitted to now; a `RefusedError` if it does not fit."""
        now_ns = self._now_ns()
        if self._asked_ns is None or now_ns < self._asked_ns + self._latency_ns:
            return None
        answer = self._inner.answer()
        if answer is None and not self._inner.free():
            return None
        asked_ns, self._asked_ns = self._asked_ns, None
        if type(answer) is not ActionChunk:
            return answer
        try:
            return self._hand_over.take(
                answer,
                now_ns=now_ns,
                ready_ns=asked_ns + self._latency_ns if self._latency_ns else None,
                executed=self._history.executed(),
                here=self._history.here(now_ns),
            )
        except Exception as error:  # whatever it was: no proposal
            return error


def streaming(
    inner: Proposer, policy: Policy, now_ns: Callable[[], int], history: MotionHistory, *, real_time: bool
) -> Proposer:
    """`inner` with the hand-over that `policy` brings along; `inner` itself for a policy without one."""
    hand_over = getattr(policy, "hand_over", None)
    if not isinstance(hand_over, HandOver):
        return inner
    return StreamProposer(inner, hand_over, now_ns, history, 0 if real_time else hand_over.latency_ns)
