"""The world as the verifier sees it: a scene and its zones, flattened to arrays and inflated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.guards.config import GateConfig
from interlock.guards.part_kind import BOX, HALF_SPACE, HULL, SEGMENT
from interlock.hal.arrays import FloatArray
from interlock.hal.half_space import plane_of
from interlock.hal.polytope import Polytope, polytope_of
from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, Part, Scene, SceneObject, Sphere
from interlock.hal.zone import ZoneKind

__all__ = ["Obstacles", "flatten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacles:
    """Every solid part of the scene and every keep-out zone.

    A part is a box, a hull, a half-space, or a segment swept by a ball, whose radius is in `inflation_m`.

    Attributes:
        owner: object or zone each part belongs to, length e.
        is_zone: whether a part is a keep-out zone, shape (e,).
        kind: SEGMENT, BOX, HULL or HALF_SPACE of `part_kind`, shape (e,).
        rot: orientation in the world, shape (e, 3, 3); the z axis leads out of a half-space.
        pos: centre in the world, or a point of the plane of a half-space, shape (e, 3), [m].
        half: box half extents, shape (e, 3), [m].
        a: first end of the segment in the world, shape (e, 3), [m].
        b: second end of the segment in the world, shape (e, 3), [m].
        span: a hull's rows: from and to in `facets`, in `edges` and in `corners`, shape (e, 6).
        facets: of every hull, about its `pos`, see `Polytope`, shape (f, 4).
        edges: the same, shape (g, 14), [m].
        corners: the same, shape (v, 3), [m].
        radius_m: radius of the ball, 0 for what has none, shape (e,), [m].
        inflation_m: radius + margin + sigmas * std + speed * age, shape (e,), [m].
        speed_m_s: declared speed bound, shape (e,), [m/s].
    """

    owner: tuple[str, ...]
    is_zone: NDArray[np.bool_]
    kind: NDArray[np.int8]
    rot: FloatArray
    pos: FloatArray
    half: FloatArray
    a: FloatArray
    b: FloatArray
    span: NDArray[np.int64]
    facets: FloatArray
    edges: FloatArray
    corners: FloatArray
    radius_m: FloatArray
    inflation_m: FloatArray
    speed_m_s: FloatArray

    @property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        sha = hashlib.sha256("|".join(self.owner).encode())
        for array in (self.is_zone, self.kind, self.rot, self.pos, self.half, self.a, self.b):
            sha.update(np.ascontiguousarray(array).tobytes())
        for array in (self.radius_m, self.inflation_m, self.speed_m_s):
            sha.update(array.tobytes())
        if len(self.facets):
            for table in (self.span, self.facets, self.edges, self.corners):
                sha.update(table.tobytes())
        return sha.hexdigest()

    def balls(self) -> tuple[FloatArray, FloatArray]:
        """A ball about each part less its radius: centres (e, 3), radii (e,), [m]; inf about a half-space."""
        centre = np.where((self.kind == SEGMENT)[:, None], (self.a + self.b) / 2.0, self.pos)
        size = np.where(
            self.kind == BOX, np.linalg.norm(self.half, axis=1), np.linalg.norm(self.b - self.a, axis=1) / 2.0
        )
        size[self.kind == HALF_SPACE] = np.inf
        for e in np.flatnonzero(self.kind == HULL):
            size[e] = np.linalg.norm(self.corners[self.span[e, 4] : self.span[e, 5]], axis=1).max()
        return centre, size


def flatten(scene: Scene, config: GateConfig, now_ns: int, held: str | None) -> Obstacles:
    """Flatten a scene as seen at `now_ns`, without the object that moves with the tool.

    Args:
        scene: the snapshot.
        config: margins, sigmas and zones.
        now_ns: start of the tick, [ns]; an object seen earlier is inflated by its speed bound times its age.
        held: name of the object measured to be held, left out here; None if there is none.
    """
    rows: list[_Row] = []
    for thing in scene.objects:
        if thing.name == held:
            continue
        age_s = max(0.0, (now_ns - thing.stamp_ns) * 1e-9)
        extra = (
            config.environment_margin_m
            + config.position_sigmas * thing.position_std_m
            + thing.max_speed_m_s * age_s
        )
        rows.extend(_row(thing, part, extra) for part in thing.parts)
    for zone in config.zones:
        if zone.kind is ZoneKind.KEEP_OUT:
            centre, half = (zone.upper + zone.lower) / 2.0, (zone.upper - zone.lower) / 2.0
            margin = config.environment_margin_m
            rows.append(_Row(zone.name, True, BOX, np.eye(3), centre, half, 0.0, 0.0, margin, 0.0))
    return _stack(rows)


_NONE = np.zeros(3)
_NO_FACETS, _NO_EDGES, _NO_CORNERS = np.empty((0, 4)), np.empty((0, 14)), np.empty((0, 3))


@dataclass(frozen=True, slots=True)
class _Row:
    owner: str
    is_zone: bool
    kind: int
    rot: FloatArray
    pos: FloatArray
    half: FloatArray
    half_length: float
    radius: float
    inflation: float
    speed: float
    hull: Polytope | None = None


def _row(thing: SceneObject, part: Part, extra: float) -> _Row:
    rot = thing.object_in_world[:3, :3] @ part.part_in_object[:3, :3]
    pos = thing.object_in_world[:3, :3] @ part.part_in_object[:3, 3] + thing.object_in_world[:3, 3]
    extra_speed = extra, thing.max_speed_m_s
    match part.shape:
        case Box() as box:
            return _Row(thing.name, False, BOX, rot, pos, box.half_extents_m, 0.0, 0.0, *extra_speed)
        case ConvexHull() as solid:
            hull = polytope_of(solid.vertices_m)
            if hull is None:
                raise ValueError(
                    f"{thing.name} has a hull without volume, which the scene's check did not refuse"
                )
            pos = pos + rot @ hull.centre
            return _Row(thing.name, False, HULL, rot, pos, _NONE, 0.0, 0.0, *extra_speed, hull)
        case HalfSpace() as half:
            plane = plane_of(half, thing.object_in_world @ part.part_in_object)
            turn, point = plane[:3, :3], plane[:3, 3]
            return _Row(thing.name, False, HALF_SPACE, turn, point, _NONE, 0.0, 0.0, *extra_speed)
        case Capsule(radius_m=ball, length_m=length):
            return _swept(thing, rot, pos, length / 2.0, ball, extra)
        case Sphere(radius_m=ball):
            return _swept(thing, rot, pos, 0.0, ball, extra)
        case _:
            raise ValueError(f"{thing.name} has a shape that the scene's check did not refuse")


def _swept(
    thing: SceneObject, rot: FloatArray, pos: FloatArray, half_length: float, ball: float, extra: float
) -> _Row:
    speed = thing.max_speed_m_s
    return _Row(thing.name, False, SEGMENT, rot, pos, _NONE, half_length, ball, extra + ball, speed)


def _stack(rows: list[_Row]) -> Obstacles:
    count = len(rows)
    rot = np.array([r.rot for r in rows], dtype=np.float64).reshape(count, 3, 3)
    pos = np.array([r.pos for r in rows], dtype=np.float64).reshape(count, 3)
    half = np.array([r.half for r in rows], dtype=np.float64).reshape(count, 3)
    span, facets, edges, corners = _hulls(rows)
    along = rot[:, :, 2] * np.array([[r.half_length] for r in rows], dtype=np.float64).reshape(count, 1)
    return Obstacles(
        owner=tuple(r.owner for r in rows),
        is_zone=np.array([r.is_zone for r in rows], dtype=np.bool_),
        kind=np.array([r.kind for r in rows], dtype=np.int8),
        rot=np.ascontiguousarray(rot),
        pos=pos,
        half=half,
        a=pos - along,
        b=pos + along,
        span=span,
        facets=facets,
        edges=edges,
        corners=corners,
        radius_m=np.array([r.radius for r in rows], dtype=np.float64),
        inflation_m=np.array([r.inflation for r in rows], dtype=np.float64),
        speed_m_s=np.array([r.speed for r in rows], dtype=np.float64),
    )


def _hulls(rows: list[_Row]) -> tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
    """Where each hull's rows are, and the rows of all of them."""
    span = np.zeros((len(rows), 6), dtype=np.int64)
    if all(row.hull is None for row in rows):
        return span, _NO_FACETS, _NO_EDGES, _NO_CORNERS
    facets, edges, corners = [_NO_FACETS], [_NO_EDGES], [_NO_CORNERS]
    counts = [0, 0, 0]
    for e, row in enumerate(rows):
        if row.hull is None:
            continue
        for k, (tables, table) in enumerate(
            ((facets, row.hull.facets), (edges, row.hull.edges), (corners, row.hull.corners))
        ):
            span[e, 2 * k : 2 * k + 2] = counts[k], counts[k] + len(table)
            counts[k] += len(table)
            tables.append(table)
    return span, np.concatenate(facets), np.concatenate(edges), np.concatenate(corners)
