"""The answers of a drive that has nothing to ask a gate, or that the gate or the driver has failed."""

from __future__ import annotations

from interlock.errors import InterlockError
from interlock.guards.gate import GateOutput
from interlock.guards.verdict import Decision, Family, Rung, Verdict
from interlock.hal.arrays import frozen_array
from interlock.hal.state import RobotState

__all__ = ["UNSEEN", "gate_fault", "refusal", "said", "stopped", "unseen"]

UNSEEN = "the world cannot be seen: "
"""How the reason begins for which a gate is not asked."""


def refusal(state: RobotState, rung: Rung, guard: str, reason: str) -> GateOutput:
    """No command: the stop in hand plays, from the commanded node of `state`."""
    verdict = Verdict(
        decision=Decision.REFUSE,
        rung=rung,
        guard=str(guard),
        reason=reason,
        refusals=((str(guard), reason),),
        before=None,
        after=frozen_array([state.q_commanded, state.v_commanded, state.a_commanded], (3, None), "state"),
    )
    return GateOutput(verdict=verdict, command=None, certificate=None, margins=())


def stopped(state: RobotState, cause: str) -> GateOutput:
    """The driver has been stopped, for `cause`."""
    return refusal(state, Rung.DRIVER_STOP, "stop", cause)


def unseen(state: RobotState, reason: str) -> GateOutput:
    """There is no world to judge by; `reason` begins with `UNSEEN`."""
    return refusal(state, Rung.BRAKING, Family.FRESHNESS, reason)


def gate_fault(error: BaseException) -> str:
    """The cause of the stop that follows when a guard raises."""
    return f"gate raised {said(error)}"


def said(error: BaseException) -> str:
    """What an error says; of a stranger's that cannot even say it, its name."""
    try:
        return error.message if isinstance(error, InterlockError) else f"{type(error).__name__}: {error}"
    except BaseException:
        return type(error).__name__
