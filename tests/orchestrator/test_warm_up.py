"""What a tick may need is loaded before the first one."""

from __future__ import annotations

from types import SimpleNamespace

from tests.guards.closed_loop import CELLS, body_of, cell_of

from interlock.guards.intake import GateInput
from interlock.hal.phase import FELT_N
from interlock.orchestrator.warm_up import warm_up


def test_a_thing_that_is_held_and_felt_is_judged_before_the_first_tick() -> None:
    asked: list[GateInput] = []
    gate = SimpleNamespace(body=body_of(CELLS[0]), decide=asked.append, preview=lambda given: None)
    cell = cell_of(CELLS[0])
    warm_up(gate, cell, cell.scene_objects(0))  # type: ignore[arg-type]
    held = [given for given in asked if given.phase.held is not None]
    assert held
    for given in held:
        assert given.scene.find(given.phase.held) is not None
        assert given.state.gripper.force_n >= FELT_N


def test_a_world_of_nothing_to_hold_is_warmed_up_too() -> None:
    asked: list[GateInput] = []
    gate = SimpleNamespace(body=body_of(CELLS[0]), decide=asked.append, preview=lambda given: None)
    warm_up(gate, cell_of(CELLS[0]), ())  # type: ignore[arg-type]
    assert [given.phase.held for given in asked] == [None]
