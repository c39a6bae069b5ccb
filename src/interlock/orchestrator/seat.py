"""A policy's place at the loop."""

from __future__ import annotations

from dataclasses import replace

from interlock.hal.chunk import ActionChunk
from interlock.orchestrator.proposal import not_a_chunk
from interlock.orchestrator.proposer import Proposer
from interlock.policy.observation import Observation

__all__ = ["Seat"]


class Seat:
    """A proposer whose chunks are numbered on from those of whoever sat there before.

    The gate takes no number twice, and each policy counts for itself. A policy that was never exchanged has
    its chunks handed over as they are.

    Args:
        proposer: asks the policy.
        last: the policy's own number of its last chunk so far; -1 before the first.
    """

    def __init__(self, proposer: Proposer, last: int = -1) -> None:
        self._proposer = proposer
        self._own = last
        self._shift = 0
        self._owes = False

    def enter(self, last: int) -> None:
        """It proposes from now on; its next chunk has a number above `last`."""
        self._shift = last - self._own

    def leave(self) -> None:
        """It proposes no longer; an answer still on its way is for nobody."""
        self._owes = not self._proposer.free()

    def free(self) -> bool:
        """Whether no question is unanswered."""
        if self._owes:
            self._proposer.answer()
            self._owes = not self._proposer.free()
        return not self._owes and self._proposer.free()

    def ask(self, observation: Observation) -> None:
        """Ask, unless the last question is still unanswered."""
        self._proposer.ask(observation)

    def answer(self) -> object:
        """What came back since the last call, or None."""
        if self._owes:
            return None
        answer = self._proposer.answer()
        if type(answer) is not ActionChunk or not_a_chunk(answer):
            return answer
        self._own = max(self._own, answer.seq)
        return replace(answer, seq=answer.seq + self._shift) if self._shift else answer
