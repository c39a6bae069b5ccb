"""The scene of a cell under one seed: where things stand, how obstacles move, what all is called."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from interlock.errors import CellError
from interlock.hal.arrays import FloatArray
from interlock.hal.motion import ShuttleMotion
from interlock.hal.scene import ObjectKind, SceneObject
from interlock.orchestrator.cell_schema import ObjectSection, SceneSection, ZoneSection
from interlock.orchestrator.solid import Solid, pose_matrix
from interlock.planners.domain import DomainObject, Role

__all__ = ["SeededScene"]

_ATTEMPTS = 10_000
_LAYOUT_STREAM, _MOTION_STREAM = 1, 2


class SeededScene:
    """One arrangement of a cell's scene; the same seed gives the same numbers, bit by bit.

    Args:
        section: the `scene` of the cell file, already checked.
        seed: the run's seed, 0 or above.

    Raises:
        CellError: if the jitter leaves no room for `min_separation_m`.
    """

    def __init__(self, section: SceneSection, seed: int) -> None:
        self._section = section
        self._solids = {o.name: Solid.of(o.parts) for o in section.objects}
        motion, layout = (
            np.random.default_rng([stream, seed]) for stream in (_MOTION_STREAM, _LAYOUT_STREAM)
        )
        self.motions: Mapping[str, ShuttleMotion] = self._shuttles(motion)
        self._poses = self._arrange(layout)

    def objects(self) -> tuple[SceneObject, ...]:
        """Every object at time 0, true to the arrangement."""
        return tuple(
            SceneObject(
                name=thing.name,
                kind=_kind(thing),
                parts=self._solids[thing.name].parts,
                object_in_world=self._poses[thing.name],
                position_std_m=thing.position_std_m,
                max_speed_m_s=thing.max_speed_m_s,
                stamp_ns=0,
            )
            for thing in self._section.objects
        )

    def named(self) -> tuple[DomainObject, ...]:
        """Everything that a goal may name: the objects, and the zones but for keep-in."""
        zones = (z for z in self._section.zones if z.kind != "keep_in")
        return (*map(self._domain_object, self._section.objects), *map(_domain_zone, zones))

    def _shuttles(self, generator: np.random.Generator) -> dict[str, ShuttleMotion]:
        return {
            thing.name: ShuttleMotion(
                start=np.array(thing.shuttle.start_m),
                end=np.array(thing.shuttle.end_m),
                max_speed_m_s=thing.shuttle.speed_m_s,
                phase_rad=float(generator.uniform(0.0, 2.0 * math.pi)),
            )
            for thing in self._section.objects
            if thing.shuttle is not None
        }

    def _arrange(self, generator: np.random.Generator) -> dict[str, FloatArray]:
        poses: dict[str, FloatArray] = {}
        placed: list[tuple[float, float, float]] = []
        for thing in self._section.objects:
            if thing.name in self.motions:
                start = self.motions[thing.name].position(0.0)
                poses[thing.name] = pose_matrix(start.tolist(), (0.0, 0.0, thing.yaw_rad))
            elif thing.role is Role.MOVABLE:
                position, yaw = self._draw(thing, placed, generator)
                placed.append(position)
                poses[thing.name] = pose_matrix(position, (0.0, 0.0, yaw))
            else:
                poses[thing.name] = pose_matrix(_position(thing), (0.0, 0.0, thing.yaw_rad))
        return poses

    def _draw(
        self,
        thing: ObjectSection,
        placed: list[tuple[float, float, float]],
        generator: np.random.Generator,
    ) -> tuple[tuple[float, float, float], float]:
        """Position [m] and yaw [rad] of a movable object, by rejection."""
        x, y, z = _position(thing)
        jitter = thing.jitter
        for _ in range(_ATTEMPTS):
            dx, dy, turn = generator.uniform(-1.0, 1.0, size=3).tolist()
            position = (x + dx * jitter.x_m, y + dy * jitter.y_m, z)
            if all(math.dist(position, other) >= self._section.min_separation_m for other in placed):
                return position, thing.yaw_rad + turn * jitter.yaw_rad
        raise CellError(
            "the jitter leaves no room for the separation",
            field="scene.min_separation_m",
            value=self._section.min_separation_m,
            mend=f"Lessen it, or give {thing.name} more room.",
        )

    def _domain_object(self, thing: ObjectSection) -> DomainObject:
        pose, solid = self._poses[thing.name], self._solids[thing.name]
        centre, size = (solid.lower + solid.upper) / 2.0, solid.size
        surface = thing.parts[0]
        if thing.role is Role.SUPPORT and surface.box is not None:  # things stand on the first part
            centre, size = np.array(surface.position_m), np.array(surface.box.size_m)
            if abs(math.sin(2.0 * thing.yaw_rad)) > 1e-9:
                size = _inscribed(size, thing.yaw_rad)
            elif abs(math.sin(thing.yaw_rad)) > 0.5:
                size = size[[1, 0, 2]]
        return DomainObject(
            name=thing.name,
            noun=thing.noun,
            color=thing.color,
            role=thing.role,
            position=_triple(pose[:3, :3] @ centre + pose[:3, 3]),
            size=_triple(size),
            on=thing.stands_on or "",
            moves=thing.max_speed_m_s > 0.0,
        )


def _kind(thing: ObjectSection) -> ObjectKind:
    if thing.role is Role.MOVABLE:
        return ObjectKind.MOVABLE
    return ObjectKind.MOVING if thing.max_speed_m_s > 0.0 else ObjectKind.FIXED


def _position(thing: ObjectSection) -> tuple[float, float, float]:
    if thing.position_m is None:
        raise ValueError(f"{thing.name} has no position, which the rules did not refuse")
    return thing.position_m


def _domain_zone(zone: ZoneSection) -> DomainObject:
    lower, upper = np.array(zone.lower_m), np.array(zone.upper_m)
    return DomainObject(
        name=zone.name,
        noun=zone.noun,
        color="",
        role=Role.ZONE,
        position=_triple((lower + upper) / 2.0),
        size=_triple(upper - lower),
        on=zone.stands_on or "",
        forbidden=zone.kind == "keep_out",
    )


def _inscribed(size: FloatArray, yaw_rad: float) -> FloatArray:
    """Extents of a world-aligned rectangle of the same proportions inside a turned one, shape (3,), [m]."""
    cos, sin = abs(math.cos(yaw_rad)), abs(math.sin(yaw_rad))
    share = min(size[0] / (size[0] * cos + size[1] * sin), size[1] / (size[0] * sin + size[1] * cos))
    return np.array([size[0] * share, size[1] * share, size[2]])


def _triple(values: FloatArray) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z
