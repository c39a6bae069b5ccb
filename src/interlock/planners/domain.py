"""What a planner knows of the world: names, kinds, places."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Domain", "DomainObject", "Role"]


class Role(StrEnum):
    """What an object is to a planner."""

    MOVABLE = "movable"  # can be picked
    SUPPORT = "support"  # can be put on or in (table, tray)
    OBSTACLE = "obstacle"  # can only be avoided
    ZONE = "zone"  # a named region of free space


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainObject:
    """One thing with a name.

    Attributes:
        name: unique name, e.g. "red_block".
        noun: what people call it, e.g. "block".
        color: its colour, or "".
        role: what a planner may do with it.
        position: centre in the world, (x, y, z) [m].
        size: full extents, (x, y, z) [m].
        on: name of the support it stands on, or "".
        forbidden: True for a zone into which nothing may be put.
        moves: True for what moves by itself, so that `position` soon is no more than where it was.
    """

    name: str
    noun: str
    color: str
    role: Role
    position: tuple[float, float, float]
    size: tuple[float, float, float]
    on: str = ""
    forbidden: bool = False
    moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Everything that has a name in the cell, and the skills the cell allows."""

    objects: tuple[DomainObject, ...]
    skills: tuple[str, ...]

    def find(self, name: str) -> DomainObject | None:
        """The object of that name, or None."""
        return next((o for o in self.objects if o.name == name), None)
