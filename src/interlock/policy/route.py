"""A way around what stands too tall to go over: shortest path between the corners of inflated rectangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray

__all__ = ["Rectangle", "shortest_route"]

_CORNER_GAP_M = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """An axis-aligned rectangle in the world's xy plane, [m]; `grown_m` is how much of it is clearance."""

    x_min: float
    x_max: float
    y_min: float
    y_max: float
    grown_m: float = 0.0

    def shrunk_off(self, point: FloatArray) -> Rectangle | None:
        """The rectangle with so little clearance that `point` (x, y) is outside, or None."""
        x, y = float(point[0]), float(point[1])
        depth = min(x - self.x_min, self.x_max - x, y - self.y_min, self.y_max - y)
        if depth <= 0.0:
            return self
        less = depth + _CORNER_GAP_M
        if less > self.grown_m:
            return None
        return Rectangle(
            x_min=self.x_min + less,
            x_max=self.x_max - less,
            y_min=self.y_min + less,
            y_max=self.y_max - less,
            grown_m=self.grown_m - less,
        )


def shortest_route(start: FloatArray, goal: FloatArray, blocked: Sequence[Rectangle]) -> FloatArray | None:
    """The shortest polyline from `start` to `goal` (x, y) outside the rectangles, (k, 2), [m], or None.

    A rectangle that holds the start or the goal loses clearance until it does not, or is left out.
    """
    open_rectangles: list[Rectangle] = []
    for rectangle in blocked:
        rest: Rectangle | None = rectangle
        for point in (start, goal):
            rest = rest.shrunk_off(point) if rest is not None else None
        if rest is not None:
            open_rectangles.append(rest)
    bounds = np.array([(r.x_min, r.x_max, r.y_min, r.y_max) for r in open_rectangles]).reshape(-1, 4)
    nodes = _nodes(np.asarray(start[:2]), np.asarray(goal[:2]), bounds)
    cost = _edge_costs(nodes, bounds)
    order = _dijkstra(cost)
    return None if order is None else nodes[order]


def _nodes(start: FloatArray, goal: FloatArray, bounds: FloatArray) -> FloatArray:
    """Start, goal and every corner that no rectangle covers, shape (k, 2)."""
    gap = _CORNER_GAP_M
    corners = np.array(
        [
            (x, y)
            for x_min, x_max, y_min, y_max in bounds
            for x in (x_min - gap, x_max + gap)
            for y in (y_min - gap, y_max + gap)
        ]
    ).reshape(-1, 2)
    x, y = corners[:, :1], corners[:, 1:]
    covered = (x > bounds[:, 0]) & (x < bounds[:, 1]) & (y > bounds[:, 2]) & (y < bounds[:, 3])
    return np.concatenate((start[None], goal[None], corners[~covered.any(axis=1)]))


def _edge_costs(nodes: FloatArray, bounds: FloatArray) -> FloatArray:
    """Length of every straight edge that crosses no rectangle, inf for the others, shape (k, k)."""
    delta = nodes[None, :, :] - nodes[:, None, :]
    cost: FloatArray = np.linalg.norm(delta, axis=2)
    safe = np.where(np.abs(delta) < 1e-12, 1e-12, delta)
    for x_min, x_max, y_min, y_max in bounds:
        first = (np.array([x_min, y_min]) - nodes[:, None, :]) / safe
        second = (np.array([x_max, y_max]) - nodes[:, None, :]) / safe
        enter = np.minimum(first, second).max(axis=2)
        leave = np.maximum(first, second).min(axis=2)
        cost[(np.maximum(enter, 0.0) < np.minimum(leave, 1.0) - 1e-9)] = np.inf
    return cost


def _dijkstra(cost: FloatArray) -> list[int] | None:
    """Node indices from 0 to 1 on the shortest way, or None."""
    count = len(cost)
    best = np.full(count, np.inf)
    best[0] = 0.0
    previous = np.zeros(count, dtype=int)
    todo = np.ones(count, dtype=bool)
    while todo[1]:
        here = int(np.argmin(np.where(todo, best, np.inf)))
        if not np.isfinite(best[here]) or not todo[here]:
            return None
        todo[here] = False
        through = best[here] + cost[here]
        shorter = todo & (through < best)
        best[shorter] = through[shorter]
        previous[shorter] = here
    order = [1]
    while order[-1] != 0:
        order.append(int(previous[order[-1]]))
    return order[::-1]
