"""The gate's parts, timed one by one on ticks recorded from a reckless run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from interlock.guards.gate import Gate, GateOutput
from interlock.guards.intake import GateInput
from interlock.guards.projector import Projector
from interlock.guards.surveyor import Surveyor
from interlock.guards.verifier import Verifier
from interlock.orchestrator.bench_run import bench_run
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.rig import build_gate

__all__ = ["gate_parts"]


class _RecordingGate(Gate):
    """A gate that keeps what it was asked."""

    asked: list[GateInput]

    def decide(self, given: GateInput) -> GateOutput:
        """Decide, and remember the question."""
        self.asked.append(given)
        return super().decide(given)


def _recording(cell: Cell) -> Gate:
    gate = build_gate(cell)
    gate.__class__ = _RecordingGate
    gate.asked = []  # type: ignore[attr-defined]
    return gate


def gate_parts(cell: Cell, ticks: int = 600) -> dict[str, list[float]]:
    """Process CPU time of the whole gate and of its parts on the same inputs, [us], by part."""
    gate = bench_run(cell, "reckless", ticks, make_gate=_recording).rig.gate
    asked: list[GateInput] = gate.asked  # type: ignore[attr-defined]
    plain = build_gate(cell)
    surveyor, verifier = Surveyor(plain.body, plain.config), Verifier(plain.body, plain.config)
    projector = Projector(plain.body, plain.config)
    spent: dict[str, list[float]] = {"gate": [], "survey": [], "project": [], "verify_tick_and_stop": []}

    def clocked(part: str, call: Callable[[], object]) -> None:
        before = time.process_time_ns()
        call()
        spent[part].append((time.process_time_ns() - before) * 1e-3)

    for given in asked[len(asked) // 10 :]:
        state = given.state
        start = np.array([state.q_commanded, state.v_commanded, state.a_commanded])
        around = surveyor.survey(given)
        wanted = np.clip(8.0 * (plain.body.robot.home - start[0]), -1.0, 1.0)
        output = plain.decide(given)
        clocked("gate", lambda given=given: plain.decide(given))  # type: ignore[misc]
        clocked("survey", lambda given=given: surveyor.survey(given))  # type: ignore[misc]
        clocked("project", lambda: projector.project(start, wanted, projector.box(start), around))
        command = output.command
        if command is not None:
            nodes = np.concatenate([command.start[None], command.end[None], command.tail])
            clocked("verify_tick_and_stop", lambda nodes=nodes: verifier.verify(nodes, around))  # type: ignore[misc]
    return spent
