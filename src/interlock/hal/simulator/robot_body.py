"""The robot inside one physics client: names, indices, efforts, and which links are one rigid piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pybullet

from interlock.errors import RobotModelError
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import RobotSpec
from interlock.hal.simulator.pose import matrix_from_pose, pose_from_matrix
from interlock.hal.simulator.quiet import quiet_stdout

__all__ = ["RobotBody"]

_BASE = -1
_FINGER_FRICTION = {"lateralFriction": 1.0, "spinningFriction": 0.01}
_FINGER_CONTACT = {"contactStiffness": 3e5, "contactDamping": 3e3}
"""For fingers whose URDF makes them softer: the Panda's, at 3e4 N/m, sink 0.6 mm into a block at 20 N."""
_FINGER_INERTIA_KG_M2 = 1e-3
"""Stands for the motor's rotor and gears.

The URDF's bare 1e-5 kg m^2 lets a blocked xArm gripper shake the arm with 4e-3 rad/s: never a standstill.
"""
_DECLARED_STIFFNESS = 9  # field of getDynamicsInfo; -1 where the URDF says nothing


class RobotBody:
    """One loaded robot.

    Attributes:
        client: physics client that holds it.
        body: its body id there.
        link_index: link name to PyBullet link index; the base is -1.
        link_name: the reverse.
        arm: PyBullet joint indices of the arm joints, in the order of `robot.limits.names`.
        fingers: PyBullet joint indices of the gripper joints, in the order of `robot.gripper.joints`.
        effort: the URDF's effort limits of the arm joints, shape (n,), [Nm].
        collision_links: indices of the links that have a collision shape.
        moved_links: those of them that an arm joint or a finger joint moves.
        moving: PyBullet joint indices of every joint that is not fixed.

    Raises:
        RobotModelError: if the URDF cannot be loaded or lacks a joint or link that `robot` names.
    """

    def __init__(self, client: int, robot: RobotSpec) -> None:
        self.client = client
        self.robot = robot
        self.body = self._load()
        infos = [
            pybullet.getJointInfo(self.body, j, physicsClientId=client)
            for j in range(pybullet.getNumJoints(self.body, physicsClientId=client))
        ]
        base_name = pybullet.getBodyInfo(self.body, physicsClientId=client)[0].decode()
        self.link_name: dict[int, str] = {_BASE: base_name, **{info[0]: info[12].decode() for info in infos}}
        self.link_index: dict[str, int] = {name: index for index, name in self.link_name.items()}
        self._parent = {info[0]: int(info[16]) for info in infos}
        self._fixed = {info[0] for info in infos if info[2] == pybullet.JOINT_FIXED}
        self.moving = tuple(info[0] for info in infos if info[0] not in self._fixed)
        joints = {info[1].decode(): info for info in infos}
        self.arm = self._indices(joints, robot.limits.names, "robot.limits.names")
        finger_names = robot.gripper.joints if robot.gripper else ()
        self.fingers = self._indices(joints, finger_names, "robot.gripper.joints")
        self.effort = np.array([infos[j][10] for j in self.arm], dtype=np.float64)
        self.prismatic = frozenset(info[0] for info in infos if info[2] == pybullet.JOINT_PRISMATIC)
        self.tool = self.find_link(robot.tool_link, "robot.tool_link")
        self.finger_links = tuple(
            self.find_link(name, "robot.gripper.finger_links")
            for name in (robot.gripper.finger_links if robot.gripper else ())
        )
        self.collision_links = tuple(
            link
            for link in sorted(self.link_name)
            if pybullet.getCollisionShapeData(self.body, link, physicsClientId=client)
        )
        self.moved_links = tuple(
            link for link in self.collision_links if any(j in self._chain(link) for j in self.arm)
        )
        self._prepare_joints(infos)

    def _load(self) -> int:
        if not self.robot.urdf.is_file():
            raise RobotModelError(
                "this file does not exist",
                field="robot.urdf",
                value=str(self.robot.urdf),
                mend="Give the path of a URDF file.",
            )
        position, quaternion = pose_from_matrix(self.robot.base_in_world)
        try:
            with quiet_stdout():
                body: int = pybullet.loadURDF(
                    str(self.robot.urdf),
                    basePosition=position,
                    baseOrientation=quaternion,
                    useFixedBase=True,
                    flags=pybullet.URDF_USE_INERTIA_FROM_FILE,
                    physicsClientId=self.client,
                )
        except pybullet.error as cause:
            raise RobotModelError(
                "PyBullet cannot load this URDF",
                field="robot.urdf",
                value=str(self.robot.urdf),
                mend="Check that it parses and that its meshes lie where it says.",
            ) from cause
        return body

    def _indices(
        self, joints: dict[str, tuple[int, ...]], names: Sequence[str], field: str
    ) -> tuple[int, ...]:
        for name in names:
            if name not in joints:
                known = ", ".join(sorted(joints))
                raise RobotModelError(
                    "no such joint in the URDF", field=field, value=name, mend=f"Use one of {known}."
                )
        return tuple(int(joints[name][0]) for name in names)

    def find_link(self, name: str, field: str) -> int:
        """PyBullet's index of a link.

        Raises:
            RobotModelError: if the robot has no such link.
        """
        if name not in self.link_index:
            known = ", ".join(sorted(self.link_index))
            raise RobotModelError(
                "no such link in the URDF", field=field, value=name, mend=f"Use one of {known}."
            )
        return self.link_index[name]

    def _prepare_joints(self, infos: Sequence[tuple[int, ...]]) -> None:
        """Switch PyBullet's default joint motors off and give the fingers their friction."""
        for info in infos:
            if info[2] != pybullet.JOINT_FIXED:
                pybullet.setJointMotorControl2(
                    self.body, info[0], pybullet.VELOCITY_CONTROL, force=0.0, physicsClientId=self.client
                )
        for link in self.finger_links:
            dynamics = pybullet.getDynamicsInfo(self.body, link, physicsClientId=self.client)
            soft = dynamics[_DECLARED_STIFFNESS] > 0.0
            pybullet.changeDynamics(
                self.body,
                link,
                physicsClientId=self.client,
                **_FINGER_FRICTION,
                **(_FINGER_CONTACT if soft else {}),
            )
        for link in self.fingers:
            if link not in self.prismatic:
                pybullet.changeDynamics(
                    self.body,
                    link,
                    localInertiaDiagonal=[_FINGER_INERTIA_KG_M2] * 3,
                    physicsClientId=self.client,
                )

    def _chain(self, link: int) -> list[int]:
        """The joints (each named by its child link) from `link` down to the base."""
        chain = []
        while link != _BASE:
            chain.append(link)
            link = self._parent[link]
        return chain

    def _piece(self, link: int) -> int:
        """The first link of the rigid piece that `link` belongs to, across fixed joints."""
        while link in self._fixed:
            link = self._parent[link]
        return link

    def adjacent(self, one: int, other: int) -> bool:
        """Whether two links are one rigid piece or share a joint."""
        a, b = self._piece(one), self._piece(other)
        if a == b:
            return True
        return any(
            child != _BASE and self._piece(self._parent[child]) == parent
            for child, parent in ((a, b), (b, a))
        )

    def in_gripper(self, link: int) -> bool:
        """Whether a link is rigid with the tool link or moved by a finger joint."""
        return self._piece(link) == self._piece(self.tool) or any(
            j in self.fingers for j in self._chain(link)
        )

    def joints_to(self, link: int) -> tuple[int, ...]:
        """Moving joints from the base to `link`, in that order."""
        return tuple(j for j in reversed(self._chain(link)) if j not in self._fixed)

    def frame_in_world(self, link: int) -> FloatArray:
        """Pose of a link's URDF frame, shape (4, 4), [m]."""
        if link == _BASE:
            return np.array(self.robot.base_in_world)
        state = pybullet.getLinkState(
            self.body, link, computeForwardKinematics=True, physicsClientId=self.client
        )
        return matrix_from_pose(state[4], state[5])

    def tool_in_world(self) -> FloatArray:
        """Pose of the tool centre point, shape (4, 4), [m]."""
        pose: FloatArray = self.frame_in_world(self.tool) @ self.robot.tool_in_link
        return pose
