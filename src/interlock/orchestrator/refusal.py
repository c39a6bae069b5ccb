"""The answer of a drive that has nothing to ask a gate: no motion, and why."""

from __future__ import annotations

from interlock.guards.gate import GateOutput
from interlock.guards.verdict import Decision, Rung, Verdict
from interlock.hal.arrays import frozen_array
from interlock.hal.state import RobotState

__all__ = ["refusal"]


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
