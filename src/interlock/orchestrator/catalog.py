"""What is there to choose from: cells, guards and policies, plug-ins included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from interlock.errors import InterlockError
from interlock.guards.plugins import available_constraints
from interlock.guards.verdict import Family
from interlock.orchestrator.cell_folder import DEFAULT_CELL, shipped_cells
from interlock.orchestrator.cell_reader import CellReader
from interlock.policy.registry import available

__all__ = ["CatalogEntry", "list_cells", "list_guards", "list_policies"]

SHIPPED = "interlock"
"""Origin of what ships."""

_GUARDS: Mapping[Family, str] = MappingProxyType(
    {
        Family.INTEGRITY: "shape, embodiment, sequence and finiteness of every number",
        Family.FRESHNESS: "age of the chunk, of the robot's state and of every object seen",
        Family.TRACKING: "the measured arm inside the declared tube about the commanded one",
        Family.POSITION: "joint positions inside the data sheet's limits",
        Family.VELOCITY: "joint speeds, between samples too",
        Family.ACCELERATION: "joint accelerations, between samples too",
        Family.JERK: "joint jerks",
        Family.TOOL_SPEED: "speed of the tool, and 0.1 m/s while a contact is allowed",
        Family.ZONES: "the tool inside keep-in zones, every link outside keep-out zones",
        Family.SELF_COLLISION: "distance between the robot's own links",
        Family.ENVIRONMENT: "distance of every link to every object, moving ones until the robot stands",
        Family.HELD_OBJECT: "distance of the object in the gripper to everything else",
        Family.GRIPPER: "width and closing force of the gripper",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """One thing to choose.

    Attributes:
        name: what a cell file or an option calls it.
        origin: "interlock", or the distribution it comes with.
        default: whether it is taken unless another is asked for.
        text: one line about it.
        path: its file, or "".
    """

    name: str
    origin: str
    default: bool
    text: str
    path: str = ""


def list_cells() -> list[CatalogEntry]:
    """The cells that ship; one whose file is broken is listed with its error."""
    return [
        CatalogEntry(
            name=name, origin=SHIPPED, default=name == DEFAULT_CELL, text=_cell_text(path), path=str(path)
        )
        for name, path in shipped_cells().items()
    ]


def list_guards() -> list[CatalogEntry]:
    """The guard families, which are always on, and the constraints that a cell may name beside them."""
    families = [
        CatalogEntry(name=family.value, origin=SHIPPED, default=True, text=_GUARDS[family])
        for family in Family
    ]
    plugins = [
        CatalogEntry(
            name=name,
            origin=dotted.partition(":")[0].partition(".")[0],
            default=False,
            text=f"{dotted}; a cell turns it on in guards.plugins",
        )
        for name, dotted in sorted(available_constraints().items())
    ]
    return families + plugins


def list_policies(default: str) -> list[CatalogEntry]:
    """The policies, plug-ins included; `default` is the cell's."""
    return [
        CatalogEntry(name=name, origin=origin, default=name == default, text=text)
        for name, origin, text in available()
    ]


def _cell_text(path: Path) -> str:
    reader = CellReader(path)
    try:
        return reader.parse(reader.content()).description
    except InterlockError as error:
        return f"broken: {error.message}"
