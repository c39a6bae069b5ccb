"""The world as the verifier sees it: a scene and its zones, flattened to arrays and inflated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.guards.config import GateConfig
from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Box, Capsule, Part, Scene, SceneObject
from interlock.hal.zone import ZoneKind

__all__ = ["Obstacles", "flatten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacles:
    """Every solid part of the scene and every keep-out zone.

    A part is either a box (`is_box`) or a segment swept by a ball; the ball's radius is in `inflation_m`.

    Attributes:
        owner: object or zone each part belongs to, length e.
        is_zone: whether a part is a keep-out zone, shape (e,).
        is_box: whether a part is a box, shape (e,).
        rot: box orientation in the world, shape (e, 3, 3).
        pos: box centre in the world, shape (e, 3), [m].
        half: box half extents, shape (e, 3), [m].
        a: first end of the segment in the world, shape (e, 3), [m].
        b: second end of the segment in the world, shape (e, 3), [m].
        radius_m: radius of the ball, 0 for a box, shape (e,), [m].
        inflation_m: radius + margin + sigmas * std + speed * age, shape (e,), [m].
        speed_m_s: declared speed bound, shape (e,), [m/s].
    """

    owner: tuple[str, ...]
    is_zone: NDArray[np.bool_]
    is_box: NDArray[np.bool_]
    rot: FloatArray
    pos: FloatArray
    half: FloatArray
    a: FloatArray
    b: FloatArray
    radius_m: FloatArray
    inflation_m: FloatArray
    speed_m_s: FloatArray

    @property
    def digest(self) -> str:
        """SHA-256 over all of it."""
        sha = hashlib.sha256("|".join(self.owner).encode())
        for array in (self.is_zone, self.is_box, self.rot, self.pos, self.half, self.a, self.b):
            sha.update(np.ascontiguousarray(array).tobytes())
        for array in (self.radius_m, self.inflation_m, self.speed_m_s):
            sha.update(array.tobytes())
        return sha.hexdigest()


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
            rows.append(_Row(zone.name, True, True, np.eye(3), centre, half, 0.0, 0.0, margin, 0.0))
    return _stack(rows)


@dataclass(frozen=True, slots=True)
class _Row:
    owner: str
    is_zone: bool
    is_box: bool
    rot: FloatArray
    pos: FloatArray
    half: FloatArray
    half_length: float
    radius: float
    inflation: float
    speed: float


def _row(thing: SceneObject, part: Part, extra: float) -> _Row:
    rot = thing.object_in_world[:3, :3] @ part.part_in_object[:3, :3]
    pos = thing.object_in_world[:3, :3] @ part.part_in_object[:3, 3] + thing.object_in_world[:3, 3]
    shape = part.shape
    speed = thing.max_speed_m_s
    if isinstance(shape, Box):
        return _Row(thing.name, False, True, rot, pos, shape.half_extents_m, 0.0, 0.0, extra, speed)
    half_length = shape.length_m / 2.0 if isinstance(shape, Capsule) else 0.0
    ball = shape.radius_m
    return _Row(thing.name, False, False, rot, pos, np.zeros(3), half_length, ball, extra + ball, speed)


def _stack(rows: list[_Row]) -> Obstacles:
    count = len(rows)
    rot = np.array([r.rot for r in rows], dtype=np.float64).reshape(count, 3, 3)
    pos = np.array([r.pos for r in rows], dtype=np.float64).reshape(count, 3)
    half = np.array([r.half for r in rows], dtype=np.float64).reshape(count, 3)
    along = rot[:, :, 2] * np.array([[r.half_length] for r in rows], dtype=np.float64).reshape(count, 1)
    return Obstacles(
        owner=tuple(r.owner for r in rows),
        is_zone=np.array([r.is_zone for r in rows], dtype=np.bool_),
        is_box=np.array([r.is_box for r in rows], dtype=np.bool_),
        rot=np.ascontiguousarray(rot),
        pos=pos,
        half=half,
        a=pos - along,
        b=pos + along,
        radius_m=np.array([r.radius for r in rows], dtype=np.float64),
        inflation_m=np.array([r.inflation for r in rows], dtype=np.float64),
        speed_m_s=np.array([r.speed for r in rows], dtype=np.float64),
    )
