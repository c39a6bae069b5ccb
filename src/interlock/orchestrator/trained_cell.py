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
from interlock.policy.vla.learned_options import LearnedOptions
from interlock.policy.vla.shipped_weights import name_of, shipped_weights
from interlock.policy.vla.statistics import Statistics

__all__ = ["LEARNED", "checkpoint_of", "require_body", "require_statistics", "trained_cell"]

LEARNED = "vla"
"""Name of the learned policy."""


def checkpoint_of(cell: Cell) -> Path:
    """The checkpoint that the cell names for `vla`: one that ships, or a folder, from the cell's own on.

    Raises:
        BadInputError: if it names none and none is installed.
    """
    return LearnedOptions.read(cell.options_of(LEARNED), cell.path.parent).checkpoint


def trained_cell(cell: Cell, checkpoint: Path | None) -> Cell:
    """The cell with the policy `vla`, in the first action space that its checkpoint knows.

    Only the statistics are read here; the policy itself checks everything when it is loaded.

    Args:
        cell: any cell.
        checkpoint: folder of the checkpoint, which the cell then names; None: that of the cell, or the
            weights that ship.

    Raises:
        BadInputError: if there is no checkpoint in the folder.
        CheckpointError: if it knows this body in no action space; says in what the nearest one differs.
    """
    folder = checkpoint_of(cell) if checkpoint is None else checkpoint
    statistics = require_statistics(folder)
    space = _space_of(statistics, cell)
    statistics.of(_in_space(cell, space))  # refuses a body that it does not know
    # By its name, if it ships: a trace of the cell would name a folder of this machine.
    named = name_of(folder) or str(folder.resolve())
    options = {**cell.options_of(LEARNED), "checkpoint": named}
    return proposing(cell, space, policy=LEARNED, options=options)


def _space_of(statistics: Statistics, cell: Cell) -> ActionSpace:
    """The first space in which the body is known; else one whose channels are, to say in what it differs."""
    own = cell.file.policy.action_space
    spaces = (own, *(space for space in get_args(ActionSpace) if space != own))
    known = {each.embodiment.fingerprint for each in statistics.bodies}
    alike = {_kind_of(each.embodiment) for each in statistics.bodies}
    bodies = {space: _in_space(cell, space) for space in spaces}
    exact = [space for space in spaces if bodies[space].fingerprint in known]
    return next(iter([*exact, *(space for space in spaces if _kind_of(bodies[space]) in alike), own]))


def _kind_of(body: Embodiment) -> tuple[object, ...]:
    """Which body in which action space, whatever its limits."""
    return body.tag, *((channel.name, channel.reference) for channel in body.channels)


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
            mend="Name the folder checkpoint/ that `interlock train` has written, or weights that ship: "
            f"{', '.join(shipped_weights())}.",
        ) from error
