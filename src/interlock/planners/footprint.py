"""An upright rectangle on the floor plan, and the distances planners judge by."""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.planners.domain import DomainObject

__all__ = ["Footprint", "Point", "distance_to_way"]

Point = tuple[float, float, float]
"""A position in the world, (x, y, z) [m]."""


def distance_to_way(point: Point, start: Point, end: Point) -> float:
    """Distance of a point from the straight way between two others, seen from above [m]."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    off_x, off_y = point[0] - start[0], point[1] - start[1]
    length_2 = along_x * along_x + along_y * along_y
    share = 0.0 if length_2 == 0.0 else (off_x * along_x + off_y * along_y) / length_2
    share = min(1.0, max(0.0, share))
    return math.hypot(off_x - share * along_x, off_y - share * along_y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """An axis-aligned rectangle seen from above, in world coordinates.

    Attributes:
        x: centre [m].
        y: centre [m].
        half_x: half its extent along x [m].
        half_y: half its extent along y [m].
    """

    x: float
    y: float
    half_x: float
    half_y: float

    @classmethod
    def of(cls, thing: DomainObject, centre: Point) -> Footprint:
        """The footprint of `thing` with its centre at `centre` [m].

        A domain knows no yaw; the margins of `clearance` allow for a small block turned by 45 degrees.
        """
        half_x, half_y = thing.size[0] / 2, thing.size[1] / 2
        return cls(x=centre[0], y=centre[1], half_x=half_x, half_y=half_y)

    def grown(self, margin_m: float) -> Footprint:
        """The same with every side moved out by `margin_m` (in, if negative; never below nothing) [m]."""
        half_x, half_y = max(0.0, self.half_x + margin_m), max(0.0, self.half_y + margin_m)
        return Footprint(x=self.x, y=self.y, half_x=half_x, half_y=half_y)

    def contains(self, x: float, y: float, tolerance_m: float = 1e-9) -> bool:
        """Whether the point (x, y) [m] lies inside or on the edge."""
        return abs(x - self.x) <= self.half_x + tolerance_m and abs(y - self.y) <= self.half_y + tolerance_m

    def inner_distance(self, x: float, y: float) -> float:
        """Distance from a point inside to the nearest edge; negative outside [m]."""
        return min(self.half_x - abs(x - self.x), self.half_y - abs(y - self.y))

    def gap_to(self, other: Footprint) -> float:
        """Shortest distance between the two rectangles; 0 where they overlap [m]."""
        gap_x = max(0.0, abs(self.x - other.x) - self.half_x - other.half_x)
        gap_y = max(0.0, abs(self.y - other.y) - self.half_y - other.half_y)
        return math.hypot(gap_x, gap_y)

    def overlap(self, other: Footprint) -> Footprint | None:
        """The common rectangle, or None."""
        low_x, high_x = self._common(self.x, self.half_x, other.x, other.half_x)
        low_y, high_y = self._common(self.y, self.half_y, other.y, other.half_y)
        if low_x > high_x or low_y > high_y:
            return None
        return Footprint(
            x=(low_x + high_x) / 2,
            y=(low_y + high_y) / 2,
            half_x=(high_x - low_x) / 2,
            half_y=(high_y - low_y) / 2,
        )

    @staticmethod
    def _common(a: float, half_a: float, b: float, half_b: float) -> tuple[float, float]:
        return max(a - half_a, b - half_b), min(a + half_a, b + half_b)

    def crossed_by(self, start: Point, end: Point) -> bool:
        """Whether the straight way from `start` to `end` [m], seen from above, touches it (slab test)."""
        enter, leave = 0.0, 1.0
        for low, high, begin, step in (
            (self.x - self.half_x, self.x + self.half_x, start[0], end[0] - start[0]),
            (self.y - self.half_y, self.y + self.half_y, start[1], end[1] - start[1]),
        ):
            if abs(step) < 1e-12:
                if not low <= begin <= high:
                    return False
                continue
            near, far = sorted(((low - begin) / step, (high - begin) / step))
            enter, leave = max(enter, near), min(leave, far)
        return enter <= leave
