"""Builds a scene object as one rigid body in a physics client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pybullet

from interlock.hal.scene import Box, Capsule, ObjectKind, SceneObject, Shape, Sphere
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


def _size(shape: Shape) -> tuple[int, float, list[float], float]:
    """PyBullet's shape type, radius [m], half extents [m] and length [m]."""
    match shape:
        case Sphere():
            return pybullet.GEOM_SPHERE, shape.radius_m, [0.0, 0.0, 0.0], 0.0
        case Capsule():
            return pybullet.GEOM_CAPSULE, shape.radius_m, [0.0, 0.0, 0.0], shape.length_m
        case Box():
            return pybullet.GEOM_BOX, 0.0, shape.half_extents_m.tolist(), 0.0


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
    sizes: dict[str, Any] = {
        "shapeTypes": list(types),
        "radii": list(radii),
        "halfExtents": list(extents),
        "lengths": list(lengths),
        "physicsClientId": client,
    }
    positions, quaternions = zip(*(pose_from_matrix(part.part_in_object) for part in item.parts), strict=True)
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
