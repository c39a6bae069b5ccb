"""A curve of tool poses: a polyline with rounded corners, and a rotation spread over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from interlock.hal.arrays import FloatArray
from interlock.policy.tool_pose import rotation_down, yaw_of

__all__ = ["ToolCurve"]

_SPACING_M = 0.015
_SPACING_RAD = 0.06
_SAME_M = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCurve:
    """Poses of the TCP along a path.

    Attributes:
        poses: shape (k, 4, 4), [m]; the first one is where the tool is.
        lengths: path length at each pose, ascending from 0, shape (k,), [m].
    """

    poses: FloatArray
    lengths: FloatArray

    @staticmethod
    def through(
        start: FloatArray,
        points: Sequence[FloatArray],
        yaw_rad: float,
        *,
        turn: tuple[float, float],
        radian_m: float,
        corner_m: float = 0.06,
    ) -> ToolCurve:
        """From the pose `start` through `points` to the last of them, pointing down with `yaw_rad` there.

        The tool turns the way round that the yaw's number says (no wrapping), giving up its tilt meanwhile.

        Args:
            start: pose of the tool now, shape (4, 4), [m].
            points: corners and, last, the goal, each shape (3,), [m].
            yaw_rad: yaw at the goal; it is reached from the start's yaw in (-pi, pi] by plain interpolation.
            turn: shares of the way at which turning begins and ends.
            radian_m: path length of one radian, so that turning takes its time too, [m].
            corner_m: how far before a corner the rounding begins at most, [m].
        """
        line = _rounded([np.asarray(start[:3, 3]), *points], corner_m)
        along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))))
        first_yaw = yaw_of(start)
        tilt = pin.log3(start[:3, :3] @ rotation_down(first_yaw).T)
        angle = math.hypot(float(np.linalg.norm(tilt)), yaw_rad - first_yaw)
        count = max(2, math.ceil(float(along[-1]) / _SPACING_M), math.ceil(angle / _SPACING_RAD)) + 1
        share = np.linspace(0.0, 1.0, count)
        places = np.stack([np.interp(share * along[-1], along, line[:, i]) for i in range(3)], axis=1)
        begin, end = turn
        turned = np.clip((share - begin) / max(end - begin, 1e-9), 0.0, 1.0)
        turned = turned * turned * (3.0 - 2.0 * turned)
        poses = np.tile(np.eye(4), (count, 1, 1))
        poses[:, :3, 3] = places
        for i, done in enumerate(turned):
            down = rotation_down(first_yaw + done * (yaw_rad - first_yaw))
            poses[i, :3, :3] = pin.exp3((1.0 - done) * tilt) @ down
        moved = np.linalg.norm(np.diff(places, axis=0), axis=1)
        steps = np.maximum(moved, radian_m * angle * np.abs(np.diff(turned)))
        return ToolCurve(poses=poses, lengths=np.concatenate(([0.0], np.cumsum(np.maximum(steps, _SAME_M)))))


def _rounded(corners: Sequence[FloatArray], corner_m: float) -> FloatArray:
    """The polyline with each inner corner replaced by a quadratic Bezier arc, shape (m, 3)."""
    kept = [corners[0]]
    for corner in corners[1:]:
        if float(np.linalg.norm(corner - kept[-1])) > 1e-4:
            kept.append(corner)
    if len(kept) == 1:
        return np.array([corners[0], corners[-1]])
    line = [kept[0]]
    for before, corner, after in zip(kept, kept[1:], kept[2:], strict=False):
        back, ahead = before - corner, after - corner
        size_back, size_ahead = float(np.linalg.norm(back)), float(np.linalg.norm(ahead))
        reach = min(corner_m, 0.5 * size_back, 0.5 * size_ahead)
        enter, leave = corner + back * (reach / size_back), corner + ahead * (reach / size_ahead)
        line.extend(
            (1 - t) ** 2 * enter + 2 * t * (1 - t) * corner + t * t * leave for t in np.linspace(0.0, 1.0, 7)
        )
    line.append(kept[-1])
    return np.array(line)
