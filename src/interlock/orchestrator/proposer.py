"""Who asks the policy: in lockstep the loop itself, in real time a thread that the loop never waits for."""

from __future__ import annotations

import queue
import threading
from typing import Protocol

from interlock.policy.observation import Observation
from interlock.policy.policy import Policy

__all__ = ["InlineProposer", "Proposer", "ThreadProposer"]


class Proposer(Protocol):
    """Asks a policy and hands over what it answered."""

    def ask(self, observation: Observation) -> None:
        """Ask for a proposal; ignored while the last question is unanswered."""
        ...

    def answer(self) -> object:
        """What came back since the last call: a proposal, an exception that the policy raised, or None."""
        ...


class InlineProposer:
    """Asks at once and waits: deterministic, for lockstep."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._answer: object = None

    def ask(self, observation: Observation) -> None:
        """Ask, and wait for the answer."""
        self._answer = _proposal(self._policy, observation)

    def answer(self) -> object:
        """The answer, once."""
        answer, self._answer = self._answer, None
        return answer


class ThreadProposer:
    """Asks on a thread of its own: a policy that is slow or hangs costs its own proposals and nothing else.

    While no answer comes the last chunk plays on until it is too old, and then the verified stop.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._questions: queue.SimpleQueue[Observation] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._waiting = False
        threading.Thread(target=self._run, name="policy", daemon=True).start()

    def ask(self, observation: Observation) -> None:
        """Ask, unless the last question is still unanswered."""
        if not self._waiting:
            self._waiting = True
            self._questions.put(observation)

    def answer(self) -> object:
        """The answer if there is one by now; never waits."""
        try:
            answer = self._answers.get_nowait()
        except queue.Empty:
            return None
        self._waiting = False
        return answer

    def _run(self) -> None:
        while True:
            self._answers.put(_proposal(self._policy, self._questions.get()))


def _proposal(policy: Policy, observation: Observation) -> object:
    try:
        return policy.propose(observation)
    except Exception as error:  # a policy is a stranger: whatever it raises means no proposal
        return error
