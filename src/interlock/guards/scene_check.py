"""Says why a scene may not be used: a shape or pose that is none, an object too old or unknown."""

from __future__ import annotations

import numpy as np

from interlock.guards.verdict import Family
from interlock.hal.arrays import FloatArray
from interlock.hal.phase import Phase
from interlock.hal.polytope import MOST_IN_ALL, MOST_VERTICES, THINNEST_M, polytope_of
from interlock.hal.scene import (
    FURTHEST_M,
    Box,
    Capsule,
    ConvexHull,
    HalfSpace,
    ObjectKind,
    Part,
    Scene,
    SceneObject,
)

__all__ = ["scene_fault"]

_RIGID = 1e-5  # how far a rotation may be from orthonormal: 10 µm for a metre
_UNIT = 1e-6  # how far the length of a normal may be from 1
_JUDGED = (ConvexHull, HalfSpace)


def scene_fault(scene: Scene, phase: Phase, now_ns: int, deadline_s: float) -> tuple[str, str] | None:
    """(family, reason) of the first thing wrong with the scene, or None.

    Args:
        scene: the snapshot.
        phase: names what may be held.
        now_ns: start of the tick, [ns].
        deadline_s: oldest that the snapshot and every object in it may be, [s].
    """
    return _names(scene, phase) or _sizes(scene) or _poses(scene) or _ages(scene, now_ns, deadline_s)


def _names(scene: Scene, phase: Phase) -> tuple[str, str] | None:
    names = [thing.name for thing in scene.objects]
    known = set(names)
    if len(known) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        return Family.INTEGRITY, f"two objects are called {twice}"
    for name in (phase.held, phase.maybe_held):
        if name is not None and name not in known:
            return Family.HELD_OBJECT, f"{name} may be in the gripper, but nobody knows where it is"
        thing = scene.find(name) if name is not None else None
        if thing is not None and thing.kind is not ObjectKind.MOVABLE:
            return Family.HELD_OBJECT, f"{name} is {thing.kind} and cannot be in the gripper"
    if phase.held is not None and phase.maybe_held not in (None, phase.held):
        return Family.HELD_OBJECT, f"both {phase.held} and {phase.maybe_held} may be in the gripper"
    return None


def _sizes(scene: Scene) -> tuple[str, str] | None:
    corners = 0
    for thing in scene.objects:
        if not thing.parts:
            return Family.INTEGRITY, f"{thing.name} has no solid"
        numbers = [thing.position_std_m, thing.max_speed_m_s]
        for part in thing.parts:
            numbers += _extents(part)
        total = sum(numbers)
        if not np.isfinite(total):
            return Family.INTEGRITY, f"{thing.name} has a size, deviation or speed that is not finite"
        if min(numbers) < 0.0:
            return Family.INTEGRITY, f"{thing.name} has a negative size, deviation or speed"
        for part in thing.parts:
            if (size := _reach(part)) > FURTHEST_M:
                return Family.INTEGRITY, f"{thing.name} has a size of {size:g} m, more than {FURTHEST_M:g} m"
            if isinstance(part.shape, ConvexHull):
                corners += len(part.shape.vertices_m)
            if corners > MOST_IN_ALL:
                return Family.INTEGRITY, (
                    f"{thing.name} brings the vertices of all hulls to {corners}, more than {MOST_IN_ALL}"
                )
            if isinstance(part.shape, _JUDGED) and (fault := _no_solid(thing, part)):
                return Family.INTEGRITY, fault
    return None


def _no_solid(thing: SceneObject, part: Part) -> str:
    """Why a hull or half-space is none, "" if it is one."""
    shape = part.shape
    if isinstance(shape, ConvexHull):
        if len(shape.vertices_m) > MOST_VERTICES:
            return f"{thing.name} has a hull of {len(shape.vertices_m)} vertices, more than {MOST_VERTICES}"
        if polytope_of(shape.vertices_m) is None:
            return f"{thing.name} has a hull of no thickness: it is thinner than {THINNEST_M * 1e3:g} mm"
    if isinstance(shape, HalfSpace):
        if not abs(float(np.linalg.norm(shape.normal)) - 1.0) <= _UNIT:
            return f"{thing.name} has a half-space whose normal is not of length 1"
        if thing.kind is not ObjectKind.FIXED:
            return f"{thing.name} is {thing.kind} and has a half-space: only what is fixed may have one"
    return ""


def _extents(part: Part) -> list[float]:
    shape = part.shape
    if isinstance(shape, Box):
        return [float(half) for half in shape.half_extents_m]
    if isinstance(shape, ConvexHull):
        return [float(np.abs(shape.vertices_m).sum())]
    if isinstance(shape, HalfSpace):
        return [abs(shape.offset_m), float(np.abs(shape.normal).sum())]
    return [shape.radius_m, shape.length_m] if isinstance(shape, Capsule) else [shape.radius_m]


def _reach(part: Part) -> float:
    """The largest length that a shape is described by, [m]."""
    shape = part.shape
    if isinstance(shape, Box):
        return float(np.max(shape.half_extents_m))
    if isinstance(shape, ConvexHull):
        return float(np.max(np.abs(shape.vertices_m), initial=0.0))
    if isinstance(shape, HalfSpace):
        return abs(shape.offset_m)
    return max(shape.radius_m, shape.length_m) if isinstance(shape, Capsule) else shape.radius_m


def _poses(scene: Scene) -> tuple[str, str] | None:
    owners: list[SceneObject] = []
    poses: list[FloatArray] = []
    for thing in scene.objects:
        owners += [thing] * (1 + len(thing.parts))
        poses.append(thing.object_in_world)
        poses += [part.part_in_object for part in thing.parts]
    if not poses:
        return None
    stacked = np.array(poses)
    finite = np.isfinite(stacked).all(axis=(1, 2))
    if not finite.all():
        return Family.INTEGRITY, f"{owners[int(np.argmin(finite))].name} has a pose that is not finite"
    off = np.abs(stacked[:, :3, 3]).max(axis=1)
    if not (off <= FURTHEST_M).all():
        k = int(np.argmax(off))
        return Family.INTEGRITY, f"{owners[k].name} is {off[k]:g} m off, more than {FURTHEST_M:g} m"
    rot = stacked[:, :3, :3]
    bend = np.abs(rot.transpose(0, 2, 1) @ rot - np.eye(3)).max(axis=(1, 2))
    last_row = np.abs(stacked[:, 3] - np.array([0.0, 0.0, 0.0, 1.0])).max(axis=1)
    rigid = (bend <= _RIGID) & (np.linalg.det(rot) > 0.0) & (last_row <= _RIGID)
    if rigid.all():
        return None
    return Family.INTEGRITY, f"{owners[int(np.argmin(rigid))].name} has a pose that is not rigid"


def _ages(scene: Scene, now_ns: int, deadline_s: float) -> tuple[str, str] | None:
    stamps = [("the scene", scene.stamp_ns), *((thing.name, thing.stamp_ns) for thing in scene.objects)]
    for name, stamp_ns in stamps:
        age_s = (now_ns - stamp_ns) * 1e-9
        if not 0.0 <= age_s <= deadline_s:
            return Family.FRESHNESS, f"{name} was seen {age_s:.3f} s ago, deadline {deadline_s} s"
    return None
