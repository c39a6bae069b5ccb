"""The body of one robot: its kinematic tree and the capsules that hold it, as plain arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interlock.guards.link_cover import cover_links, judged_pairs
from interlock.guards.link_hull import link_hulls
from interlock.guards.reach import Reach
from interlock.guards.robot_model import RobotModel
from interlock.hal.arrays import FloatArray
from interlock.hal.robot import RobotSpec

__all__ = ["BodyModel", "Hull"]


class Hull(NamedTuple):
    """A convex solid of a link: name of the link, joint that carries it, vertices in that joint's frame."""

    link: str
    joint: int
    vertices: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyModel:
    """Everything the guards know of a robot's shape and motion; all arrays are read-only.

    The tree has n joints, the arm's, in the order of its limits; joint -1 is the world. A capsule is a
    segment ab in the frame of its joint, swept by a ball. The links of the gripper are held at every opening
    width at once.

    Attributes:
        robot: what it was built from.
        n: number of joints.
        joint_parent: parent of each joint, -1 for the world, shape (n,).
        joint_rot: rotation of each joint in its parent's frame (in the world for a root), shape (n, 3, 3).
        joint_pos: position of each joint in its parent's frame (in the world for a root), shape (n, 3), [m].
        joint_axis: unit axis in the joint's frame, shape (n, 3).
        joint_prismatic: whether the joint slides, shape (n,).
        cap_joint: joint that carries each capsule, shape (m,).
        cap_a: first ends, shape (m, 3), [m].
        cap_b: second ends, shape (m, 3), [m].
        cap_radius: radii, shape (m,), [m].
        cap_link: name of the URDF link that each capsule covers.
        self_pairs: pairs of capsules that may not meet, shape (p, 2). Left out: two links on one joint, links
            on neighbouring joints, and `robot.touching_pairs`. Arms on one base are no neighbours of each
            other's bases.
        lever: bound over all configurations on how far joint i moves any point of capsule c, ball included,
            shape (m, n), [m/rad or 1]; above 0 exactly where joint i carries capsule c.
        core_lever: the same for the points of the segment ab. It bounds what joint i changes in the distance
            of capsule c to anything that stands still, because the ball has the same radius everywhere; shape
            (m, n).
        pair_lever: bound on what joint i changes in the distance of a pair, shape (p, n). Above 0 only for
            joints that carry exactly one of both; seen from either side of the joint, whichever is nearer to
            its axis, since the common part of both motions is at right angles to the line between the closest
            points.
        tool_joint: joint that carries the tool centre point (TCP).
        tool_rot: rotation of the tool in that joint's frame, shape (3, 3).
        tool_pos: TCP in that joint's frame, shape (3,), [m].
        tool_lever: bound on how far each joint moves the TCP, shape (n,), [m/rad or 1].
        pin_model: Pinocchio model of the arm, base at the origin, gripper open; for cross-checks, never in
            the loop.
        model: the URDF as read.
        sha256: hash over all arrays and names.
    """

    robot: RobotSpec
    n: int
    joint_parent: NDArray[np.int64]
    joint_rot: FloatArray
    joint_pos: FloatArray
    joint_axis: FloatArray
    joint_prismatic: NDArray[np.bool_]
    cap_joint: NDArray[np.int64]
    cap_a: FloatArray
    cap_b: FloatArray
    cap_radius: FloatArray
    cap_link: tuple[str, ...]
    self_pairs: NDArray[np.int64]
    lever: FloatArray
    core_lever: FloatArray
    pair_lever: FloatArray
    tool_joint: int
    tool_rot: FloatArray
    tool_pos: FloatArray
    tool_lever: FloatArray
    pin_model: Any
    model: RobotModel
    sha256: str

    @classmethod
    def build(cls, robot: RobotSpec) -> BodyModel:
        """Read the robot's URDF and meshes, cover its links with capsules, and bound their motion.

        Raises:
            RobotModelError: if the URDF cannot be used, or it and the data sheet do not fit together.
        """
        model = RobotModel.load(robot)
        tree = model.joints()
        parent, rot, pos, axis, prismatic = tree
        tool_joint, tool_rot, tool_pos = model.tool()
        tool = (robot.tool_link, tool_joint, tool_rot[:, 2])
        mounts = model.mounts()
        links = cover_links(link_hulls(model), tree, robot.limits, tool, robot.touching_pairs, mounts)
        joint, link, a, b, radius = links.joint, links.link, links.a, links.b, links.radius
        pairs = judged_pairs(links, parent, robot.touching_pairs, mounts)
        reach = Reach(*tree, robot.limits.q_min, robot.limits.q_max)
        core = np.array([reach.forward(j, np.stack([p, q])) for j, p, q in zip(joint, a, b, strict=True)])
        seen = np.array([reach.backward(j, np.stack([p, q])) for j, p, q in zip(joint, a, b, strict=True)])
        arrays: dict[str, Any] = {
            "joint_parent": parent,
            "joint_rot": rot,
            "joint_pos": pos,
            "joint_axis": axis,
            "joint_prismatic": prismatic,
            "cap_joint": joint,
            "cap_a": a,
            "cap_b": b,
            "cap_radius": radius,
            "self_pairs": pairs,
            "lever": np.where((core > 0.0) & ~prismatic, core + radius[:, None], core),
            "core_lever": core,
            "pair_lever": _pair_lever(pairs, core, seen),
            "tool_rot": tool_rot,
            "tool_pos": tool_pos,
            "tool_lever": reach.forward(tool_joint, tool_pos[None]),
        }
        for name, array in arrays.items():
            arrays[name] = np.array(array, order="C", copy=True)
            arrays[name].setflags(write=False)
        return cls(
            robot=robot,
            n=len(parent),
            cap_link=link,
            tool_joint=tool_joint,
            pin_model=model.reduced(),
            model=model,
            sha256=_digest(arrays, link, tool_joint),
            **arrays,
        )

    def hulls(self, width_m: float | None = None) -> list[Hull]:
        """The solids that the capsules hold, as ground truth for checks.

        Args:
            width_m: width of the gripper, [m]; None sweeps its links over all widths.
        """
        return [
            Hull(link=solid.link, joint=solid.joint, vertices=piece)
            for solid in link_hulls(self.model, width_m)
            for piece in solid.pieces
        ]

    def tool_ball(self) -> tuple[FloatArray, float]:
        """A ball that holds the TCP at every configuration: centre in the world, shape (3,), and radius, [m].

        Its centre is the first joint of the tool's chain; from joint to joint the way is as long as it is.
        """
        radius, joint = float(np.linalg.norm(self.tool_pos)), self.tool_joint
        limits = self.robot.limits
        while True:
            if self.joint_prismatic[joint]:
                radius += max(abs(float(limits.q_min[joint])), abs(float(limits.q_max[joint])))
            parent = int(self.joint_parent[joint])
            if parent < 0:
                return self.joint_pos[joint], radius
            radius += float(np.linalg.norm(self.joint_pos[joint]))
            joint = parent

    def lever_of(self, joint: int, points: FloatArray) -> FloatArray:
        """Bound over all configurations on how far each joint moves points fixed to `joint`.

        Args:
            joint: joint that carries the points, -1 for the world.
            points: in that joint's frame, shape (k, 3), [m].

        Returns:
            One bound a joint, shape (n,), [m/rad or 1].
        """
        tree = (self.joint_parent, self.joint_rot, self.joint_pos, self.joint_axis, self.joint_prismatic)
        reach = Reach(*tree, self.robot.limits.q_min, self.robot.limits.q_max)
        return reach.forward(joint, points)


def _pair_lever(pairs: NDArray[np.int64], core: FloatArray, seen: FloatArray) -> FloatArray:
    first, second = pairs[:, 0], pairs[:, 1]
    by_first = np.where(
        (core[first] > 0.0) & (core[second] == 0.0), np.minimum(core[first], seen[second]), 0.0
    )
    by_second = np.where(
        (core[second] > 0.0) & (core[first] == 0.0), np.minimum(core[second], seen[first]), 0.0
    )
    return by_first + by_second


def _digest(arrays: dict[str, Any], links: tuple[str, ...], tool_joint: int) -> str:
    digest = hashlib.sha256("|".join((*links, str(tool_joint))).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}{array.shape}{array.dtype.str}".encode() + array.tobytes())
    return digest.hexdigest()
