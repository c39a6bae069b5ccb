"""Which robot a command means, and who gives it."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path

from interlock.errors import CellError, StorageError
from interlock.hal.state_dir import default_state_dir

__all__ = ["known_state_dir", "robot_state_dir", "user_name"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def robot_state_dir(cell: str, given: Path | None) -> Path:
    """The state folder that `given` names; else the one of the cell's robot.

    A stop must not need a cell file without faults: of one that cannot be used the robot's name is enough,
    and with `given` no cell is read at all.

    Raises:
        CellError: if the cell is needed and does not even name its robot.
    """
    if given is not None:
        return given.absolute()
    from interlock.orchestrator.cell import Cell

    try:
        return default_state_dir(Cell.load(cell).file.robot.name)
    except CellError:
        name = _robot_name(cell)
        if name is None:
            raise
        return default_state_dir(name)


def known_state_dir(cell: str, given: Path | None) -> Path:
    """The same, for a command that is about what is there already.

    Raises:
        StorageError: if `given` is not there.
        CellError: as `robot_state_dir`.
    """
    if given is not None and not given.is_dir():
        raise StorageError(
            "there is no such state folder",
            field="state_dir",
            value=str(given),
            mend="Give the folder that the run was started with.",
        )
    return robot_state_dir(cell, given)


def user_name() -> str:
    """The user of this computer; in a container the number may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _robot_name(cell: str) -> str | None:
    import yaml

    from interlock.orchestrator.cell_folder import find_cell
    from interlock.orchestrator.cell_reader import CellReader

    try:
        data = yaml.safe_load(CellReader(find_cell(cell)).content())
        name = data["robot"]["name"]
    except (CellError, yaml.YAMLError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None
