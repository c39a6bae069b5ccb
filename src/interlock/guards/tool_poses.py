"""The poses of the tool that a chunk asks for, in the world, whatever they were relative to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interlock.guards.compile import kernel
from interlock.guards.reference import between_steps, spline
from interlock.guards.rotation import rotation_matrix, turn_between
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk
from interlock.hal.embodiment import Embodiment, Reference

__all__ = ["TOOL_CHANNELS", "ToolPoses", "ToolTarget"]

TOOL_CHANNELS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTarget:
    """Where one sample wants the tool at one instant.

    Attributes:
        rotation: tool in world, shape (3, 3).
        position: of the tool centre point in the world, shape (3,), [m].
        rate: velocity in the world, linear first, shape (6,), [m/s, rad/s].
    """

    rotation: FloatArray
    position: FloatArray
    rate: FloatArray


class ToolPoses:
    """The poses of all samples of one chunk: position on a Catmull-Rom spline, rotation the shortest way.

    Args:
        chunk: whose first six channels are position and rotation vector; anchored if they are relative.
        embodiment: says what they are relative to, and in which axes.
        most: so many of the samples are looked at, the first ones; None: all.
    """

    def __init__(self, chunk: ActionChunk, embodiment: Embodiment, most: int | None = None) -> None:
        self._chunk = chunk
        steps = np.array(chunk.samples[:most, :, :TOOL_CHANNELS])
        self._rotation = np.empty((*steps.shape[:2], 3, 3))
        self._position = np.empty((*steps.shape[:2], 3))
        first = embodiment.channels[0]
        anchor = np.eye(4) if chunk.anchor is None else chunk.anchor
        _compose(
            steps,
            first.reference is not Reference.ABSOLUTE,
            first.reference is Reference.PREVIOUS_STEP,
            first.frame == "tool",
            np.array(anchor[:3, :3]),
            np.array(anchor[:3, 3]),
            np.empty((3, 3)),
            self._rotation,
            self._position,
        )

    def fastest(self) -> FloatArray:
        """Largest speed of the tool from one step to the next, by sample, shape (K,), [m/s]."""
        ways = np.linalg.norm(np.diff(self._position, axis=1), axis=2)
        speed: FloatArray = ways.max(axis=1) / self._chunk.dt_s
        return speed

    def at(self, at_ns: int, sample: int = 0) -> ToolTarget:
        """Pose and velocity at `at_ns`; before the first step that step at rest, after the last one that."""
        position, speed = spline(self._position[sample : sample + 1], self._chunk, at_ns)
        rate, rotation = np.zeros(6), np.empty((3, 3))
        rate[:3] = speed[0]
        k, share = between_steps(self._chunk, at_ns)
        if share < 0.0:
            return ToolTarget(rotation=self._rotation[sample, 0], position=position[0], rate=rate)
        before, turn, scratch = self._rotation[sample, k], np.empty(3), np.empty((3, 3))
        turn_between(before, self._rotation[sample, k + 1], scratch, turn)
        rotation_matrix(share * turn, scratch)
        np.matmul(scratch, before, out=rotation)
        rate[3:] = turn / self._chunk.dt_s
        return ToolTarget(rotation=rotation, position=position[0], rate=rate)


@kernel
def _compose(
    steps: FloatArray,
    relative: bool,
    chained: bool,
    in_tool: bool,
    anchor_rot: FloatArray,
    anchor_pos: FloatArray,
    turn: FloatArray,
    out_rot: FloatArray,
    out_pos: FloatArray,
) -> None:
    """Write the poses in the world of steps given by position and rotation vector.

    Args:
        steps: shape (K, T, 6), [m, rad].
        relative: whether they are relative to a pose, which is the anchor's.
        chained: whether each is relative to the one before it instead, and the first to the anchor.
        in_tool: whether they are given in the axes of that pose, not in the world's.
        anchor_rot: rotation, shape (3, 3).
        anchor_pos: position, shape (3,), [m].
        turn: overwritten, shape (3, 3).
        out_rot: shape (K, T, 3, 3), written.
        out_pos: shape (K, T, 3), [m], written.
    """
    for s in range(steps.shape[0]):
        base_rot, base_pos = anchor_rot, anchor_pos
        for k in range(steps.shape[1]):
            step = steps[s, k]
            rotation_matrix(step[3:], turn)
            if chained and k > 0:
                base_rot, base_pos = out_rot[s, k - 1], out_pos[s, k - 1]
            for r in range(3):
                if not relative:
                    out_pos[s, k, r] = step[r]
                elif in_tool:
                    out_pos[s, k, r] = base_pos[r] + (
                        base_rot[r, 0] * step[0] + base_rot[r, 1] * step[1] + base_rot[r, 2] * step[2]
                    )
                else:
                    out_pos[s, k, r] = base_pos[r] + step[r]
                for c in range(3):
                    if not relative:
                        out_rot[s, k, r, c] = turn[r, c]
                        continue
                    total = 0.0
                    for i in range(3):
                        if in_tool:
                            total += base_rot[r, i] * turn[i, c]
                        else:
                            total += turn[r, i] * base_rot[i, c]
                    out_rot[s, k, r, c] = total
