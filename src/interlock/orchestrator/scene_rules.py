"""What must hold between the objects, zones and cameras of a cell."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np

from interlock.errors import CellError
from interlock.hal.polytope import MOST_IN_ALL, THINNEST_M, polytope_of
from interlock.hal.scene import MOST_PARTS
from interlock.orchestrator.cell_schema import (
    CameraSection,
    CellFile,
    ObjectSection,
    PartSection,
    SceneSection,
    ZoneSection,
)
from interlock.orchestrator.nearest import nearest
from interlock.orchestrator.palette import PALETTE
from interlock.orchestrator.solid import Solid
from interlock.orchestrator.urdf_outline import UrdfOutline
from interlock.planners.domain import Role

__all__ = ["check_scene"]

_STANDING_M = 0.001
_LEAST_NORMAL = 1e-6
_SHAPES = ("box", "sphere", "capsule", "convex_hull", "half_space")


def check_scene(file: CellFile, outline: UrdfOutline) -> None:
    """Return if every rule holds.

    Raises:
        CellError: at the first rule that does not hold, with the field, the value and the mend.
    """
    _names(file, outline)
    _parts(file.scene)
    _vertices(file.scene)
    supports = {o.name: o for o in file.scene.objects if o.role is Role.SUPPORT}
    for index, thing in enumerate(file.scene.objects):
        field = f"scene.objects[{index}]"
        for number, part in enumerate(thing.parts):
            _part(f"{field}.parts[{number}]", part)
            _endless(f"{field}.parts[{number}]", thing, part)
        _surface(field, thing)
        _color(field, thing)
        _motion(field, thing)
    for index, thing in enumerate(file.scene.objects):
        _standing(f"scene.objects[{index}]", thing, supports)
    _separation(file.scene)
    for index, zone in enumerate(file.scene.zones):
        _zone(f"scene.zones[{index}]", zone, supports)
    for index, camera in enumerate(file.cameras):
        _camera(f"cameras[{index}]", camera)


def _names(file: CellFile, outline: UrdfOutline) -> None:
    spoken = [(f"scene.objects[{i}].name", o.name) for i, o in enumerate(file.scene.objects)]
    spoken += [(f"scene.zones[{i}].name", z.name) for i, z in enumerate(file.scene.zones)]
    _unique(spoken)
    _unique((f"cameras[{i}].name", c.name) for i, c in enumerate(file.cameras))
    _unique((f"skills[{i}]", s) for i, s in enumerate(file.skills))
    for field, name in spoken:
        if name in outline.links:
            raise CellError(
                "a link of the robot has this name, and contacts are allowed by name",
                field=field,
                value=name,
                mend="Choose a name that no link of the URDF has.",
            )


def _unique(named: Iterable[tuple[str, str]]) -> None:
    first: dict[str, str] = {}
    for field, name in named:
        if name in first:
            raise CellError(
                f"this name is taken by {first[name]}",
                field=field,
                value=name,
                mend="Give each its own name.",
            )
        first[name] = field


def _parts(scene: SceneSection) -> None:
    total = sum(len(thing.parts) for thing in scene.objects)
    if total > MOST_PARTS:
        raise CellError(
            "all objects together have too many parts to be judged in a tick",
            field="scene.objects",
            value=total,
            mend=f"Give at most {MOST_PARTS} parts in all: one box or hull in the place of several.",
        )


def _vertices(scene: SceneSection) -> None:
    hulls = [part.convex_hull for thing in scene.objects for part in thing.parts]
    total = sum(len(hull.vertices_m) for hull in hulls if hull is not None)
    if total > MOST_IN_ALL:
        raise CellError(
            "all hulls together have too many vertices to be judged in a tick",
            field="scene.objects",
            value=total,
            mend=f"Give hulls of at most {MOST_IN_ALL} vertices in all, or boxes in the place of some.",
        )


def _part(field: str, part: PartSection) -> None:
    shapes = [key for key in _SHAPES if getattr(part, key) is not None]
    if len(shapes) != 1:
        raise CellError(
            "a part has exactly one shape",
            field=field,
            value=shapes,
            mend=f"Keep one of {', '.join(_SHAPES)}.",
        )
    hull = part.convex_hull
    if hull is not None and polytope_of(np.array(hull.vertices_m)) is None:
        raise CellError(
            "the vertices lie in one plane, or nearly",
            field=f"{field}.convex_hull.vertices_m",
            value=hull.vertices_m,
            mend=f"Add a vertex off the plane: a hull is at least {THINNEST_M * 1e3:g} mm thick.",
        )


def _endless(field: str, thing: ObjectSection, part: PartSection) -> None:
    if part.half_space is None:
        return
    if not math.hypot(*part.half_space.normal) >= _LEAST_NORMAL:
        raise CellError(
            "the normal has no direction",
            field=f"{field}.half_space.normal",
            value=part.half_space.normal,
            mend="Give the direction that leads out of the solid: [0, 0, 1] for a floor.",
        )
    if thing.role is Role.MOVABLE or thing.max_speed_m_s > 0.0 or thing.shuttle is not None:
        raise CellError(
            "a half-space has no end and cannot move",
            field=f"{field}.half_space",
            value=thing.name,
            mend="Use a box for what moves, or make it an obstacle that stands.",
        )


def _surface(field: str, thing: ObjectSection) -> None:
    top = thing.parts[0]
    if thing.role is Role.SUPPORT and (top.box is None or any(top.rpy_rad)):
        raise CellError(
            "the first part of a support is what things are put on, and this is no level box",
            field=f"{field}.parts[0]",
            value=thing.name,
            mend="List the board or floor first, as a box without rpy_rad.",
        )


def _color(field: str, thing: ObjectSection) -> None:
    if thing.color and thing.rgba is None and thing.color not in PALETTE:
        raise CellError(
            "this colour has no picture",
            field=f"{field}.color",
            value=thing.color,
            mend=f"{nearest(thing.color, PALETTE)} Or add rgba: [r, g, b, a], each from 0 to 1.",
        )


def _motion(field: str, thing: ObjectSection) -> None:
    if thing.max_speed_m_s > 0.0 and thing.role is not Role.OBSTACLE:
        raise CellError(
            "only an obstacle moves by itself",
            field=f"{field}.max_speed_m_s",
            value=thing.max_speed_m_s,
            mend="Take it away, or make the role `obstacle`.",
        )
    if (thing.position_m is None) == (thing.shuttle is None):
        raise CellError(
            "an object either stands at a position or shuttles between two",
            field=f"{field}.position_m",
            value=thing.name,
            mend="Give position_m or shuttle, not both and not neither.",
        )
    if thing.shuttle is None:
        return
    if thing.shuttle.speed_m_s > thing.max_speed_m_s:
        raise CellError(
            "the obstacle would be faster than its declared bound",
            field=f"{field}.shuttle.speed_m_s",
            value=thing.shuttle.speed_m_s,
            mend=f"Give at most max_speed_m_s, {thing.max_speed_m_s}.",
        )
    if math.dist(thing.shuttle.start_m, thing.shuttle.end_m) < 0.01:
        raise CellError(
            "the two ends of the shuttle are one place",
            field=f"{field}.shuttle.end_m",
            value=thing.shuttle.end_m,
            mend="Name a point at least 1 cm from start_m.",
        )


def _standing(field: str, thing: ObjectSection, supports: dict[str, ObjectSection]) -> None:
    if thing.role is Role.MOVABLE and thing.stands_on is None:
        raise CellError(
            "a movable object stands on something",
            field=f"{field}.stands_on",
            value=thing.name,
            mend=f"Name its support. {nearest('', supports)}",
        )
    if thing.role is not Role.MOVABLE and thing.jitter.model_fields_set:
        raise CellError(
            "only a movable object is placed by the seed",
            field=f"{field}.jitter",
            value=thing.name,
            mend="Take it away, or make the role `movable`.",
        )
    if thing.stands_on is None:
        return
    if thing.stands_on not in supports or thing.stands_on == thing.name or thing.position_m is None:
        raise CellError(
            "this is no support it can stand on",
            field=f"{field}.stands_on",
            value=thing.stands_on,
            mend=nearest(thing.stands_on, set(supports) - {thing.name}),
        )
    _height(field, thing, supports[thing.stands_on])


def _height(field: str, thing: ObjectSection, support: ObjectSection) -> None:
    surface, at = support.parts[0], support.position_m
    if surface.box is None or at is None or thing.position_m is None:
        return
    top = at[2] + surface.position_m[2] + surface.box.size_m[2] / 2.0
    bottom = float(Solid.of(thing.parts).lower[2])
    if abs(thing.position_m[2] + bottom - top) > _STANDING_M:
        raise CellError(
            f"it does not stand on {support.name}, whose surface is at z = {top:.4f}",
            field=f"{field}.position_m",
            value=thing.position_m,
            mend=f"Give z = {top - bottom:.4f}.",
        )
    cos, sin = math.cos(support.yaw_rad), math.sin(support.yaw_rad)
    dx, dy = thing.position_m[0] - at[0], thing.position_m[1] - at[1]
    beside = (
        abs(cos * dx + sin * dy - surface.position_m[0]) + thing.jitter.x_m - surface.box.size_m[0] / 2.0,
        abs(cos * dy - sin * dx - surface.position_m[1]) + thing.jitter.y_m - surface.box.size_m[1] / 2.0,
    )
    if max(beside) > 0.0:
        raise CellError(
            f"it can stand beside {support.name}",
            field=f"{field}.position_m",
            value=thing.position_m,
            mend=f"Move it at least {max(beside):.3f} m inward, or lessen its jitter.",
        )


def _separation(scene: SceneSection) -> None:
    movable = [(i, o) for i, o in enumerate(scene.objects) if o.role is Role.MOVABLE]
    for (_, one), (index, other) in itertools.combinations(movable, 2):
        if one.position_m is None or other.position_m is None:
            continue
        gap = math.dist(one.position_m, other.position_m)
        if gap < scene.min_separation_m:
            raise CellError(
                f"it is {gap:.3f} m from {one.name}, nearer than scene.min_separation_m",
                field=f"scene.objects[{index}].position_m",
                value=other.position_m,
                mend=f"Keep the centres {scene.min_separation_m} m apart.",
            )


def _zone(field: str, zone: ZoneSection, supports: dict[str, ObjectSection]) -> None:
    if not np.all(np.array(zone.lower_m) < np.array(zone.upper_m)):
        raise CellError(
            "the lowest corner is not below the highest on every axis",
            field=f"{field}.upper_m",
            value=zone.upper_m,
            mend=f"Give a corner above {zone.lower_m} on x, y and z.",
        )
    if zone.stands_on is not None and (zone.kind != "place" or zone.stands_on not in supports):
        raise CellError(
            "only a zone of kind `place` lies on a support of the cell",
            field=f"{field}.stands_on",
            value=zone.stands_on,
            mend=nearest(zone.stands_on, supports) if zone.kind == "place" else "Take it away.",
        )


def _camera(field: str, camera: CameraSection) -> None:
    sideways = math.dist(camera.eye_m[:2], camera.target_m[:2])
    if math.dist(camera.eye_m, camera.target_m) < 0.01 or sideways < 1e-6:
        raise CellError(
            "the camera looks straight up or down, or at itself, so the picture has no upright",
            field=f"{field}.target_m",
            value=camera.target_m,
            mend="Move the target a little sideways from the eye.",
        )
