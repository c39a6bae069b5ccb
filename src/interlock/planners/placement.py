"""Choose the point of a task: a free place on a support, a free point in a zone, a point above an object.

Places come from a regular grid, best first: most room up to a cap, then nearest to where one would put it
(the middle of a container or zone, the near side of what it goes beside, the object's own place otherwise).
The order depends on nothing but the layout, so the same question has the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from interlock.errors import PlanRefusedError
from interlock.planners.atoms import Atom, is_container
from interlock.planners.clearance import RUN_UP_M, clearance, usable, why_blocked, why_in_the_way
from interlock.planners.domain import Role
from interlock.planners.footprint import Footprint, Point
from interlock.planners.layout import Layout
from interlock.planners.relation import AIM_GAP_M, holds, region, sides_of

__all__ = [
    "ABOVE_M",
    "MAX_QUESTIONS",
    "Reachable",
    "choose_place",
    "choose_push",
    "has_room",
    "push_start",
    "tool_point",
]

Reachable = Callable[[Point], str | None]
"""Asks whether the tool can get to a point [m]; None if it can, else why not."""

ABOVE_M = 0.15
"""How far above an object the tool goes to reach it, [m]."""

MAX_QUESTIONS = 48
"""How many places are tried for reachability before planning gives up."""

_STEPS = 24
_FINEST_M = 0.01
_ROOM_ENOUGH_M = 0.06
_ROOM_ENOUGH_INSIDE_M = 0.10


def tool_point(target: str, layout: Layout) -> Point:
    """Where the tool goes to reach `target`: ABOVE_M above its top, or the centre of a zone [m].

    Raises:
        PlanRefusedError: the target is in the hand.
    """
    centre, top = layout.position(target), layout.top(target)
    if centre is None or top is None:
        raise PlanRefusedError("it is in the hand", rule="no_free_place", field="target", value=target)
    return centre if layout.thing(target).role is Role.ZONE else (centre[0], centre[1], top + ABOVE_M)


def push_start(start: Point, end: Point) -> Point:
    """Where the tool stands to push from `start` to `end`: behind the object, half a run-up away [m]."""
    length = math.dist(start[:2], end[:2])
    back = 0.0 if length == 0.0 else RUN_UP_M / 2 / length
    return (start[0] - back * (end[0] - start[0]), start[1] - back * (end[1] - start[1]), start[2])


def _areas(
    name: str, support: str, regions: Iterable[Atom], layout: Layout
) -> list[tuple[Footprint, Point | None]]:
    """Rectangles in which the object's centre may lie, each with the point to aim for, if there is one."""
    thing, below = layout.thing(name), layout.thing(support)
    whole = usable(thing, below)
    found: list[tuple[Footprint, Point | None]] = []
    if whole is not None:
        found = [(whole, below.position if is_container(below) else None)]
    for atom in regions:
        parts = _parts(atom, name, layout)
        cut = [(a.overlap(part), aim) for a, _ in found for part, aim in parts]
        found = [(both, aim) for both, aim in cut if both is not None]
    return found


def _parts(atom: Atom, name: str, layout: Layout) -> list[tuple[Footprint, Point]]:
    other = layout.thing(atom[2])
    if other.role is Role.ZONE and atom[0] == "in":
        return [(Footprint.of(other, other.position), other.position)]
    reference, thing = layout.footprint(atom[2]), layout.thing(name)
    if reference is None:
        return []
    placed = Footprint(x=0.0, y=0.0, half_x=thing.size[0] / 2, half_y=thing.size[1] / 2)
    parts: list[tuple[Footprint, Point]] = []
    for side in sides_of(atom[0]):
        where = region(placed, reference, side)
        shift = AIM_GAP_M - (where.half_x if side[0] else where.half_y)
        parts.append((where, (where.x + side[0] * shift, where.y + side[1] * shift, 0.0)))
    return parts


def has_room(name: str, support: str, regions: Sequence[Atom], layout: Layout) -> bool:
    """Whether any place of the grid is free, reachable or not."""
    height = _height_on(name, support, layout)
    return any(
        why_blocked(name, (x, y, height), support, layout) is None
        for area, _ in _areas(name, support, regions, layout)
        for x, y in _grid(area)
    )


