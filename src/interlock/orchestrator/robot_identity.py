"""Which robot a command means: a state folder, named or derived from a cell."""

from __future__ import annotations

from pathlib import Path

from interlock.hal.state_dir import default_state_dir

__all__ = ["robot_state_dir"]


def robot_state_dir(cell: str, given: Path | None) -> Path:
    """The state folder that `given` names; else the one of the cell's robot.

    With `given` no cell is read, so a stop needs no readable cell file.

    Raises:
        CellError: if the cell is needed and cannot be read.
    """
    if given is not None:
        return given.absolute()
    from interlock.orchestrator.cell import Cell

    return default_state_dir(Cell.load(cell).file.robot.name)
