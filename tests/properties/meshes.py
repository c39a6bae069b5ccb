"""Boolean collision of the robot's own meshes, placed by Pinocchio, with the world and with each other.

Beside the robot's description nothing is shared with the guards, neither hulls nor capsules: the triangles of
the mesh files; boxes, balls and rods as they are.
"""

from __future__ import annotations

from functools import cache

import coal
import numpy as np
import pinocchio as pin
from numpy.typing import NDArray
from tests.guards.closed_loop import body_of
from tests.properties.oracle import Hangs, convex, keep_out, nodes_of, sample_curve
from tests.properties.released import WIDTH_M, Situation

from interlock.hal.scene import Box, Capsule, ConvexHull, HalfSpace, SceneObject, Shape, Sphere

__all__ = ["mesh_contacts"]

Array = NDArray[np.float64]

_PER_TICK = 4


class _Meshes:
    """The robot's collision geometry from its URDF, and the pairs of its links that may not meet."""

    def __init__(self, name: str) -> None:
        body = body_of(name)
        robot = body.robot
        self.names = robot.limits.names
        self.model = pin.buildModelFromUrdf(str(robot.urdf))
        folders = [str(folder) for folder in robot.package_dirs]
        self.geometry = pin.buildGeomFromUrdf(
            self.model, str(robot.urdf), pin.COLLISION, package_dirs=folders
        )
        self.world_in_base = pin.SE3(robot.base_in_world).inverse()
        self.arm = [self.model.getJointId(name) for name in self.names]
        self.at = [self.model.joints[joint].idx_q for joint in self.arm]
        self.resting = pin.neutral(self.model)
        if robot.gripper is not None:
            for finger, row in zip(robot.gripper.joints, robot.gripper.joint_table, strict=True):
                index = self.model.joints[self.model.getJointId(finger)].idx_q
                self.resting[index] = np.interp(WIDTH_M, robot.gripper.widths_m, row)
        self.links = [self.model.frames[item.parentFrame].name for item in self.geometry.geometryObjects]
        self.carrier = [self._carrier(item.parentJoint) for item in self.geometry.geometryObjects]
        hangs, touching = Hangs(body), {frozenset(pair) for pair in robot.touching_pairs}
        count = len(self.links)
        self.pairs = [
            (a, b)
            for a in range(count)
            for b in range(a + 1, count)
            if not hangs.together(self.links[a], self.carrier[a], self.links[b], self.carrier[b])
            and frozenset((self.links[a], self.links[b])) not in touching
        ]
        self.tool = self.arm[body.tool_joint]

    def _carrier(self, joint: int) -> int:
        """Index of the arm joint that carries a joint of the model, -1 for the world."""
        while joint != 0 and joint not in self.arm:
            joint = self.model.parents[joint]
        return -1 if joint == 0 else self.arm.index(joint)


@cache
def _meshes_of(name: str) -> _Meshes:
    return _Meshes(name)


def mesh_contacts(case: Situation) -> list[str]:
    """Pairs that meet on a released motion, its stop included, at four instants a tick.

    What may move is taken as near as its position's spread and its speed bound let it come by then.
    """
    command = case.output.command
    assert command is not None
    meshes, given, config = _meshes_of(case.name), case.given, case.gate.config
    geometry = meshes.geometry.copy()
    watched: list[tuple[int, int, float, float]] = [(a, b, 0.0, 0.0) for a, b in meshes.pairs]
    moving = [k for k, carrier in enumerate(meshes.carrier) if carrier >= 0]
    held = given.phase.held
    load = given.scene.find(held) if held is not None else None
    if load is not None:
        carried = _carried(meshes, geometry, load, given.state.q)
        tool = meshes.arm.index(meshes.tool)
        others = [k for k, carrier in enumerate(meshes.carrier) if carrier != tool]
        watched += [(a, b, 0.0, 0.0) for a in carried for b in others]
        moving += carried
    for zone in keep_out(config.zones):
        pose = np.eye(4)
        pose[:3, 3] = (zone.lower + zone.upper) / 2.0
        shape = Box(half_extents_m=(zone.upper - zone.lower) / 2.0)
        b = _add(geometry, zone.name, 0, meshes.world_in_base * pin.SE3(pose), shape)
        watched += [(a, b, 0.0, 0.0) for a in moving]
    for thing in given.scene.objects:
        if thing.name == held:
            continue
        age_s = (given.now_ns - thing.stamp_ns) * 1e-9
        spread = config.position_sigmas * thing.position_std_m + thing.max_speed_m_s * age_s
        for part in thing.parts:
            pose = pin.SE3(thing.object_in_world @ part.part_in_object)
            b = _add(geometry, thing.name, 0, meshes.world_in_base * pose, part.shape)
            watched += [(a, b, spread, thing.max_speed_m_s) for a in moving]
    return _met(case, meshes, geometry, watched)


def _met(
    case: Situation,
    meshes: _Meshes,
    geometry: pin.GeometryModel,
    watched: list[tuple[int, int, float, float]],
) -> list[str]:
    for a, b, _, _ in watched:
        geometry.addCollisionPair(pin.CollisionPair(a, b))
    command = case.output.command
    assert command is not None
    times, places = sample_curve(nodes_of(command), command.period_s, per_tick=_PER_TICK)
    data, found = meshes.model.createData(), geometry.createData()
    itself = [k for k, (_, _, spread, speed) in enumerate(watched) if spread or speed]
    q = meshes.resting.copy()
    met: set[str] = set()
    for t, place in zip(times, places + case.offset, strict=True):
        q[meshes.at] = place
        for k in itself:
            found.collisionRequests[k].security_margin = watched[k][2] + watched[k][3] * float(t)
        if pin.computeCollisions(meshes.model, data, geometry, found, q, False):
            for k, result in enumerate(found.collisionResults):
                if result.isCollision():
                    names = [geometry.geometryObjects[i].name for i in watched[k][:2]]
                    met.add(" and ".join(names))
    return sorted(met)


def _carried(meshes: _Meshes, geometry: pin.GeometryModel, load: SceneObject, at: Array) -> list[int]:
    q, data = meshes.resting.copy(), meshes.model.createData()
    q[meshes.at] = at
    pin.forwardKinematics(meshes.model, data, q)
    tool = meshes.tool
    poses = [
        meshes.world_in_base * pin.SE3(load.object_in_world @ part.part_in_object) for part in load.parts
    ]
    return [
        _add(geometry, load.name, tool, data.oMi[tool].actInv(pose), part.shape)
        for pose, part in zip(poses, load.parts, strict=True)
    ]


def _add(geometry: pin.GeometryModel, name: str, joint: int, pose: pin.SE3, shape: Shape) -> int:
    label = f"{name}#{len(geometry.geometryObjects)}"
    return int(geometry.addGeometryObject(pin.GeometryObject(label, joint, pose, _solid(shape))))


def _solid(shape: Shape) -> coal.CollisionGeometry:
    if isinstance(shape, Box):
        return coal.Box(*(2.0 * np.asarray(shape.half_extents_m)))
    if isinstance(shape, Capsule):
        return coal.Capsule(shape.radius_m, shape.length_m)
    if isinstance(shape, ConvexHull):
        return convex(shape.vertices_m)
    if isinstance(shape, HalfSpace):
        return coal.Halfspace(np.array(shape.normal), shape.offset_m)
    assert isinstance(shape, Sphere)
    return coal.Sphere(shape.radius_m)