def choose_place(
    name: str, support: str, regions: Sequence[Atom], layout: Layout, reachable: Reachable
) -> Point:
    """A free, reachable place for the centre of `name` on `support` where every atom of `regions` holds [m].

    Raises:
        PlanRefusedError: there is no free place, or none of them can be reached.
    """
    height = _height_on(name, support, layout)
    cap = _ROOM_ENOUGH_INSIDE_M if is_container(layout.thing(support)) else _ROOM_ENOUGH_M

    def room(point: Point) -> float:
        return min(clearance(name, point, support, layout), cap)

    places = _free_places(
        name, support, regions, layout, height, lambda p: why_blocked(name, p, support, layout), room
    )
    where = " ".join([support, *(f"{atom[0]} {atom[2]}" for atom in regions)])
    return _first_reachable(places, name, where, reachable)


def _height_on(name: str, support: str, layout: Layout) -> float:
    """Height of an object's centre when it stands on `support`, whatever height was measured before [m]."""
    floor = layout.top(support)
    return (math.nan if floor is None else floor) + layout.thing(name).size[2] / 2


def choose_push(name: str, zone: str, layout: Layout, reachable: Reachable) -> Point:
    """A free point in `zone` to which `name` can be pushed straight over what it stands on [m].

    Raises:
        PlanRefusedError: there is none, or the tool cannot get there or behind the object.
    """
    start, support = layout.positions[name], layout.supports[name]

    def blocked(end: Point) -> str | None:
        why = why_blocked(name, end, support, layout)
        return why if why is not None else why_in_the_way(name, end, layout)

    def out_of_reach(end: Point) -> str | None:
        why = reachable(end)
        return why if why is not None else reachable(push_start(start, end))

    height = _height_on(name, support, layout)
    places = _free_places(name, support, (("in", name, zone),), layout, height, blocked, lambda _: 0.0)
    return _first_reachable(places, name, zone, out_of_reach)


def _free_places(
    name: str,
    support: str,
    regions: Sequence[Atom],
    layout: Layout,
    height: float,
    blocked: Callable[[Point], str | None],
    room: Callable[[Point], float],
) -> list[Point]:
    """The free places of the grid, best first.

    Raises:
        PlanRefusedError: there are none; says why the one nearest to the aim is not free.
    """
    own = layout.position(name) or layout.thing(name).position
    places: list[tuple[tuple[float, ...], Point]] = []
    reasons: list[tuple[float, str]] = []
    for area, aim in _areas(name, support, regions, layout):
        for x, y in _grid(area):
            point, away = (x, y, height), math.dist((x, y), (aim or own)[:2])
            why = blocked(point)
            if why is not None:
                reasons.append((away, why))
            elif all(holds(atom, layout.put(name, support, point)) for atom in regions):
                places.append(((-round(room(point), 3), round(away, 6), x, y), point))
    if places:
        return [point for _, point in sorted(places)]
    why = min(reasons, default=(0.0, f"{support} does not reach there"))[1]
    where = " ".join([support, *(f"{atom[0]} {atom[2]}" for atom in regions)])
    raise no_free_place(name, where, why)


def no_free_place(name: str, where: str, why: str) -> PlanRefusedError:
    """The error that says that nothing is free; to be raised."""
    return PlanRefusedError(
        f"there is no free place for {name} ({why})",
        rule="no_free_place",
        field="target",
        value=where,
        mend="Clear some room or name another place.",
    )


def _grid(area: Footprint) -> Iterable[tuple[float, float]]:
    """Points of a regular grid that has a point at the area's centre."""
    step = max(_FINEST_M, 2 * max(area.half_x, area.half_y) / _STEPS)
    many_x, many_y = math.floor(area.half_x / step + 1e-9), math.floor(area.half_y / step + 1e-9)
    for i in range(-many_x, many_x + 1):
        for j in range(-many_y, many_y + 1):
            yield round(area.x + i * step, 6), round(area.y + j * step, 6)


def _first_reachable(places: Sequence[Point], name: str, where: str, reachable: Reachable) -> Point:
    # Spread the questions over all places: the best ones lie side by side and fail together.
    best, others = places[: MAX_QUESTIONS // 2], places[MAX_QUESTIONS // 2 :]
    stride = max(1, math.ceil(len(others) / (MAX_QUESTIONS - len(best))))
    reasons: list[str] = []
    for point in (*best, *others[::stride]):
        reason = reachable(point)
        if reason is None:
            return point
        reasons.append(reason)
    raise PlanRefusedError(
        f"no free place for {name} can be reached ({reasons[0]})",
        rule="points_reachable",
        field="target",
        value=where,
        mend="Name a place nearer to the robot.",
    )
