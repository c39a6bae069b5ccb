"""A small capsule around a set of points: deterministic, and never smaller than what it covers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from interlock.guards.compile import kernel
from interlock.hal.arrays import FloatArray

__all__ = ["Capsule", "Sides", "Tip", "fit_capsule", "fit_points", "hull_points", "principal_directions"]

_SLACK_M = 1e-6  # added to every radius, far above the rounding of the fit
_OVERSHOOT_M = 0.005  # an overshoot of this size on all sides costs as much as a shell of the same thickness
_ROUNDS = 1000  # steps of the search for one capsule


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """A segment ab swept by a ball.

    Attributes:
        a: first end of the segment, shape (3,), [m].
        b: second end of the segment, shape (3,), [m].
        radius: radius of the ball, [m].
    """

    a: FloatArray
    b: FloatArray
    radius: float

    @property
    def volume(self) -> float:
        """Volume, [m^3]."""
        length = float(np.linalg.norm(self.b - self.a))
        return math.pi * self.radius**2 * (length + 4.0 / 3.0 * self.radius)

    def distance(self, points: FloatArray) -> FloatArray:
        """Distance of points of shape (k, 3) to the surface, negative inside, shape (k,), [m]."""
        along = self.b - self.a
        square = float(along @ along)
        t = np.clip((points - self.a) @ along / square, 0.0, 1.0) if square > 0.0 else np.zeros(len(points))
        distance: FloatArray = np.linalg.norm(points - self.a - t[:, None] * along, axis=1) - self.radius
        return distance


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """A side of the solid that works close to other things, where overshoot costs more than elsewhere.

    Attributes:
        direction: unit vector out of that side, shape (3,).
        weight: cost of an overshoot o is weight * o^2, [m].
    """

    direction: FloatArray
    weight: float


def fit_capsule(vertices: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """A capsule of small volume around the convex hull of `vertices`.

    Args:
        vertices: points, shape (k, 3), k >= 1, [m].

    Returns:
        Both ends of the segment, each shape (3,), [m], and the radius, [m].
    """
    points = hull_points(vertices)
    capsule = fit_points(points, Sides(points, None))
    return capsule.a, capsule.b, capsule.radius


class Sides:
    """How far a solid reaches in each direction, and what it costs to reach farther.

    Args:
        points: corners of the whole solid, shape (k, 3), [m].
        tip: a side whose overshoot is to stay small, or None.
    """

    def __init__(self, points: FloatArray, tip: Tip | None) -> None:
        steps = np.array([-1.0, 0.0, 1.0])
        grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
        directions = grid[np.any(grid != 0.0, axis=1)]
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        around = 2.0 * float(np.sum(np.ptp(points, axis=0) * np.roll(np.ptp(points, axis=0), 1)))
        weight = np.full(len(directions), around / len(directions) / _OVERSHOOT_M)
        if tip is not None:
            directions, weight = np.vstack([directions, tip.direction]), np.append(weight, tip.weight)
        self.direction: FloatArray = np.ascontiguousarray(directions)
        self.weight: FloatArray = weight
        self.reach: FloatArray = (points @ directions.T).max(axis=0)


def principal_directions(points: FloatArray) -> FloatArray:
    """Principal directions of the points, one a row, the widest first, shape (3, 3)."""
    centred = points - points.mean(axis=0)
    directions: FloatArray = np.linalg.eigh(centred.T @ centred)[1].T[::-1]
    return directions


def hull_points(points: FloatArray) -> FloatArray:
    """The corners of the hull of `points`; all of them where the hull is flat."""
    unique = np.unique(np.asarray(points, dtype=np.float64), axis=0)
    try:
        return np.ascontiguousarray(unique[ConvexHull(unique).vertices])
    except (QhullError, ValueError):
        return unique


def fit_points(points: FloatArray, sides: Sides, rounds: int = _ROUNDS) -> Capsule:
    """The cheapest capsule found around `points`, shape (k, 3), [m], in `rounds` steps of search."""
    points = np.ascontiguousarray(points)
    best = np.zeros(7)
    _search(points, _directions(points), sides.direction, sides.reach, sides.weight, rounds, best)
    centre, axis = best[:3], best[3:6] / np.linalg.norm(best[3:6])
    offset = points - centre
    along = offset @ axis
    across = np.linalg.norm(offset - np.outer(along, axis), axis=1)
    radius = float(across.max()) * (1.0 + best[6])
    half = np.sqrt(np.maximum(radius**2 - across**2, 0.0))
    low, high = float((along + half).min()), float((along - half).max())
    if low > high:
        low = high = 0.5 * (low + high)
    capsule = Capsule(a=centre + low * axis, b=centre + high * axis, radius=0.0)
    return Capsule(a=capsule.a, b=capsule.b, radius=float(capsule.distance(points).max()) + _SLACK_M)


def _directions(points: FloatArray) -> FloatArray:
    """Axes to start from: the principal ones of the points, and a coarse grid over the half sphere."""
    grid = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (0, 1) if (z, y, x) > (0, 0, 0)]
    directions = np.vstack([principal_directions(points), np.array(grid, dtype=np.float64)])
    return np.ascontiguousarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


@kernel
def _fit_cost(
    points: FloatArray, x: FloatArray, direction: FloatArray, reach: FloatArray, weight: FloatArray
) -> float:
    """Cost of the smallest capsule about the axis x = (point, direction, share added to the radius)."""
    norm = math.sqrt(x[3] ** 2 + x[4] ** 2 + x[5] ** 2)
    ux = x[3] / norm
    uy = x[4] / norm
    uz = x[5] / norm
    widest = 0.0
    for i in range(points.shape[0]):
        px = points[i, 0] - x[0]
        py = points[i, 1] - x[1]
        pz = points[i, 2] - x[2]
        t = px * ux + py * uy + pz * uz
        widest = max(widest, px * px + py * py + pz * pz - t * t)
    radius = math.sqrt(widest) * (1.0 + x[6])
    low = math.inf
    high = -math.inf
    for i in range(points.shape[0]):
        px = points[i, 0] - x[0]
        py = points[i, 1] - x[1]
        pz = points[i, 2] - x[2]
        t = px * ux + py * uy + pz * uz
        half = math.sqrt(max(radius * radius - (px * px + py * py + pz * pz - t * t), 0.0))
        low = min(low, t + half)
        high = max(high, t - half)
    if low > high:
        low = 0.5 * (low + high)
        high = low
    cost: float = math.pi * radius * radius * (high - low + 4.0 / 3.0 * radius)
    for k in range(direction.shape[0]):
        start = direction[k, 0] * x[0] + direction[k, 1] * x[1] + direction[k, 2] * x[2]
        slope = direction[k, 0] * ux + direction[k, 1] * uy + direction[k, 2] * uz
        over = max(start + max(low * slope, high * slope) + radius - reach[k], 0.0)
        cost += weight[k] * over * over
    return cost


@kernel
def _search(
    points: FloatArray,
    starts: FloatArray,
    direction: FloatArray,
    reach: FloatArray,
    weight: FloatArray,
    rounds: int,
    best: FloatArray,
) -> None:
    """Write the best axis found: a short descent from each of the best start directions, then a long one."""
    size = 0.0
    centre = np.zeros(3)
    for k in range(3):
        centre[k] = 0.5 * (points[:, k].min() + points[:, k].max())
        size = max(size, points[:, k].max() - points[:, k].min())
    costs = np.zeros(starts.shape[0])
    x = np.zeros(7)
    for s in range(starts.shape[0]):
        x[:3] = centre
        x[3:6] = starts[s]
        costs[s] = _fit_cost(points, x, direction, reach, weight)
    order = np.argsort(costs)
    best_cost = math.inf
    for s in range(min(4, starts.shape[0])):
        x[:3] = centre
        x[3:6] = starts[order[s]]
        x[6] = 0.0
        cost = _descend(points, direction, reach, weight, size, 0.2, rounds // 4, x)
        if cost < best_cost:
            best_cost = cost
            best[:] = x
    _descend(points, direction, reach, weight, size, 0.02, rounds, best)


@kernel
def _descend(
    points: FloatArray,
    direction: FloatArray,
    reach: FloatArray,
    weight: FloatArray,
    size: float,
    step: float,
    rounds: int,
    x: FloatArray,
) -> float:
    """Improve the axis x in place and return its cost: an evolution strategy with one parent."""
    state = np.uint64(88172645463325252)
    trial = np.zeros(7)
    cost = _fit_cost(points, x, direction, reach, weight)
    for _ in range(rounds):
        for k in range(7):
            noise = 0.0
            for _ in range(3):  # xorshift64; the sum of three is near enough to a Gaussian
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                noise += float(state >> np.uint64(11)) / 4503599627370496.0 - 1.0
            trial[k] = x[k] + step * noise * (size if k < 3 else 1.0)
        trial[6] = abs(trial[6])
        trial_cost = _fit_cost(points, trial, direction, reach, weight)
        if trial_cost < cost:
            cost = trial_cost
            step = min(step * 1.6, 0.3)
            norm = math.sqrt(trial[3] ** 2 + trial[4] ** 2 + trial[5] ** 2)
            for k in range(7):
                x[k] = trial[k] / norm if 3 <= k < 6 else trial[k]
        else:
            step = max(step * 0.93, 1e-6)
    return cost
