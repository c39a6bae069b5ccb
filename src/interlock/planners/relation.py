"""What left, right, in front, behind and next to mean, and which objects are in which zone.

Directions are those of someone who stands at the world's origin and looks along +x: left is +y, right is -y,
behind is farther away (+x), in front is nearer (-x). An object is on one side of another when the free gap
between the two is at most MAX_GAP_M and it lies within the other's breadth; next to is any of the four sides.
Nothing is placed relative to what moves by itself: it would be beside it for a moment only.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from interlock.errors import PlanRefusedError
from interlock.planners.atoms import RELATIONS, Atom, show
from interlock.planners.domain import Domain, DomainObject, Role
from interlock.planners.footprint import Footprint, Point
from interlock.planners.layout import Layout

__all__ = [
    "AIM_GAP_M",
    "MAX_GAP_M",
    "SIDES",
    "holds",
    "in_zone",
    "is_geometric",
    "other_references",
    "refuse_moving_reference",
    "region",
    "sides_of",
]

AIM_GAP_M = 0.08
"""Gap a planner aims for between an object and what it is put beside, [m]."""

MAX_GAP_M = 0.12
"""Largest gap at which an object still is beside another, [m]."""

SIDES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"left_of": (0, 1), "right_of": (0, -1), "in_front_of": (-1, 0), "behind": (1, 0)}
)
"""Direction of each side in the world, (x, y)."""


def sides_of(relation: str) -> tuple[tuple[int, int], ...]:
    """The sides a relation may mean: one, or all four for next_to."""
    return tuple(SIDES.values()) if relation == "next_to" else (SIDES[relation],)


def refuse_moving_reference(atom: Atom, domain: Domain) -> None:
    """Return unless the atom places something relative to a thing that moves by itself.

    Raises:
        PlanRefusedError: rule "roles_fit".
    """
    reference = domain.find(atom[2]) if atom[0] in RELATIONS else None
    if reference is not None and reference.moves:
        raise PlanRefusedError(
            f"{reference.role.value} {reference.name} moves by itself, so nothing stays beside it",
            rule="roles_fit",
            field="goal",
            value=show(atom),
            mend=f"Name a thing that stands still: {other_references(atom, domain)}.",
        )


def other_references(atom: Atom, domain: Domain) -> str:
    """What else the object of a relation may be placed relative to, for messages."""
    names = [o.name for o in domain.objects if not (o.moves or o.forbidden or o.name in atom[1:])]
    return ", ".join(names[:12]) or "this cell has none"


def is_geometric(atom: Atom, layout: Layout) -> bool:
    """Whether geometry decides the atom: a relation, or being in a zone."""
    if atom[0] in RELATIONS:
        return True
    return atom[0] == "in" and layout.thing(atom[2]).role is Role.ZONE


def holds(atom: Atom, layout: Layout) -> bool:
    """Whether a geometric atom is true in the layout; an object in the hand is nowhere."""
    predicate, name, other = atom
    centre = layout.position(name)
    if centre is None:
        return False
    if predicate == "in":
        return in_zone(layout.thing(name), centre, layout.thing(other))
    reference = layout.footprint(other)
    if reference is None or name == other:
        return False
    placed = Footprint.of(layout.thing(name), centre)
    return any(region(placed, reference, side).contains(*centre[:2]) for side in sides_of(predicate))


def in_zone(thing: DomainObject, centre: Point, zone: DomainObject) -> bool:
    """Whether an object is in the zone with its centre at `centre` [m].

    Seen from above its centre counts; its height only has to reach into the zone's.
    """
    inside = Footprint.of(zone, zone.position).contains(*centre[:2])
    reach = (zone.size[2] + thing.size[2]) / 2
    return inside and abs(centre[2] - zone.position[2]) <= reach


def region(placed: Footprint, reference: Footprint, side: tuple[int, int]) -> Footprint:
    """Where the centre of `placed` may be to lie on that side of `reference`."""
    away = _along(placed, side) + _along(reference, side) + MAX_GAP_M / 2
    return Footprint(
        x=reference.x + side[0] * away,
        y=reference.y + side[1] * away,
        half_x=MAX_GAP_M / 2 if side[0] else reference.half_x,
        half_y=MAX_GAP_M / 2 if side[1] else reference.half_y,
    )


def _along(shape: Footprint, side: tuple[int, int]) -> float:
    return shape.half_x if side[0] else shape.half_y
