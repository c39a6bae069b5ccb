"""From a sequence of actions to a partial order: keep only the orders that something depends on.

Two actions stay ordered where one makes what the other needs (a causal link), where one undoes what the
other needs or makes (a threat), or where they move things through the same space. All others commute, so
every order the result allows ends in the same state (Bäckström, "Computational aspects of reordering
plans", JAIR 9, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from interlock.planners.action import Action
from interlock.planners.footprint import Point, distance_to_way

__all__ = ["APART_M", "Step", "independent", "partial_order"]

APART_M = 0.12
"""Ways of two unordered tasks stay at least this far from each other, seen from above, [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An action and the way along which it moves an object.

    Attributes:
        action: what is done.
        stage: index of the goal's stage it is done for.
        way: points that an object or the tool touches, (x, y, z) [m]; empty if nothing is touched.
    """

    action: Action
    stage: int
    way: tuple[Point, ...]


def independent(one: Step, other: Step) -> bool:
    """Whether the two may be carried out in either order with the same result."""
    if one.stage != other.stage:
        return False
    if one.action.disturbs(other.action) or other.action.disturbs(one.action):
        return False
    if not one.action.adds.isdisjoint(other.action.needs) or not other.action.adds.isdisjoint(
        one.action.needs
    ):
        return False
    return _ways_apart(one.way, other.way) >= APART_M


def partial_order(steps: Sequence[Step]) -> nx.DiGraph[int]:
    """The least order in which every linearisation works; nodes are indices into `steps`."""
    order: nx.DiGraph[int] = nx.DiGraph()
    order.add_nodes_from(range(len(steps)))
    for later, step in enumerate(steps):
        order.add_edges_from((i, later) for i in range(later) if not independent(steps[i], step))
    return nx.transitive_reduction(order)


def _ways_apart(one: Sequence[Point], other: Sequence[Point]) -> float:
    """Distance between two polylines seen from above; infinite if one is empty [m]."""
    pairs = [(a, b) for a in _pieces(one) for b in _pieces(other)]
    return min((_pieces_apart(a, b) for a, b in pairs), default=math.inf)


def _pieces(way: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(pairwise(way)) if len(way) > 1 else [(p, p) for p in way]


def _pieces_apart(one: tuple[Point, Point], other: tuple[Point, Point]) -> float:
    (a, b), (c, d) = one, other
    if _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0:
        return 0.0
    return min(*(distance_to_way(end, *other) for end in one), *(distance_to_way(end, *one) for end in other))


def _side(a: Point, b: Point, p: Point) -> float:
    """Positive if `p` lies to the left of the line from `a` to `b`, seen from above."""
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
