"""Distances between hulls: robot to objects, held object to objects, link to link, robot to zones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

import pybullet

from interlock.hal.arrays import FloatArray
from interlock.hal.simulator.robot_body import RobotBody
from interlock.hal.zone import Zone, ZoneKind

__all__ = ["SEARCH_M", "Proximity"]

SEARCH_M = 0.3
"""Pairs farther apart than this are not measured, [m]."""

_LINK_A, _DISTANCE = 3, 8  # fields of a PyBullet contact point


class Proximity:
    """Asks PyBullet for closest points on the links' convex hulls (1 mm fatter than their corners).

    Each search reaches only as far as the smallest distance so far: only that one is reported, and bounding
    boxes then settle nearly every pair.

    Args:
        body: the robot.
        bodies: body ids of the objects by name.
        zones: zones of the cell.
    """

    def __init__(self, body: RobotBody, bodies: Mapping[str, int], zones: tuple[Zone, ...]) -> None:
        self._body = body
        self._bodies = bodies
        self._self_pairs = self._judged_self_pairs()
        self._keep_out = [self._ghost(zone) for zone in zones if zone.kind is ZoneKind.KEEP_OUT]
        self.min_distance_m = SEARCH_M
        self.min_self_distance_m = SEARCH_M

    def _judged_self_pairs(self) -> list[tuple[int, int]]:
        body = self._body
        spared = {frozenset(pair) for pair in body.robot.touching_pairs}
        return [
            (a, b)
            for a, b in combinations(body.collision_links, 2)
            if not body.adjacent(a, b)
            and not (body.in_gripper(a) and body.in_gripper(b))
            and frozenset((body.link_name[a], body.link_name[b])) not in spared
        ]

    def _ghost(self, zone: Zone) -> tuple[int, list[float]]:
        """A collision shape that belongs to no body, and where it stands."""
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_BOX,
            halfExtents=((zone.upper - zone.lower) / 2.0).tolist(),
            physicsClientId=self._body.client,
        )
        centre: FloatArray = (zone.upper + zone.lower) / 2.0
        return shape, centre.tolist()

    def measure_robot(self, ignored: Callable[[str, str], bool]) -> None:
        """Lower `min_distance_m` by the robot's pairs with objects, but for those `ignored(link, object)`."""
        body = self._body
        for name, other in self._bodies.items():
            near = max(self.min_distance_m, 0.0)
            for point in pybullet.getClosestPoints(body.body, other, near, physicsClientId=body.client):
                if point[_DISTANCE] < self.min_distance_m and not ignored(
                    body.link_name[point[_LINK_A]], name
                ):
                    self.min_distance_m = point[_DISTANCE]

    def measure_held(self, held: str, ignored: Callable[[str, str], bool]) -> None:
        """Lower `min_distance_m` by the held object's pairs with other objects."""
        for name, other in self._bodies.items():
            if name != held and not ignored(held, name):
                near = max(self.min_distance_m, 0.0)
                points = pybullet.getClosestPoints(
                    self._bodies[held], other, near, physicsClientId=self._body.client
                )
                self.min_distance_m = min([self.min_distance_m, *(point[_DISTANCE] for point in points)])

    def touching_self(self) -> list[tuple[str, str]]:
        """Link pairs whose hulls touch now; lowers `min_self_distance_m`."""
        body = self._body
        touching = []
        for a, b in self._self_pairs:
            near = max(self.min_self_distance_m, 0.0)
            points = pybullet.getClosestPoints(body.body, body.body, near, a, b, physicsClientId=body.client)
            if points:
                distance = min(point[_DISTANCE] for point in points)
                self.min_self_distance_m = min(self.min_self_distance_m, distance)
                if distance <= 0.0:
                    touching.append((body.link_name[a], body.link_name[b]))
        return touching

    def in_keep_out(self, held: str | None) -> bool:
        """Whether a link that moves, or the held object, reaches into a keep-out zone."""
        body = self._body
        movers = [(body.body, body.moved_links), *([(self._bodies[held], (-1,))] if held else [])]
        for shape, centre in self._keep_out:
            for mover, links in movers:
                points = pybullet.getClosestPoints(
                    bodyA=mover,
                    bodyB=-1,
                    distance=0.0,
                    collisionShapeB=shape,
                    collisionShapePositionB=centre,
                    collisionShapeOrientationB=[0.0, 0.0, 0.0, 1.0],
                    physicsClientId=body.client,
                )
                if any(point[_LINK_A] in links and point[_DISTANCE] < 0.0 for point in points):
                    return True
        return False
