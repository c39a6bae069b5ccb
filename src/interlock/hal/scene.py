"""The world as it is known: shapes with pose, uncertainty and age."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from interlock.hal.arrays import FloatArray, frozen_array

__all__ = [
    "FURTHEST_M",
    "MOST_PARTS",
    "Box",
    "Capsule",
    "ConvexHull",
    "HalfSpace",
    "ObjectKind",
    "Part",
    "Scene",
    "SceneObject",
    "SceneSource",
    "Shape",
    "Sphere",
]

FURTHEST_M = 1000.0
"""No position, vertex, offset or extent of a scene is beyond this, [m]: distances hold up to here."""

MOST_PARTS = 256
"""All objects of a scene have no more parts than this together: judging them has to end within a tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sphere:
    """A ball about the part's origin; `radius_m` in [m]."""

    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """A segment of `length_m` along the part's z axis, centred on its origin, swept by a ball."""

    radius_m: float
    length_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box about the part's origin; `half_extents_m` has shape (3,), [m]."""

    half_extents_m: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "half_extents_m", frozen_array(self.half_extents_m, (3,), "half_extents_m"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvexHull:
    """The convex hull of points; `vertices_m` has shape (m, 3) in the part's frame, [m].

    `polytope.polytope_of` gives its faces, or None if it has no thickness.
    """

    vertices_m: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices_m", frozen_array(self.vertices_m, (None, 3), "vertices_m"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfSpace:
    """All points x of the part's frame with normal . x <= offset_m; only a FIXED object may have one.

    Attributes:
        normal: unit vector that leads out of it, shape (3,).
        offset_m: where its plane is along `normal`, [m].
    """

    normal: FloatArray
    offset_m: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal", frozen_array(self.normal, (3,), "normal"))


Shape = Sphere | Capsule | Box | ConvexHull | HalfSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One shape of an object; `part_in_object` is its pose, shape (4, 4), [m]."""

    shape: Shape
    part_in_object: FloatArray

    def __post_init__(self) -> None:
        checked = frozen_array(self.part_in_object, (4, 4), "part_in_object")
        object.__setattr__(self, "part_in_object", checked)


class ObjectKind(StrEnum):
    """How an object may change place."""

    FIXED = "fixed"  # never moves (table, pillar, tray)
    MOVABLE = "movable"  # moves only when the robot moves it (block)
    MOVING = "moving"  # moves by itself, under a declared speed bound


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One object as last seen.

    Attributes:
        name: unique name in the cell.
        kind: how it may change place.
        parts: its solid, at least one part.
        object_in_world: pose, shape (4, 4), [m].
        position_std_m: standard deviation of the position, per axis, [m].
        max_speed_m_s: declared bound on its speed, [m/s]; 0 unless MOVING.
        stamp_ns: monotonic time at which it was seen, [ns].
    """

    name: str
    kind: ObjectKind
    parts: tuple[Part, ...]
    object_in_world: FloatArray
    position_std_m: float
    max_speed_m_s: float
    stamp_ns: int

    def __post_init__(self) -> None:
        checked = frozen_array(self.object_in_world, (4, 4), f"{self.name}.object_in_world")
        object.__setattr__(self, "object_in_world", checked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A snapshot of all objects; `stamp_ns` is when the snapshot was taken, [ns]."""

    stamp_ns: int
    objects: tuple[SceneObject, ...]

    def find(self, name: str) -> SceneObject | None:
        """The object of that name, or None."""
        return next((o for o in self.objects if o.name == name), None)


class SceneSource(Protocol):
    """The one door through which the world comes in."""

    def snapshot(self) -> Scene:
        """The world as known now."""
        ...
