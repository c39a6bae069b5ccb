"""Says why a scene may not be used: a shape or pose that is none, an object too old or unknown.

The kernels take R' for the inverse of a rotation R. Where R'R = I + E, that puts a point at distance L from
the origin off by up to |E| L: this is what is bounded, not |E|, for the object's pose and for the part's.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np

from interlock.guards.verdict import Family
from interlock.hal.arrays import FloatArray
from interlock.hal.phase import Phase
from interlock.hal.polytope import MOST_IN_ALL, MOST_VERTICES, THINNEST_M, polytope_of
from interlock.hal.scene import (
    FURTHEST_M,
    MOST_PARTS,
    Box,
    Capsule,
    ConvexHull,
    HalfSpace,
    ObjectKind,
    Part,
    Scene,
    SceneObject,
    Sphere,
)

__all__ = ["scene_fault"]

_RIGID = 1e-5  # how far a rotation may be from orthonormal, however near all of it is
_TURNED_M = 1e-6  # how far each pose's may put a point of the solid or of the arm from where it is
_ARM_M = 2.0  # how far from a solid the arm is measured, about
_LAST_ROW = 1e-12  # of a pose: it is multiplied with up to a kilometre
_SHAPES = (Sphere, Capsule, Box, ConvexHull, HalfSpace)
_UNIT = 1e-6  # how far the length of a normal may be from 1
_JUDGED = (ConvexHull, HalfSpace)


def scene_fault(
    scene: Scene, phase: Phase, now_ns: int, deadline_s: float, links: Collection[str] = ()
) -> tuple[str, str] | None:
    """(family, reason) of the first thing wrong with the scene, or None.

    Args:
        scene: the snapshot.
        phase: names what may be held.
        now_ns: start of the tick, [ns].
        deadline_s: oldest that the snapshot and every object in it may be, [s].
        links: names of the robot's links, which no object may have.
    """
    return (
        _counts(scene) or _names(scene, phase, links) or _sizes(scene) or _poses(scene)
        or _ages(scene, now_ns, deadline_s)
    )  # fmt: skip


def _counts(scene: Scene) -> tuple[str, str] | None:
    parts = 0
    for thing in scene.objects:
        if not thing.parts:
            return Family.INTEGRITY, f"{thing.name} has no solid"
        parts += len(thing.parts)
        if parts > MOST_PARTS:
            return Family.INTEGRITY, f"{thing.name} brings the parts of all objects to more than {MOST_PARTS}"
        for part in thing.parts:
            if type(part.shape) not in _SHAPES:
                kind = type(part.shape).__name__
                return Family.INTEGRITY, f"{thing.name} has a shape that is not known here: {kind}"
    return None


def _names(scene: Scene, phase: Phase, links: Collection[str]) -> tuple[str, str] | None:
    names = [thing.name for thing in scene.objects]
    known = set(names)
    if len(known) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        return Family.INTEGRITY, f"two objects are called {twice}"
    for name in sorted(known.intersection(links)):
        return Family.INTEGRITY, f"{name} is the name of a link of the robot, and contacts go by name"
    for held in (phase.held, phase.maybe_held):
        if held is not None and held not in known:
            return Family.HELD_OBJECT, f"{held} may be in the gripper, but nobody knows where it is"
        thing = scene.find(held) if held is not None else None
        if thing is not None and thing.kind is not ObjectKind.MOVABLE:
            return Family.HELD_OBJECT, f"{held} is {thing.kind} and cannot be in the gripper"
    if phase.held is not None and phase.maybe_held not in (None, phase.held):
        return Family.HELD_OBJECT, f"both {phase.held} and {phase.maybe_held} may be in the gripper"
    return None


def _sizes(scene: Scene) -> tuple[str, str] | None:
    corners = 0
    for thing in scene.objects:
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
    match part.shape:
        case Box() as box:
            return [float(half) for half in box.half_extents_m]
        case ConvexHull() as hull:
            return [float(np.abs(hull.vertices_m).sum())]
        case HalfSpace() as half:
            return [abs(half.offset_m), float(np.abs(half.normal).sum())]
        case Capsule() as capsule:
            return [capsule.radius_m, capsule.length_m]
        case Sphere() as ball:
            return [ball.radius_m]
        case _:
            raise ValueError("a shape that the check of the shapes did not refuse")


def _reach(part: Part) -> float:
    """The largest length that a shape is described by, [m]."""
    match part.shape:
        case Box() as box:
            return float(max(box.half_extents_m.tolist()))  # numpy takes ten times as long for three numbers
        case ConvexHull() as hull:
            return float(np.max(np.abs(hull.vertices_m), initial=0.0))
        case HalfSpace() as half:
            return abs(half.offset_m)
        case Capsule() as capsule:
            return max(capsule.radius_m, capsule.length_m)
        case Sphere() as ball:
            return ball.radius_m
        case _:
            raise ValueError("a shape that the check of the shapes did not refuse")


def _lever(thing: SceneObject, part: Part) -> float:
    """How far from the part's origin a turn of it counts, at most, [m]; of a half-space, along its plane."""
    lever = 2.0 * _reach(part) + _ARM_M  # twice: a corner is further than its largest coordinate
    if isinstance(part.shape, HalfSpace):
        lever += float(np.linalg.norm(thing.object_in_world[:3, 3]))
        lever += float(np.linalg.norm(part.part_in_object[:3, 3]))
    return lever


def _poses(scene: Scene) -> tuple[str, str] | None:
    owners: list[SceneObject] = []
    poses: list[FloatArray] = []
    levers: list[float] = []
    for thing in scene.objects:
        owners += [thing] * (1 + len(thing.parts))
        poses.append(thing.object_in_world)
        poses += [part.part_in_object for part in thing.parts]
        own = [_lever(thing, part) for part in thing.parts]
        offsets = [math.hypot(*part.part_in_object[:3, 3]) for part in thing.parts]
        levers += [max(map(sum, zip(own, offsets, strict=True))), *own]
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
    bend = np.linalg.norm(rot.transpose(0, 2, 1) @ rot - np.eye(3), axis=(1, 2))
    allowed = np.minimum(_RIGID, _TURNED_M / np.array(levers))
    last_row = np.abs(stacked[:, 3] - np.array([0.0, 0.0, 0.0, 1.0])).max(axis=1)
    rigid = (bend <= allowed) & (np.linalg.det(rot) > 0.0) & (last_row <= _LAST_ROW)
    if rigid.all():
        return None
    k = int(np.argmin(rigid))
    return Family.INTEGRITY, (
        f"{owners[k].name} has a pose that is not rigid: its rotation is {bend[k]:.2g} off (Frobenius norm "
        f"of R'R - I), and as far as it reaches at most {allowed[k]:.2g} may be; its last row is 0 0 0 1"
    )


def _ages(scene: Scene, now_ns: int, deadline_s: float) -> tuple[str, str] | None:
    stamps = [("the scene", scene.stamp_ns), *((thing.name, thing.stamp_ns) for thing in scene.objects)]
    for name, stamp_ns in stamps:
        age_s = (now_ns - stamp_ns) * 1e-9
        if not 0.0 <= age_s <= deadline_s:
            return Family.FRESHNESS, f"{name} was seen {age_s:.3f} s ago, deadline {deadline_s} s"
    return None
