"""Compares a scene with earlier ones: whether things move no faster than they are declared to.

The gate believes an obstacle's speed bound when it looks ahead; here it looks back. What went faster than its
bound, or is suddenly gone, is a broken assumption, and nothing is released on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from interlock.guards.verdict import Family
from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Box, Capsule, ConvexHull, ObjectKind, Scene, SceneObject, Sphere

__all__ = ["sighting_fault"]

_ROUNDING_M = 1e-6


def sighting_fault(scene: Scene, earlier: Sequence[Scene], sigmas: float) -> tuple[str, str] | None:
    """(family, reason) of the first thing that cannot have come from an earlier scene, or None.

    A MOVABLE thing may be carried or pushed by the robot: only its stamps and its presence are judged.

    Args:
        scene: the snapshot in force.
        earlier: snapshots that earlier decisions were based on.
        sigmas: how many standard deviations either sighting may be off by.
    """
    now = {thing.name: thing for thing in scene.objects}
    for before in earlier:
        if not before.stamp_ns <= scene.stamp_ns:
            return Family.FRESHNESS, "the scene is older than the one before it"
        for was in before.objects:
            thing = now.get(was.name)
            fault = _gone(was) if thing is None else _moved(was, thing, sigmas)
            if fault is not None:
                return fault
    return None


def _gone(was: SceneObject) -> tuple[str, str]:
    return Family.INTEGRITY, f"{was.name} was in the scene and is gone"


def _moved(was: SceneObject, thing: SceneObject, sigmas: float) -> tuple[str, str] | None:
    after_s = (thing.stamp_ns - was.stamp_ns) * 1e-9
    if not after_s >= 0.0:
        return Family.FRESHNESS, f"{thing.name}: its stamp goes back by {-after_s:.3f} s"
    if (was.kind, was.max_speed_m_s) != (thing.kind, thing.max_speed_m_s) or not _same_solid(was, thing):
        return Family.INTEGRITY, f"{thing.name} is not what it was: its kind, speed bound or shape changed"
    if thing.kind is ObjectKind.MOVABLE and after_s > 0.0:
        return None
    way = _way(was, thing)
    allowed = thing.max_speed_m_s * after_s + sigmas * (was.position_std_m + thing.position_std_m)
    if after_s == 0.0:
        allowed = 0.0  # one sighting is one pose
    if way <= allowed + _ROUNDING_M:
        return None
    return Family.ENVIRONMENT, (
        f"{thing.name} moved {way * 1e3:.1f} mm in {after_s:.3f} s, its declared bound of "
        f"{thing.max_speed_m_s:g} m/s allows {allowed * 1e3:.1f} mm"
    )


def _same_solid(was: SceneObject, thing: SceneObject) -> bool:
    if was.parts is thing.parts:
        return True
    return len(was.parts) == len(thing.parts) and all(
        type(one.shape) is type(other.shape)
        and np.array_equal(one.part_in_object, other.part_in_object)
        and all(
            np.array_equal(getattr(one.shape, f.name), getattr(other.shape, f.name))
            for f in fields(one.shape)
        )
        for one, other in zip(was.parts, thing.parts, strict=True)
    )


def _way(was: SceneObject, thing: SceneObject) -> float:
    """How far any point of the thing has gone at most, [m]."""
    one, other = was.object_in_world, thing.object_in_world
    way = float(np.linalg.norm(other[:3, 3] - one[:3, 3]))
    if not np.array_equal(one[:3, :3], other[:3, :3]):
        turn = np.linalg.norm(other[:3, :3] - one[:3, :3], 2)
        way += float(turn) * max(_reach(part.shape, part.part_in_object) for part in thing.parts)
    return way


def _reach(shape: object, part_in_object: FloatArray) -> float:
    """Distance from the object's origin to the furthest point of a part, at most, [m]."""
    offset = float(np.linalg.norm(part_in_object[:3, 3]))
    match shape:
        case Box():
            return offset + float(np.linalg.norm(shape.half_extents_m))
        case ConvexHull():
            return offset + float(np.linalg.norm(shape.vertices_m, axis=1).max())
        case Capsule():
            return offset + shape.length_m / 2.0 + shape.radius_m
        case Sphere():
            return offset + shape.radius_m
        case _:  # a half-space, or what nobody knows
            return float("inf")
