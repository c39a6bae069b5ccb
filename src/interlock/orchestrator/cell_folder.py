"""The cells that ship, by name; imports nothing beyond the standard library."""

from __future__ import annotations

import os
from pathlib import Path

from interlock.errors import CellError
from interlock.orchestrator.nearest import nearest

__all__ = ["DEFAULT_CELL", "find_cell", "shipped_cells"]

DEFAULT_CELL = "panda_tabletop"
"""The cell that runs unless another is asked for."""


def shipped_cells() -> dict[str, Path]:
    """The cells that ship, by name: in the installed package, or in the checkout it runs from."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "cells", here.parents[3] / "cells"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return {}


def find_cell(path_or_name: str | Path) -> Path:
    """The file of a cell, given its path or the name of one that ships.

    Raises:
        CellError: if there is none, with the nearest valid name.
    """
    given = os.fspath(path_or_name)
    path = Path(given)
    shipped = shipped_cells()
    is_name = path.suffix not in {".yaml", ".yml"} and path.name == given
    if is_name and given in shipped:
        return shipped[given]
    if is_name:
        raise CellError(
            "there is no such cell",
            field="cell",
            value=given,
            mend=f"{nearest(given, shipped)} The file of a cell of your own ends in .yaml.",
        )
    return path.absolute()
