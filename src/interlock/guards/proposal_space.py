"""The space a chunk proposes in: what it asks of the joints, and what it costs to leave that.

A chunk of joint positions asks for just these; leaving them costs the same for every joint. A chunk of poses
of the tool asks for the smallest motion of the joints that follows them, and what it costs to leave that is
how far the *tool* is taken off its pose: |W^(1/2) J (v - v_wanted)|^2 + e |v - v_wanted|^2. So where
something is in the way of the elbow, the elbow gives way and the tool stays on its path, as far as the arm
has joints to spare. Nothing draws the arm anywhere: without a motion of the tool there is none of the joints.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interlock.guards.body import BodyModel
from interlock.guards.reference import Reference, has_run_out, reference_at, spline, width_at
from interlock.guards.tool_poses import TOOL_CHANNELS, ToolPoses
from interlock.guards.tool_step import POSITION_WEIGHT, ROTATION_WEIGHT, tool_frame, toward_pose
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import Embodiment

__all__ = ["JointSpace", "ProposalSpace", "ToolSpace"]

_STEPS = 3  # toward the pose at a knot, from the one before
_MOST_RAD = 0.3  # change of a joint in one step
_ALL_JOINTS = 0.02  # what it costs a joint to leave what was asked where the tool does not mind


class ProposalSpace(Protocol):
    """What a chunk asks of the joints."""

    def reference_at(self, chunk: ActionChunk, at_ns: int, q: FloatArray) -> Reference | None:
        """What the first sample asks for at `at_ns`, near `q`, shape (n,), [rad]; None if it has run out."""
        ...

    def likely(self, chunk: ActionChunk, most: int) -> NDArray[np.int64]:
        """The samples worth looking at; where a look is costly, at most so many."""
        ...

    def wanted(
        self, chunk: ActionChunk, samples: NDArray[np.int64], at_ns: list[int], q: FloatArray
    ) -> FloatArray:
        """Positions and velocities these samples ask for at each time, from `q` on, shape (S, 2, K, n)."""
        ...

    def metric(self, q: FloatArray) -> FloatArray | None:
        """What leaving it costs at `q`, shape (n, n), positive definite; None: the same for every joint."""
        ...

    def width_at(self, chunk: ActionChunk, at_ns: int, sample: int) -> float | None:
        """Width of the gripper asked for, [m]; None without one."""
        ...


class JointSpace:
    """Joint positions.

    Args:
        joints: how many, n.
    """

    def __init__(self, joints: int) -> None:
        self._joints = joints

    def reference_at(self, chunk: ActionChunk, at_ns: int, q: FloatArray) -> Reference | None:
        """As in `ProposalSpace`."""
        return reference_at(chunk, self._joints, at_ns)

    def likely(self, chunk: ActionChunk, most: int) -> NDArray[np.int64]:
        """All of them."""
        return np.arange(len(chunk.samples))

    def wanted(
        self, chunk: ActionChunk, samples: NDArray[np.int64], at_ns: list[int], q: FloatArray
    ) -> FloatArray:
        """As in `ProposalSpace`."""
        points = chunk.samples[samples, :, : self._joints]
        wanted = np.empty((len(points), 2, len(at_ns), self._joints))
        for k, each in enumerate(at_ns):
            wanted[:, 0, k], wanted[:, 1, k] = spline(points, chunk, each)
        return wanted

    def metric(self, q: FloatArray) -> FloatArray | None:
        """None."""
        return None

    def width_at(self, chunk: ActionChunk, at_ns: int, sample: int) -> float | None:
        """As in `ProposalSpace`."""
        return width_at(chunk, self._joints, at_ns, sample)


class ToolSpace:
    """Poses of the tool, absolute or relative.

    Args:
        body: of the robot.
        embodiment: whose first six channels are the pose of the tool.
    """

    def __init__(self, body: BodyModel, embodiment: Embodiment) -> None:
        self._embodiment = embodiment
        self._limits = body.robot.limits
        self._speed_m_s = body.robot.max_tool_speed_m_s
        self._tree = (
            body.joint_parent, body.joint_rot, body.joint_pos, body.joint_axis, body.joint_prismatic,
            body.tool_joint, np.ascontiguousarray(body.tool_rot), np.ascontiguousarray(body.tool_pos),
        )  # fmt: skip
        self._joints = body.n
        self._weight = np.repeat([POSITION_WEIGHT, ROTATION_WEIGHT], 3)

    def reference_at(self, chunk: ActionChunk, at_ns: int, q: FloatArray) -> Reference | None:
        """As in `ProposalSpace`: one step from `q` toward the pose."""
        if has_run_out(chunk, at_ns):
            return None
        near, v = self._toward(ToolPoses(chunk, self._embodiment, 1), at_ns, 0, q, 1)
        return Reference(q=near, v=v, width_m=self.width_at(chunk, at_ns, 0))

    def likely(self, chunk: ActionChunk, most: int) -> NDArray[np.int64]:
        """Those that leave the tool's speed limit least, from step to step."""
        if len(chunk.samples) <= most:
            return np.arange(len(chunk.samples))
        fastest = ToolPoses(chunk, self._embodiment).fastest()
        return np.argsort(np.maximum(fastest, self._speed_m_s), kind="stable")[:most]

    def wanted(
        self, chunk: ActionChunk, samples: NDArray[np.int64], at_ns: list[int], q: FloatArray
    ) -> FloatArray:
        """As in `ProposalSpace`."""
        poses = ToolPoses(replace(chunk, samples=chunk.samples[samples]), self._embodiment)
        wanted = np.empty((len(samples), 2, len(at_ns), self._joints))
        for sample in range(len(samples)):
            at = q
            for k, each in enumerate(at_ns):
                at, wanted[sample, 1, k] = self._toward(poses, each, sample, at, _STEPS)
                wanted[sample, 0, k] = at
        return wanted

    def metric(self, q: FloatArray) -> FloatArray | None:
        """As in `ProposalSpace`."""
        n = self._joints
        jacobian = np.empty((6, n))
        tool_frame(
            np.ascontiguousarray(q), *self._tree,
            np.empty((n, 3, 3)), np.empty((n, 3)), np.empty((3, 3)), np.empty(3), jacobian,
        )  # fmt: skip
        weighted = self._weight[:, None] * jacobian
        metric: FloatArray = weighted.T @ weighted + _ALL_JOINTS * np.eye(n)
        return metric

    def width_at(self, chunk: ActionChunk, at_ns: int, sample: int) -> float | None:
        """As in `ProposalSpace`."""
        return width_at(chunk, TOOL_CHANNELS, at_ns, sample)

    def _toward(
        self, poses: ToolPoses, at_ns: int, sample: int, q: FloatArray, steps: int
    ) -> tuple[FloatArray, FloatArray]:
        """Joint positions nearer to the pose than `q`, and their velocity."""
        n, target = self._joints, poses.at(at_ns, sample)
        near, v = np.array(q), np.empty(n)
        toward_pose(
            steps, np.ascontiguousarray(target.rotation), np.ascontiguousarray(target.position), target.rate,
            self._limits.q_min, self._limits.q_max, _MOST_RAD, *self._tree, self._weight,
            np.empty((n, 3, 3)), np.empty((n, 3)), np.empty((3, 3)), np.empty(3), np.empty((6, n)),
            np.empty(6), np.empty((3, 3)), np.empty((7, 6)), np.empty(n), near, v,
        )  # fmt: skip
        return near, v
