"""A cell whose policy is a checkpoint: named in it, and proposing in the space that it was trained in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

from interlock.errors import BadInputError
from interlock.hal.embodiment import Embodiment
from interlock.orchestrator.action_space import channels_of
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_schema import ActionSpace
from interlock.orchestrator.proposing import proposing
from interlock.policy.vla.statistics import Statistics

__all__ = ["require_body", "require_statistics", "trained_cell"]


def trained_cell(cell: Cell, checkpoint: Path) -> Cell:
    """The cell with the policy `vla` from this checkpoint, in the first action space that it knows.

    Only the statistics are read here; the policy itself checks everything when it is loaded.

    Raises:
        BadInputError: if there is no checkpoint in the folder.
        CheckpointError: if it knows this body in no action space; says in what the nearest one differs.
    """
    statistics = require_statistics(checkpoint)
    known = {each.embodiment.fingerprint for each in statistics.bodies}
    own = cell.file.policy.action_space
    space = next((s for s in (own, *get_args(ActionSpace)) if _in_space(cell, s).fingerprint in known), own)
    statistics.of(_in_space(cell, space))  # refuses a body that it does not know
    kept = cell.policy_options if cell.policy == "vla" else {}
    return proposing(cell, space, policy="vla", options={**kept, "checkpoint": str(checkpoint.resolve())})


def require_body(cell: Cell, checkpoint: Path) -> None:
    """Return if a checkpoint was trained with the body of this cell, in its action space.

    Raises:
        BadInputError: if there is no checkpoint in the folder.
        CheckpointError: if it was not; says in what the nearest body differs.
    """
    require_statistics(checkpoint).of(cell.embodiment())


def _in_space(cell: Cell, space: ActionSpace) -> Embodiment:
    return replace(cell.embodiment(), channels=channels_of(cell.file.robot, space))


def require_statistics(checkpoint: Path) -> Statistics:
    """The bodies that a checkpoint knows; nothing else of it is read.

    Raises:
        BadInputError: if there is none in the folder, or one that cannot be used.
    """
    path = checkpoint / "statistics.json"
    try:
        return Statistics.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"there is no checkpoint here ({type(error).__name__})",
            field="checkpoint",
            value=str(checkpoint),
            mend="Name the folder checkpoint/ that `interlock train` has written.",
        ) from error
