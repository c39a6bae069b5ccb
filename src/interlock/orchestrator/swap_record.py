"""How one hot swap went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SwapRecord", "SwapState"]


class SwapState(StrEnum):
    """Where a swap stands; the first four go on, the last three are how it ended."""

    SHADOW = "shadow"  # the candidate is loaded, then asked beside the policy in force
    DUE = "due"  # it may take over at the next hold
    TRIAL = "trial"  # it is in force, and has not achieved a task yet
    BACK = "back"  # it has failed: the policy of before takes over at the next hold
    REFUSED = "refused"  # it was never in force
    IN_FORCE = "in_force"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRecord:
    """One candidate, from the request on.

    Attributes:
        checkpoint: its folder.
        state: where it stands.
        asked_s: when it was asked for, [s].
        judged: chunks of it that were judged in the shadow.
        released: those of them that the gate's preview let through.
        took_over_s: when it took over, [s]; None if it never did.
        gave_back_s: when the policy of before took over again, [s]; None if it did not.
        reason: why it was refused or gave back, one sentence, else "".
    """

    checkpoint: str
    state: SwapState
    asked_s: float
    judged: int = 0
    released: int = 0
    took_over_s: float | None = None
    gave_back_s: float | None = None
    reason: str = ""

    @property
    def open(self) -> bool:
        """Whether it still goes on."""
        return self.state in (SwapState.SHADOW, SwapState.DUE, SwapState.TRIAL, SwapState.BACK)
