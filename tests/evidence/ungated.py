"""The gate off: what a policy would do to the cell if nobody looked. It exists in the tests alone."""

from __future__ import annotations

import numpy as np

from interlock.guards import gate as gate_module
from interlock.guards.body import BodyModel
from interlock.guards.config import GateConfig
from interlock.guards.curve import next_node
from interlock.guards.gate import GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.preview import Preview
from interlock.guards.reference import Reference, reference_at
from interlock.guards.stop import MAX_STOP_TICKS, stop_tail
from interlock.guards.verdict import Decision, Rung, Verdict
from interlock.hal.arrays import FloatArray
from interlock.hal.command import GripperCommand, GuardedCommand
from interlock.orchestrator.cell import Cell

__all__ = ["Ungated", "make_ungated", "minted"]

_FEEDBACK = 30.0  # position feedback of the tracker, [1/s]; a tick takes 0.3 of the error away
_ANY_ACCELERATION = 1e6  # rad/s^2: bounds that bound nothing
_ANY_JERK = 1e9  # rad/s^3


class Ungated:
    """Commands what a chunk asks for as it is, NaN too; once a chunk has run out the arm comes to rest."""

    def __init__(self, body: BodyModel, config: GateConfig) -> None:
        self.body = body
        self.config = config

    def decide(self, given: GateInput) -> GateOutput:
        """Release whatever was proposed."""
        end_ns = given.now_ns + round(self.config.period_s * 1e9)
        start = np.array([given.state.q_commanded, given.state.v_commanded, given.state.a_commanded])
        with np.errstate(all="ignore"):
            reference = None if given.chunk is None else reference_at(given.chunk, self.body.n, end_ns)
            if reference is None:
                return _held(given, "nothing is proposed")
            end = next_node(start, self._acceleration(start, reference), self.config.period_s)
        return minted(given, self.body, self.config.period_s, start, end, reference.width_m)

    def preview(self, given: GateInput) -> Preview:
        """Every chunk as it is."""
        assert given.chunk is not None
        return Preview(chunk=given.chunk, rung=Rung.AS_PROPOSED)

    def _acceleration(self, start: FloatArray, reference: Reference) -> FloatArray:
        """Acceleration at the end of the tick from which the speed is the reference's one tick later.

        Nodes are joined by cubics: whoever prescribes the next node's position or speed exactly, tick by
        tick, lets the acceleration swing up.
        """
        h = self.config.period_s
        q, v, a = start
        wanted = reference.v + _FEEDBACK * (reference.q - (q + h * v))
        return np.asarray((wanted - v - 0.5 * h * a) / h)


def make_ungated(cell: Cell) -> Ungated:
    """The gate of a cell, off."""
    return Ungated(BodyModel.build(cell.robot_spec()), cell.gate_config())


def minted(
    given: GateInput,
    body: BodyModel,
    period_s: float,
    start: FloatArray,
    end: FloatArray,
    width_m: float | None,
) -> GateOutput:
    """A command from `start` to `end`, shape (3, n) each, with a stop that nobody checked."""
    any_acceleration, any_jerk = np.full(body.n, _ANY_ACCELERATION), np.full(body.n, _ANY_JERK)
    tail = stop_tail(end, any_acceleration, any_jerk, period_s, False, MAX_STOP_TICKS)
    spec = body.robot.gripper
    gripper = None
    if spec is not None and width_m is not None:
        gripper = GripperCommand(width_m=width_m, force_n=spec.max_force_n)
    command = GuardedCommand(
        seq=given.seq,
        epoch=given.epoch,
        stamp_ns=given.now_ns,
        period_s=period_s,
        start=start,
        end=end,
        tail=tail,
        gripper=gripper,
        certificate="",
        mint=gate_module._MINT,
    )
    verdict = Verdict(
        decision=Decision.ALLOW,
        rung=Rung.AS_PROPOSED,
        guard="",
        reason="",
        refusals=(),
        before=end,
        after=end,
    )
    return GateOutput(verdict=verdict, command=command, certificate=None, margins=())


def _held(given: GateInput, reason: str) -> GateOutput:
    state = given.state
    verdict = Verdict(
        decision=Decision.REFUSE,
        rung=Rung.BRAKING,
        guard="none",
        reason=reason,
        refusals=(("none", reason),),
        before=None,
        after=np.array([state.q_commanded, state.v_commanded, state.a_commanded]),
    )
    return GateOutput(verdict=verdict, command=None, certificate=None, margins=())
