"""A robot's URDF, read and checked: the tree of its arm joints, and where every link hangs on it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from interlock.errors import RobotModelError
from interlock.guards.data_sheet import check_gripper, check_limits
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import RobotSpec

__all__ = ["RobotModel"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobotModel:
    """The URDF with the gripper's joints told apart from the arm's.

    Attributes:
        robot: the description it was read from.
        full: Pinocchio model of the URDF, gripper joints included.
        geometry: its collision geometry.
        arm_ids: index of every arm joint in `full`, in the order of the limits.
    """

    robot: RobotSpec
    full: Any
    geometry: Any
    arm_ids: tuple[int, ...]

    @classmethod
    def load(cls, robot: RobotSpec) -> RobotModel:
        """Read and check the URDF of `robot`.

        Raises:
            RobotModelError: if the URDF cannot be read, or it and the data sheet do not fit together.
        """
        tree = _parse(robot)
        check_limits(robot, tree)
        full, geometry = _load(robot)
        names = list(full.names)
        loaded = cls(
            robot=robot,
            full=full,
            geometry=geometry,
            arm_ids=tuple(names.index(name) for name in robot.limits.names),
        )
        loaded._check_tree(names)
        loaded._check_geometry(tree)
        return loaded

    def reduced(self) -> Any:
        """Pinocchio model of the arm alone, its gripper held open; for cross-checks."""
        gripper = self.robot.gripper
        q = self._configuration(gripper.max_width_m if gripper else 0.0)
        locked = [i for i in range(1, self.full.njoints) if i not in self.arm_ids]
        return pin.buildReducedModel(self.full, locked, q)

    def joints(self) -> tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
        """The arm's tree for `kinematics.forward`: parent, rotation, position, axis, prismatic."""
        n = len(self.arm_ids)
        parent, prismatic = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.bool_)
        rot, pos, axis = np.empty((n, 3, 3)), np.empty((n, 3)), np.empty((n, 3))
        data = self.full.createData()
        pin.forwardKinematics(self.full, data, pin.neutral(self.full))
        for i, joint in enumerate(self.arm_ids):
            placement = self.full.jointPlacements[joint]
            above = self.full.parents[joint]
            if above == 0:
                placement = self._base() * placement
            else:
                parent[i] = self._arm_index(above)
            rot[i], pos[i] = placement.rotation, placement.translation
            motion = np.asarray(data.joints[joint].S, dtype=np.float64).ravel()
            prismatic[i] = bool(np.any(motion[:3]))
            axis[i] = motion[:3] if prismatic[i] else motion[3:]
        return parent, rot, pos, axis, prismatic

    def mounts(self) -> tuple[str, ...]:
        """For each arm joint the link of the URDF that it hangs on."""
        frames = self.full.frames
        found = []
        for joint in self.arm_ids:
            frame = frames[self.full.getFrameId(self.full.names[joint], pin.FrameType.JOINT)]
            found.append(str(frames[frame.parentFrame].name))
        return tuple(found)

    def hanger(self, joint: int) -> int:
        """Arm joint (-1: the world) that carries joint `joint` of the full model."""
        while joint != 0 and joint not in self.arm_ids:
            joint = self.full.parents[joint]
        return self._arm_index(joint)

    def gripper_chain(self, joint: int) -> list[int]:
        """Gripper joints of the full model between an arm joint and `joint`, nearest to the arm first."""
        chain: list[int] = []
        while joint != 0 and joint not in self.arm_ids:
            chain.insert(0, joint)
            joint = self.full.parents[joint]
        return chain

    def placement(self, joint: int, width_m: float) -> Any:
        """Pose of a joint of the full model in the frame of its arm joint, or in the world."""
        data = self.full.createData()
        pin.forwardKinematics(self.full, data, self._configuration(width_m))
        hanger = self.hanger(joint)
        if hanger < 0:
            return self._base() * data.oMi[joint]
        return data.oMi[self.arm_ids[hanger]].actInv(data.oMi[joint])

    def links(self) -> list[str]:
        """The names of all links."""
        return [frame.name for frame in self.full.frames if frame.type == pin.FrameType.BODY]

    def frame(self, link: str, field: str) -> Any:
        """The Pinocchio frame of a link.

        Raises:
            RobotModelError: if the URDF has no such link.
        """
        known = self.links()
        if link not in known:
            raise RobotModelError(
                "the URDF has no such link", field=field, value=link, mend=f"Name one of {', '.join(known)}."
            )
        return self.full.frames[self.full.getFrameId(link, pin.FrameType.BODY)]

    def tool(self) -> tuple[int, FloatArray, FloatArray]:
        """Arm joint that carries the tool, and the tool's rotation and position in that joint's frame."""
        frame = self.frame(self.robot.tool_link, "robot.tool_link")
        joint = frame.parentJoint
        if joint not in self.arm_ids:
            raise RobotModelError(
                "the tool must hang on an arm joint",
                field="robot.tool_link",
                value=self.robot.tool_link,
                mend="Name the link that carries the gripper, not one of its fingers.",
            )
        pose = frame.placement * pin.SE3(np.array(self.robot.tool_in_link))
        return self._arm_index(joint), np.array(pose.rotation), np.array(pose.translation)

    def _arm_index(self, joint: int) -> int:
        return -1 if joint == 0 else self.arm_ids.index(joint)

    def _base(self) -> Any:
        return pin.SE3(np.array(self.robot.base_in_world))

    def _configuration(self, width_m: float) -> FloatArray:
        q = np.array(pin.neutral(self.full), dtype=np.float64)
        gripper = self.robot.gripper
        if gripper is not None:
            for name, position in zip(gripper.joints, gripper.joints_at(width_m), strict=True):
                q[self.full.joints[self.full.getJointId(name)].idx_q] = position
        return q

    def _check_tree(self, names: list[str]) -> None:
        gripper = self.robot.gripper.joints if self.robot.gripper else ()
        known = {*self.robot.limits.names, *gripper}
        seen = {0}
        for joint in self.arm_ids:
            if self.full.parents[joint] not in seen:
                raise RobotModelError(
                    "the joint that carries this one comes later in the list, or is not in it",
                    field="robot.limits.names",
                    value=names[joint],
                    mend="List every moving joint of the arm from the base to the tool.",
                )
            seen.add(joint)
        for joint in range(1, self.full.njoints):
            if names[joint] not in known:
                raise RobotModelError(
                    "a joint of the URDF moves, and is named neither by the arm nor by the gripper",
                    field="robot.urdf",
                    value=names[joint],
                    mend="Add it to limits.names or to gripper.joints, or make it fixed in the URDF.",
                )
        if self.robot.gripper is not None:
            check_gripper(self.robot.gripper)
            for link in self.robot.gripper.finger_links:
                self.frame(link, "robot.gripper.finger_links")
        for link in sorted({link for pair in self.robot.touching_pairs for link in pair}):
            self.frame(link, "robot.touching_pairs")
        for field, matrix in (
            ("base_in_world", self.robot.base_in_world),
            ("tool_in_link", self.robot.tool_in_link),
        ):
            rot = matrix[:3, :3]
            proper = np.allclose(rot @ rot.T, np.eye(3), atol=1e-6) and np.linalg.det(rot) > 0.0
            if not (np.isfinite(matrix).all() and proper and np.allclose(matrix[3], (0.0, 0.0, 0.0, 1.0))):
                raise RobotModelError(
                    "is no pose",
                    field=f"robot.{field}",
                    value=matrix.tolist(),
                    mend="Give a rotation and a position.",
                )
        for placement in self.full.jointPlacements:
            _require_finite(placement.homogeneous, "a joint's origin is not finite", self.robot)

    def _check_geometry(self, tree: ElementTree.Element) -> None:
        loaded = Counter(self.full.frames[item.parentFrame].name for item in self.geometry.geometryObjects)
        for link in tree.findall("link"):
            name, solids = link.get("name", ""), len(link.findall("collision"))
            if link.find("visual") is not None and not solids:
                raise RobotModelError(
                    "a link can be seen but has no collision geometry, so nothing could be checked for it",
                    field="robot.urdf",
                    value=name,
                    mend="Add a <collision> element to that link.",
                )
            if loaded[name] != solids:  # the parser leaves out what it cannot read, and goes on
                raise RobotModelError(
                    f"{solids - loaded[name]} of the link's {solids} collision geometries cannot be read",
                    field="robot.urdf",
                    value=name,
                    mend="Use meshes, boxes, cylinders or spheres, each with its sizes.",
                )
        for item in self.geometry.geometryObjects:
            _require_finite(item.placement.homogeneous, "a collision origin is not finite", self.robot)


