"""Builds a scene object as one rigid body in a physics client."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pybullet

from interlock.hal.arrays import FloatArray
from interlock.hal.half_space import plane_of
from interlock.hal.polytope import polytope_of
from interlock.hal.scene import (
    Box,
    Capsule,
    ConvexHull,
    HalfSpace,
    ObjectKind,
    Part,
    SceneObject,
    Shape,
    Sphere,
)
from interlock.hal.simulator.pose import pose_from_matrix

__all__ = ["build_solid"]

_MASS_KG = {
    ObjectKind.FIXED: 0.0,
    ObjectKind.MOVABLE: 0.1,
    # Dynamic, so that contacts feel its velocity (Bullet takes a static body's as 0), and so heavy that the
    # velocity it is given every substep is the velocity it has: it does not yield.
    ObjectKind.MOVING: 1000.0,
}
_SPINNING_FRICTION = 0.01


_PLANE_M = (10.0, 10.0, 0.5)  # half extents of the box that stands for a half-space, its top on the plane


def _size(shape: Shape) -> tuple[int, float, list[float], float]:
    """PyBullet's shape type, radius [m], half extents [m] and length [m]."""
    match shape:
        case Sphere():
            return pybullet.GEOM_SPHERE, shape.radius_m, [0.0, 0.0, 0.0], 0.0
        case Capsule():
            return pybullet.GEOM_CAPSULE, shape.radius_m, [0.0, 0.0, 0.0], shape.length_m
        case Box():
            return pybullet.GEOM_BOX, 0.0, shape.half_extents_m.tolist(), 0.0
        case HalfSpace():
            return pybullet.GEOM_BOX, 0.0, list(_PLANE_M), 0.0
        case ConvexHull():
            return pybullet.GEOM_MESH, 0.0, [0.0, 0.0, 0.0], 0.0


def _frame(part: Part, object_in_world: FloatArray) -> FloatArray:
    """Pose of PyBullet's shape in the object, shape (4, 4), [m]."""
    if not isinstance(part.shape, HalfSpace):
        return part.part_in_object
    plane = plane_of(part.shape, object_in_world @ part.part_in_object)
    plane[:3, 3] -= _PLANE_M[2] * plane[:3, 2]
    return np.asarray(np.linalg.inv(object_in_world) @ plane)


def _mesh(shape: Shape, folder: Path) -> str:
    """The file of a hull's surface, which PyBullet takes the hull of again; "" for a shape that has none.

    An array of shapes takes meshes from files only, and PyBullet remembers files by name: the name is a hash
    of what is in it.
    """
    if not isinstance(shape, ConvexHull):
        return ""
    hull = polytope_of(shape.vertices_m)
    if hull is None:
        raise ValueError("a hull without volume was not refused by the rules")
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in (hull.corners + hull.centre).tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (hull.triangles + 1).tolist()]
    text = "\n".join(lines) + "\n"
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.obj"
    path.write_text(text, encoding="ascii")
    return str(path)


def build_solid(
    client: int, item: SceneObject, *, color: Sequence[float], friction: float, mass_kg: float | None
) -> int:
    """Create `item` at its pose and return its body id.

    Args:
        client: physics client.
        item: the object; all its parts form one rigid body.
        color: red, green, blue, alpha, each 0 to 1.
        friction: lateral friction coefficient (Bullet multiplies those of the two bodies).
        mass_kg: mass of a movable object, or None for the default of 0.1 kg.
    """
    types, radii, extents, lengths = zip(*(_size(part.shape) for part in item.parts), strict=True)
    frames = [pose_from_matrix(_frame(part, item.object_in_world)) for part in item.parts]
    positions, quaternions = zip(*frames, strict=True)
    sizes: dict[str, Any] = {
        "shapeTypes": list(types),
        "radii": list(radii),
        "halfExtents": list(extents),
        "lengths": list(lengths),
        "physicsClientId": client,
    }
    with tempfile.TemporaryDirectory(prefix="interlock-") as folder:
        if pybullet.GEOM_MESH in types:
            sizes["fileNames"] = [_mesh(part.shape, Path(folder)) for part in item.parts]
            sizes["meshScales"] = [[1.0, 1.0, 1.0]] * len(types)
        collision = pybullet.createCollisionShapeArray(
            **sizes, collisionFramePositions=list(positions), collisionFrameOrientations=list(quaternions)
        )
        visual = pybullet.createVisualShapeArray(
            **sizes,
            rgbaColors=[list(color)] * len(types),
            visualFramePositions=list(positions),
            visualFrameOrientations=list(quaternions),
        )
    mass = _MASS_KG[item.kind] if mass_kg is None else mass_kg
    position, quaternion = pose_from_matrix(item.object_in_world)
    body: int = pybullet.createMultiBody(
        mass, collision, visual, position, quaternion, physicsClientId=client
    )
    damping = {"linearDamping": 0.0, "angularDamping": 0.0} if item.kind is ObjectKind.MOVING else {}
    pybullet.changeDynamics(
        body,
        -1,
        lateralFriction=friction,
        spinningFriction=_SPINNING_FRICTION,
        physicsClientId=client,
        **damping,
    )
    return body
