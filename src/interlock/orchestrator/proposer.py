"""Who asks the policy: in lockstep the loop itself, in real time a thread that the loop never waits for."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

from interlock.policy.observation import Observation
from interlock.policy.policy import Policy

__all__ = ["InlineProposer", "Proposer", "ThreadProposer", "WaitingProposer"]

_SLICE_S = 0.05  # how often a stop is looked for while a policy thinks


class Proposer(Protocol):
    """Asks a policy and hands over what it answered.

    A question asked while one is unanswered is dropped, never kept: its observation would be old when its
    turn came. Whoever asks looks at `free` and asks again from what is then observed.
    """

    def free(self) -> bool:
        """Whether no question is unanswered."""
        ...

    def ask(self, observation: Observation) -> None:
        """Ask for a proposal; ignored while the last question is unanswered."""
        ...

    def answer(self) -> object:
        """What came back since the last call: a proposal, an exception that the policy raised, or None."""
        ...


class InlineProposer:
    """Asks at once and waits: deterministic, where nobody needs to stop the robot meanwhile."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._answer: object = None

    def free(self) -> bool:
        """Always: a question is answered before anyone can look."""
        return True

    def ask(self, observation: Observation) -> None:
        """Ask, and wait for the answer."""
        self._answer = _proposal(self._policy, observation)

    def answer(self) -> object:
        """The answer, once."""
        answer, self._answer = self._answer, None
        return answer


class ThreadProposer:
    """Asks on a thread of its own: a policy that is slow or hangs costs its own proposals and nothing else.

    While no answer comes the last chunk plays on until it is too old, and then the verified stop. The thread
    ends when nobody holds the proposer any more and the last question is answered, and lets go of the policy.
    """

    def __init__(self, policy: Policy) -> None:
        self._questions: queue.SimpleQueue[Observation | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._waiting = False
        self._answered = threading.Event()
        asked = (policy, self._questions, self._answers, self._answered)
        threading.Thread(target=_answer, args=asked, name="policy", daemon=True).start()
        weakref.finalize(self, self._questions.put, None).atexit = False

    def free(self) -> bool:
        """Whether the last question is answered, and the answer taken."""
        return not self._waiting

    def ask(self, observation: Observation) -> None:
        """Ask, unless the last question is still unanswered."""
        if not self._waiting:
            self._waiting = True
            self._answered.clear()
            self._questions.put(observation)

    def wait(self, timeout_s: float) -> bool:
        """Whether an answer has come within `timeout_s` [s]."""
        return self._answered.wait(timeout_s)

    def answer(self) -> object:
        """The answer if there is one by now; never waits."""
        try:
            answer = self._answers.get_nowait()
        except queue.Empty:
            return None
        self._waiting = False
        return answer


class WaitingProposer:
    """Asks on a thread and waits, for lockstep: deterministic, and a person can stop a policy that hangs.

    Args:
        policy: the policy.
        stopped: whether somebody wants the robot to stop; looked at while waiting.
    """

    def __init__(self, policy: Policy, stopped: Callable[[], bool]) -> None:
        self._thread = ThreadProposer(policy)
        self._stopped = stopped

    def free(self) -> bool:
        """Whether the last question is answered; not so after a stop that came first."""
        return self._thread.free()

    def ask(self, observation: Observation) -> None:
        """Ask, and wait for the answer or for a stop."""
        self._thread.ask(observation)
        while not self._thread.wait(_SLICE_S) and not self._stopped():
            pass

    def answer(self) -> object:
        """The answer, once; None if a stop came first."""
        return self._thread.answer()


def _answer(
    policy: Policy,
    questions: queue.SimpleQueue[Observation | None],
    answers: queue.SimpleQueue[object],
    answered: threading.Event,
) -> None:
    """One answer to each question, until there is a None."""
    while (observation := questions.get()) is not None:
        answers.put(_proposal(policy, observation))
        del observation  # and its pictures, while nothing is asked
        answered.set()


def _proposal(policy: Policy, observation: Observation) -> object:
    try:
        return policy.propose(observation)
    except BaseException as error:  # a policy is a stranger: whatever it raises means no proposal
        return error