def _require_finite(values: FloatArray, what: str, robot: RobotSpec) -> None:
    if not np.isfinite(values).all():
        raise RobotModelError(what, field="robot.urdf", value=str(robot.urdf), mend="Mend the URDF.")


def _parse(robot: RobotSpec) -> ElementTree.Element:
    path = str(robot.urdf)
    try:
        tree = ElementTree.fromstring(robot.urdf.read_bytes())
    except OSError as error:
        raise RobotModelError(
            f"the URDF cannot be read: {error.strerror}",
            field="robot.urdf",
            value=path,
            mend="Give its path.",
        ) from error
    except ElementTree.ParseError as error:
        raise RobotModelError(
            f"the URDF is not XML: {error}", field="robot.urdf", value=path, mend="Mend the file."
        ) from error
    if tree.tag != "robot":
        raise RobotModelError(
            f"not a URDF: its root element is <{tree.tag}>",
            field="robot.urdf",
            value=path,
            mend="Give a URDF; an MJCF file is not read, because its poses would come out wrong.",
        )
    return tree


def _load(robot: RobotSpec) -> tuple[Any, Any]:
    try:
        full = pin.buildModelFromUrdf(str(robot.urdf))
        folders = [str(folder) for folder in robot.package_dirs] or [str(robot.urdf.parent)]
        return full, pin.buildGeomFromUrdf(full, str(robot.urdf), pin.COLLISION, package_dirs=folders)
    except (ValueError, RuntimeError) as error:
        raise RobotModelError(
            f"the URDF cannot be used: {str(error).strip()}",
            field="robot.urdf",
            value=str(robot.urdf),
            mend="Mend the file, or give the folders of its meshes in robot.package_dirs.",
        ) from error
