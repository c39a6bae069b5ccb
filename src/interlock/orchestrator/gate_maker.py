"""The gate of a cell; no simulator is needed for it."""

from __future__ import annotations

from collections.abc import Callable

from interlock.guards.body import BodyModel
from interlock.guards.gate import Gate
from interlock.guards.plugins import load_constraints
from interlock.orchestrator.cell import Cell

__all__ = ["GateMaker", "build_gate"]

GateMaker = Callable[[Cell], Gate]


def build_gate(cell: Cell) -> Gate:
    """The gate of a cell: body model, limits, zones, and the user's own constraints."""
    robot, config = cell.robot_spec(), cell.gate_config()
    constraints = load_constraints(config, robot)
    return Gate(BodyModel.build(robot), cell.embodiment(), config, constraints)
