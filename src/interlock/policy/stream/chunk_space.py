"""The arm's channels of a chunk as places: where a sample is at an instant, and how it is moved there."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.spatial.transform import Rotation

from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.policy.policy import PolicyContext
from interlock.policy.tool_channels import ToolChannels

__all__ = ["ChunkSpace", "JointSpace", "PoseSpace", "place_at", "space_of"]

_POSE = 6


class ChunkSpace(Protocol):
    """What the channels of the arm mean.

    Attributes:
        width: number of the arm's channels, A.
        chained: whether a step is relative to the one before it.
    """

    width: int
    chained: bool

    def anchor(self, q: FloatArray) -> FloatArray | None:
        """Pose that relative steps start from when a chunk is made at `q`, shape (n,), [rad]; or None."""
        ...

    def steps(self, joints: FloatArray, anchor: FloatArray | None) -> FloatArray:
        """Joint positions in a row, shape (m, n), [rad], as steps from `anchor` on, shape (m, A)."""
        ...

    def again(self, chunk: ActionChunk, at_ns: list[int], anchor: FloatArray | None) -> FloatArray:
        """Where the first sample of a chunk is at these times, as steps from another anchor, shape (m, A)."""
        ...

    def offsets(self, chunk: ActionChunk, at_ns: int, q: FloatArray) -> FloatArray:
        """How far `q`, shape (n,), [rad], is from where each sample is at `at_ns`, shape (K, A)."""
        ...

    def moved(self, chunk: ActionChunk, offsets: FloatArray, shares: FloatArray) -> FloatArray:
        """The samples, moved by a share of the offsets at each step, shape (K, T, C).

        Args:
            chunk: the chunk.
            offsets: by sample, as `offsets` gives them, shape (K, A).
            shares: by step, from 0 to 1, shape (T,).
        """
        ...


class JointSpace:
    """Joint positions; a place is what the channels say."""

    def __init__(self, joints: int) -> None:
        self.width = joints
        self.chained = False

    def anchor(self, q: FloatArray) -> FloatArray | None:
        """None."""
        return None

    def steps(self, joints: FloatArray, anchor: FloatArray | None) -> FloatArray:
        """The positions themselves."""
        return joints

    def again(self, chunk: ActionChunk, at_ns: list[int], anchor: FloatArray | None) -> FloatArray:
        """As in `ChunkSpace`."""
        points = chunk.samples[:1, :, : self.width]
        return np.array([place_at(points, chunk, each)[0] for each in at_ns]).reshape(-1, self.width)

    def offsets(self, chunk: ActionChunk, at_ns: int, q: FloatArray) -> FloatArray:
        """As in `ChunkSpace`, [rad]."""
        return np.asarray(q - place_at(chunk.samples[:, :, : self.width], chunk, at_ns))

    def moved(self, chunk: ActionChunk, offsets: FloatArray, shares: FloatArray) -> FloatArray:
        """As in `ChunkSpace`."""
        samples = np.array(chunk.samples)
        samples[:, :, : self.width] += shares[:, None] * offsets[:, None, :]
        return samples


class PoseSpace:
    """Poses of the tool, absolute or relative; a place is a pose in the world, whatever that starts from."""

    def __init__(self, channels: ToolChannels) -> None:
        self.width = _POSE
        self.chained = channels.chained
        self._channels = channels

    def anchor(self, q: FloatArray) -> FloatArray | None:
        """As in `ChunkSpace`, shape (4, 4), [m]."""
        return self._channels.anchor(q)

    def steps(self, joints: FloatArray, anchor: FloatArray | None) -> FloatArray:
        """As in `ChunkSpace`, [m, rad]."""
        return self._channels.steps_of(self._channels.poses_at(joints), anchor)

    def again(self, chunk: ActionChunk, at_ns: list[int], anchor: FloatArray | None) -> FloatArray:
        """As in `ChunkSpace`, [m, rad]."""
        poses = self._channels.poses_of(chunk.samples[:1, :, :_POSE], chunk.anchor)
        found = [_pose_at(poses, chunk, each)[0] for each in at_ns]
        return self._channels.steps_of(np.array(found).reshape(-1, 4, 4), anchor)

    def offsets(self, chunk: ActionChunk, at_ns: int, q: FloatArray) -> FloatArray:
        """As in `ChunkSpace`: position, then rotation vector, both in the world, [m, rad]."""
        here = self._channels.poses_at(q[None])[0]
        poses = self._channels.poses_of(chunk.samples[:, :, :_POSE], chunk.anchor)
        there = _pose_at(poses, chunk, at_ns)
        turns = here[:3, :3] @ there[:, :3, :3].transpose(0, 2, 1)
        return np.concatenate(
            [here[:3, 3] - there[:, :3, 3], Rotation.from_matrix(turns).as_rotvec()], axis=1
        )

    def moved(self, chunk: ActionChunk, offsets: FloatArray, shares: FloatArray) -> FloatArray:
        """As in `ChunkSpace`; the anchor stays what it was."""
        samples = np.array(chunk.samples)
        poses = self._channels.poses_of(samples[:, :, :_POSE], chunk.anchor)
        for sample, offset in zip(range(len(samples)), offsets, strict=True):
            turns = Rotation.from_rotvec(shares[:, None] * offset[3:]).as_matrix()
            poses[sample, :, :3, :3] = turns @ poses[sample, :, :3, :3]
            poses[sample, :, :3, 3] += shares[:, None] * offset[:3]
            samples[sample, :, :_POSE] = self._channels.steps_of(poses[sample], chunk.anchor)
        return samples


def space_of(context: PolicyContext) -> ChunkSpace:
    """The space in which chunks of this embodiment propose."""
    if context.embodiment.tool_reference is None:
        return JointSpace(context.robot.dof)
    return PoseSpace(ToolChannels(context))


def place_at(points: FloatArray, chunk: ActionChunk, at_ns: int) -> FloatArray:
    """Where samples are at `at_ns`, shape (K, d), on the Catmull-Rom spline that the gate follows.

    Args:
        points: at each step, shape (K, T, d). Before step 0 the first holds, after the last one that.
        chunk: gives the times of the steps.
        at_ns: when, [ns].
    """
    k, s = _between(chunk, at_ns)
    if points.shape[1] == 1:
        return points[:, 0]
    p0, p1 = points[:, k], points[:, k + 1]
    before = points[:, k - 1] if k > 0 else p0 - (p1 - p0)
    beyond = points[:, k + 2] if k + 2 < points.shape[1] else p1 + (p1 - p0)
    bend = 2.0 * before - 5.0 * p0 + 4.0 * p1 - beyond
    return np.asarray(p0 + 0.5 * s * (p1 - before + s * (bend + s * (3.0 * (p0 - p1) + beyond - before))))


def _pose_at(poses: FloatArray, chunk: ActionChunk, at_ns: int) -> FloatArray:
    """Poses of samples at `at_ns`, shape (K, 4, 4): the position on the spline, the turn the shortest way."""
    k, share = _between(chunk, at_ns)
    found = np.array(poses[:, k])
    found[:, :3, 3] = place_at(poses[:, :, :3, 3], chunk, at_ns)
    if poses.shape[1] > 1:
        turns = poses[:, k + 1, :3, :3] @ poses[:, k, :3, :3].transpose(0, 2, 1)
        part = Rotation.from_rotvec(share * Rotation.from_matrix(turns).as_rotvec()).as_matrix()
        found[:, :3, :3] = part @ found[:, :3, :3]
    return found


def _between(chunk: ActionChunk, at_ns: int) -> tuple[int, float]:
    """The step before `at_ns` that has one after it, and the share of the way there, from 0 to 1."""
    last = chunk.samples.shape[1] - 1
    at = min(max((at_ns - chunk.t0_ns) * 1e-9 / chunk.dt_s, 0.0), float(last))
    k = max(0, min(int(at), last - 1))
    return k, at - k
