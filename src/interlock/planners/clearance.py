"""Where an object may stand, and along which way it may be pushed: one sentence says why not.

All distances are seen from above; what is neither on the place nor in the column above it, through which
object and hand come down, does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from interlock.planners.atoms import is_container
from interlock.planners.domain import DomainObject, Role
from interlock.planners.footprint import Footprint, Point, distance_to_way
from interlock.planners.layout import Layout

__all__ = [
    "EDGE_MARGIN_M",
    "FORBIDDEN_MARGIN_M",
    "HEADROOM_M",
    "RUN_UP_M",
    "SOLID_GAP_M",
    "SPACING_M",
    "clearance",
    "obstructions",
    "usable",
    "why_blocked",
    "why_in_the_way",
]

SPACING_M = 0.07
"""Least distance between the centres of two placed objects, [m]; larger objects keep 1 cm between them."""

EDGE_MARGIN_M = 0.05
"""Least distance from an object's centre to the wall or edge of its support, [m]."""

SOLID_GAP_M = 0.05
"""Least gap between an object and an obstacle or another support, [m]."""

FORBIDDEN_MARGIN_M = 0.02
"""Least gap between an object and a forbidden zone, [m]."""

HEADROOM_M = 0.20
"""Height above an object that has to be free for the hand, [m]."""

RUN_UP_M = 0.10
"""Length of the free way that the tool needs behind an object to push it, [m]."""

_HEIGHT_TOLERANCE_M = 2e-3


def usable(thing: DomainObject, support: DomainObject) -> Footprint | None:
    """Where the centre of `thing` may be on a support; None if the support is too small."""
    whole = Footprint.of(support, support.position)
    margin_x, margin_y = max(EDGE_MARGIN_M, thing.size[0] / 2), max(EDGE_MARGIN_M, thing.size[1] / 2)
    if whole.half_x < margin_x or whole.half_y < margin_y:
        return None
    return Footprint(x=whole.x, y=whole.y, half_x=whole.half_x - margin_x, half_y=whole.half_y - margin_y)


def why_blocked(name: str, centre: Point, support: str, layout: Layout) -> str | None:
    """Why object `name` may not stand on `support` with its centre at `centre` [m], or None."""
    thing, below = layout.thing(name), layout.thing(support)
    height = layout.top(support)
    # Written so that a NaN is refused.
    if height is None or not abs(centre[2] - thing.size[2] / 2 - height) <= _HEIGHT_TOLERANCE_M:
        return f"it would not stand on {support}"
    area = usable(thing, below)
    if area is None:
        return f"{support} is too small"
    if not area.contains(*centre[:2]):
        return f"its centre would be less than {EDGE_MARGIN_M * 100:.0f} cm from the edge of {support}"
    for other, shape, margin in obstructions(name, support, layout):
        if shape.gap_to(Footprint.of(thing, centre)) < margin - 1e-9:
            return f"it would come too near to {other}"
    return _too_near_another(name, centre, layout)


def _too_near_another(name: str, centre: Point, layout: Layout) -> str | None:
    for other, position, spacing in _neighbours(name, centre[2], layout):
        if math.dist(centre[:2], position[:2]) < spacing - 1e-9:
            return f"it would stand less than {spacing * 100:.0f} cm from {other}"
    return None


def _neighbours(name: str, height: float, layout: Layout) -> Iterator[tuple[str, Point, float]]:
    thing = layout.thing(name)
    for other, position in layout.positions.items():
        size = layout.thing(other).size
        if other != name and abs(position[2] - height) <= (size[2] + thing.size[2]) / 2 + HEADROOM_M:
            spacing = max(SPACING_M, max(size[:2]) / 2 + max(thing.size[:2]) / 2 + 0.01)
            yield other, position, spacing


def obstructions(name: str, support: str, layout: Layout) -> Iterator[tuple[str, Footprint, float]]:
    """What stands beside or above a place on `support`: name, footprint, and the least gap to it [m]."""
    floor = layout.top(support)
    if floor is None:
        return
    ceiling = floor + layout.thing(name).size[2] + HEADROOM_M
    underneath = (support, layout.thing(support).on)
    for other in layout.domain.objects:
        low, high = other.position[2] - other.size[2] / 2, other.position[2] + other.size[2] / 2
        if other.name in underneath or other.role is Role.MOVABLE or low >= ceiling:
            continue
        solid = other.role is Role.OBSTACLE or (other.role is Role.SUPPORT and is_container(other))
        if other.role is Role.ZONE and other.forbidden and high > floor:
            yield other.name, Footprint.of(other, other.position), FORBIDDEN_MARGIN_M
        elif (solid and high > floor) or (other.role is Role.SUPPORT and high > floor + 1e-3):
            yield other.name, Footprint.of(other, other.position), SOLID_GAP_M


def clearance(name: str, centre: Point, support: str, layout: Layout) -> float:
    """How much room a place leaves: to edges and solids, and half the distance to other objects [m]."""
    area = Footprint.of(layout.thing(support), layout.thing(support).position)
    room = area.inner_distance(*centre[:2])
    placed = Footprint.of(layout.thing(name), centre)
    for _, shape, _ in obstructions(name, support, layout):
        room = min(room, shape.gap_to(placed))
    for _, position, _ in _neighbours(name, centre[2], layout):
        room = min(room, math.dist(centre[:2], position[:2]) / 2)
    return room


def why_in_the_way(name: str, end: Point, layout: Layout) -> str | None:
    """Why object `name` may not be pushed straight to `end` [m], or None; the run-up counts as well."""
    start = layout.positions[name]
    length = math.dist(start[:2], end[:2])
    if length < 1e-6:
        return "it is there already"
    back = RUN_UP_M / length
    behind = (start[0] - back * (end[0] - start[0]), start[1] - back * (end[1] - start[1]), start[2])
    half = max(layout.thing(name).size[:2]) / 2
    for other, shape, margin in obstructions(name, layout.supports[name], layout):
        if shape.grown(margin + half).crossed_by(behind, end):
            return f"{other} is in the way"
    for other, position, spacing in _neighbours(name, start[2], layout):
        if distance_to_way(position, behind, end) < spacing:
            return f"{other} is in the way"
    return None
