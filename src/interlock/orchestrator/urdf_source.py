"""From the `urdf` key of a cell to a file on this computer, without importing anything."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from interlock.errors import CellError

__all__ = ["find_urdf"]

_IN_PACKAGE = re.compile(r"^(?P<package>[A-Za-z_]\w*):(?P<inside>[^/\\].*)$")


def find_urdf(urdf: str, cell_folder: Path, field: str = "robot.urdf") -> Path:
    """The file that `urdf` names: `PACKAGE:PATH` in an installed package, else relative to the cell file.

    Args:
        urdf: what the cell says.
        cell_folder: the folder of the cell file.
        field: where the cell says it.

    Raises:
        CellError: if there is no such package or file.
    """
    match = _IN_PACKAGE.match(urdf)
    path = _folder_of(match["package"], urdf, field) / match["inside"] if match else cell_folder / urdf
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise CellError(
            "there is no such robot model file",
            field=field,
            value=urdf,
            mend=f"Looked for {path}. Give a path relative to the cell file, or PACKAGE:PATH.",
        )
    return path.resolve()


def _folder_of(package: str, urdf: str, field: str) -> Path:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        extra = " with `pip install 'interlock[sim]'`" if package == "pybullet_data" else ""
        raise CellError(
            f"the Python package {package!r} is not installed",
            field=field,
            value=urdf,
            mend=f"Install it{extra}, or give a path relative to the cell file.",
        )
    return Path(next(iter(spec.submodule_search_locations)))
