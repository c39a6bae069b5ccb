"""What the gate said about one tick, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = ["Decision", "Family", "Rung", "Verdict"]


class Decision(StrEnum):
    """The three answers of the gate."""

    ALLOW = "allow"
    MODIFY = "modify"
    REFUSE = "refuse"


class Rung(StrEnum):
    """The ladder of fallbacks, from the best to the last."""

    AS_PROPOSED = "as_proposed"
    PROJECTED = "projected"
    SLOWED = "slowed"
    RETREATING = "retreating"
    BRAKING = "braking"
    DRIVER_STOP = "driver_stop"


class Family(StrEnum):
    """The guard families that ship; a plug-in adds its own name as a plain string."""

    INTEGRITY = "integrity"
    FRESHNESS = "freshness"
    TRACKING = "tracking"
    POSITION = "position"
    VELOCITY = "velocity"
    ACCELERATION = "acceleration"
    JERK = "jerk"
    TOOL_SPEED = "tool_speed"
    ZONES = "zones"
    SELF_COLLISION = "self_collision"
    ENVIRONMENT = "environment"
    HELD_OBJECT = "held_object"
    GRIPPER = "gripper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one tick.

    Attributes:
        decision: ALLOW, MODIFY or REFUSE.
        rung: where on the ladder the released motion came from.
        guard: family that forced a change or refused, "" for ALLOW.
        reason: one sentence with the pair or joint and the numbers, "" for ALLOW.
        refusals: every (guard, reason) met on the way down the ladder, in order.
        before: proposed node at the end of the tick, shape (3, n), or None without a usable proposal.
        after: released node at the end of the tick, shape (3, n).
    """

    decision: Decision
    rung: Rung
    guard: str
    reason: str
    refusals: tuple[tuple[str, str], ...]
    before: FloatArray | None
    after: FloatArray

    def __post_init__(self) -> None:
        if self.before is not None:
            object.__setattr__(self, "before", frozen_array(self.before, (3, None), "verdict.before"))
        object.__setattr__(self, "after", frozen_array(self.after, (3, None), "verdict.after"))
