"""What to do with a proposal that looks unlike what was learned: a small state machine without a clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

__all__ = ["Outcome", "Thresholds", "UncertaintyGate"]


class Outcome(StrEnum):
    """From sure to lost."""

    TRUST = "trust"  # hand the chunk over as it is
    SLOW = "slow"  # hand it over with its steps further apart in time
    ASK_AGAIN = "ask_again"  # hand nothing over; what is in force goes on until the next question
    HOLD = "hold"  # hand nothing over and withdraw what is in force: the verified stop plays
    ASK_PLANNER = "ask_planner"  # hold, and let the rest of the goal be planned anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where doubt begins.

    Attributes:
        slow: a score up to here is trusted.
        doubt: a score up to here is followed slowly; beyond it not at all.
        asks: so many doubtful answers in a row are only asked again.
        holds: so many holds in a row, and the planner is asked.
    """

    slow: float
    doubt: float
    asks: int
    holds: int


class UncertaintyGate:
    """Decides, question by question. The same scores in the same order give the same decisions.

    It is no gate in the sense of the guarantee: what it lets through is still only a proposal.

    Attributes:
        counts: how often each outcome was decided since the last `reset`, by the outcome's text.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self.counts: dict[str, int] = {}
        self.reset()

    def reset(self) -> None:
        """Forget the last run."""
        self._doubts = self._holds = 0
        self.counts = {outcome.value: 0 for outcome in Outcome}

    def decide(self, score: float) -> Outcome:
        """What to do with an answer of this score; one that is no finite number is never followed."""
        outcome = self._outcome(score)
        self.counts[outcome.value] += 1
        return outcome

    def _outcome(self, score: float) -> Outcome:
        limits = self._thresholds
        if np.isfinite(score) and score <= limits.doubt:
            self._doubts = self._holds = 0
            return Outcome.TRUST if score <= limits.slow else Outcome.SLOW
        self._doubts += 1
        if np.isfinite(score) and self._doubts <= limits.asks:
            return Outcome.ASK_AGAIN
        self._holds += 1
        if self._holds <= limits.holds:
            return Outcome.HOLD
        self._doubts = self._holds = 0
        return Outcome.ASK_PLANNER
