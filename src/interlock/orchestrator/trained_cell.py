"""A cell whose policy is a checkpoint: named in it, and proposing in the space that it was trained in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import yaml

from interlock.errors import BadInputError, CheckpointError
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_schema import ActionSpace
from interlock.policy.vla.statistics import Statistics

__all__ = ["trained_cell"]


def trained_cell(cell: Cell, checkpoint: Path) -> Cell:
    """The cell with the policy `vla` from this checkpoint, in the first action space that it knows.

    Only the statistics are read here; the policy itself checks everything when it is loaded.

    Raises:
        BadInputError: if there is no checkpoint in the folder.
        CheckpointError: if it knows this body in no action space; says in what the nearest one differs.
    """
    statistics = _statistics(checkpoint)
    refused: CheckpointError | None = None
    for space in (cell.file.policy.action_space, *get_args(ActionSpace)):
        candidate = _told(cell, space, checkpoint)
        try:
            statistics.of(candidate.embodiment())
        except CheckpointError as error:
            refused = refused or error
            continue
        return candidate
    raise refused or CheckpointError("knows no body", field="checkpoint", value=str(checkpoint))


def _statistics(checkpoint: Path) -> Statistics:
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


def _told(cell: Cell, space: str, checkpoint: Path) -> Cell:
    data: dict[str, Any] = yaml.safe_load(cell.text)
    kept = cell.policy_options if cell.policy == "vla" else {}
    options = {**kept, "checkpoint": str(checkpoint.resolve())}
    data["policy"] = {"name": "vla", "action_space": space, "options": options}
    return Cell.read(yaml.safe_dump(data, sort_keys=False).encode(), cell.path)
