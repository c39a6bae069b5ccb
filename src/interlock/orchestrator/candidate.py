"""A checkpoint that is to take over in a run: built for the same body, seen by the same cameras."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from interlock.errors import BadInputError
from interlock.guards.gate import Gate
from interlock.guards.plugins import load_constraints
from interlock.orchestrator.asked_cameras import roles_of
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.trained_cell import LEARNED
from interlock.policy.policy import Policy, PolicyContext
from interlock.policy.registry import create

__all__ = ["candidate_from", "second_gate"]


def candidate_from(folder: Path, context: PolicyContext, roles: Iterable[str]) -> Policy:
    """The learned policy of a checkpoint, in place of the one that `context` is of.

    Args:
        folder: the checkpoint.
        context: the run's, with the options of the policy in force if that is a learned one, else none.
        roles: of the cameras that take pictures in this run.

    Raises:
        CheckpointError: if it is not whole, or not for this body.
        BadInputError: if it looks through a camera that takes no pictures here.
    """
    options = {**context.options, "checkpoint": str(folder.absolute())}
    policy = create(LEARNED, replace(context, options=options))
    missing = roles_of(policy) - frozenset(roles)
    if missing:
        raise BadInputError(
            "looks through cameras that take no pictures in this run",
            field="policy.roles",
            value=sorted(missing),
            mend="Start the run with it, or with a policy that looks through the same cameras.",
        )
    return policy


def second_gate(gate: Gate, cell: Cell) -> Gate:
    """A gate that judges like `gate`, for another thread: a user's constraint may keep scratch space."""
    config = gate.config
    return Gate(gate.body, cell.embodiment(), config, load_constraints(config, gate.body.robot))
