"""Where everything in a simulated world is, as plain data that another process can stand up again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pybullet

from interlock.hal.simulator.robot_body import RobotBody

__all__ = ["Posture", "read_posture", "stand"]

Place = tuple[tuple[float, float, float], tuple[float, float, float, float]]
"""Position [m] and unit quaternion (x, y, z, w) in the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """One instant of a world.

    Attributes:
        stamp_ns: when it was, monotonic, [ns].
        joints: position of every moving joint of the robot, PyBullet's order, [rad] or [m].
        objects: pose of each object, in the order of the world's table of bodies.
    """

    stamp_ns: int
    joints: tuple[float, ...]
    objects: tuple[Place, ...]


def read_posture(body: RobotBody, bodies: Mapping[str, int], stamp_ns: int) -> Posture:
    """The posture of a robot and of objects now; nothing moves by it."""
    states = pybullet.getJointStates(body.body, body.moving, physicsClientId=body.client)
    places = (
        pybullet.getBasePositionAndOrientation(number, physicsClientId=body.client)
        for number in bodies.values()
    )
    return Posture(
        stamp_ns=stamp_ns, joints=tuple(float(state[0]) for state in states), objects=tuple(places)
    )


def stand(body: RobotBody, bodies: Mapping[str, int], posture: Posture) -> None:
    """Put a robot and objects where `posture` says."""
    for joint, value in zip(body.moving, posture.joints, strict=True):
        pybullet.resetJointState(body.body, joint, value, physicsClientId=body.client)
    for number, (position, quaternion) in zip(bodies.values(), posture.objects, strict=True):
        pybullet.resetBasePositionAndOrientation(number, position, quaternion, physicsClientId=body.client)
