"""Asks the run that owns a robot to try another checkpoint."""

from __future__ import annotations

from pathlib import Path

from interlock.errors import BadInputError
from interlock.hal.lease import is_held
from interlock.orchestrator.swap_request import SwapRequest
from interlock.orchestrator.trained_cell import require_statistics

__all__ = ["ask_for_swap"]


def ask_for_swap(checkpoint: Path, state_dir: Path) -> str:
    """Leave the request, and say what becomes of it.

    Args:
        checkpoint: its folder; the run itself checks everything else.
        state_dir: of the robot.

    Raises:
        BadInputError: if there is no checkpoint in the folder, or no run is alive.
        StorageError: if the request cannot be written.
    """
    require_statistics(checkpoint)
    if not is_held(state_dir):
        raise BadInputError(
            "no run is alive there",
            field="state_dir",
            value=str(state_dir),
            mend="Start one, or name its folder with --state-dir.",
        )
    SwapRequest(state_dir).ask(checkpoint)
    return "Asked: the run takes it up when a task begins or its arm holds. Its trace says what came of it."
