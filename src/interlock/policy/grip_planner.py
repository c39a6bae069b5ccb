"""How to take hold of an object and how to put it down: which way to turn, how deep, how wide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from interlock.hal.arrays import FloatArray
from interlock.hal.scene import Scene, SceneObject
from interlock.policy.clearance import ClearanceField
from interlock.policy.expert_options import ExpertOptions
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.skeleton import ArmSkeleton
from interlock.policy.surroundings import bounds_of
from interlock.policy.tool_pose import pose_down, yaw_of
from interlock.policy.upright_box import UprightBox

__all__ = ["Grip", "GripPlanner"]

_SNUG_M = 0.008  # what the open gripper must have over the object at least
_ROOM_M = 0.02  # what the gripper should have around it: guards inflate what they know
_LIMIT_MARGIN = 0.03  # share of half the joint range to stay off a limit along a lane
_FOLD_RAD = 0.8
_BENEATH_M = 0.02  # what is lower than this above the support counts as support for the fingers' clearance


@dataclass(frozen=True, slots=True, kw_only=True)
class Grip:
    """How to hold an object at one place.

    Attributes:
        tool_in_world: tool pose to grasp or let go at, shape (4, 4), [m].
        object_width_m: the object's extent between the fingers, [m].
        open_width_m: gripper width to come with or to let go with, [m].
    """

    tool_in_world: FloatArray
    object_width_m: float
    open_width_m: float

    def raised(self, height_m: float) -> FloatArray:
        """The same pose higher up, shape (4, 4), [m]."""
        pose = self.tool_in_world.copy()
        pose[2, 3] += height_m
        return pose


class GripPlanner:
    """Ranks grasps and placements by limits, by how far the arm turns and by room for the fingers."""

    def __init__(
        self, kinematics: ToolKinematics, skeleton: ArmSkeleton, options: ExpertOptions, max_width_m: float
    ) -> None:
        self._kinematics = kinematics
        self._skeleton = skeleton
        self._options = options
        self._max_width_m = max_width_m

    def grasps(self, name: str, box: UprightBox, scene: Scene, seed: FloatArray) -> list[Grip]:
        """Grasps of an object from above, best first; empty if it is too wide or out of reach.

        Args:
            name: the object.
            box: the box around it.
            scene: the scene as remembered.
            seed: joint positions to come from, shape (n,), [rad].
        """
        lowest = box.bottom_m + self._options.tip_above_support_m + self._options.tip_beyond_tcp_m
        height = min(max(box.top_m - self._options.grasp_depth_m, lowest), box.top_m - 0.006)
        place = np.array([box.centre[0], box.centre[1], height])
        grips = []
        for yaw, half in zip(box.yaws, box.half_widths_m, strict=True):
            if 2.0 * half + _SNUG_M > self._max_width_m:
                continue
            width = min(2.0 * half + self._options.opening_m, self._max_width_m)
            for turn in (0.5 * math.pi, -0.5 * math.pi):
                pose = pose_down(place, yaw + turn)
                grips.append(Grip(tool_in_world=pose, object_width_m=2.0 * half, open_width_m=width))
        return self.ranked(grips, scene, {name}, seed)

    def placements(
        self,
        box: UprightBox,
        object_in_tool: FloatArray,
        target: tuple[float, float, float],
        support: SceneObject | None,
        scene: Scene,
        held_name: str,
        seed: FloatArray,
    ) -> list[Grip]:
        """Tool poses that put the held object down at `target`, faces along the support's, best first.

        Args:
            box: the box around the object, as it is held now.
            object_in_tool: pose of the held object in the tool, shape (4, 4), [m].
            target: where its centre goes (x, y); its z counts only where nothing is below, [m].
            support: what it is put on or in, or None.
            scene: the scene as remembered.
            held_name: name of the held object.
            seed: joint positions to come from, shape (n,), [rad].
        """
        floor = self.support_height(target, support, scene, held_name)
        centre = object_in_tool[:3, :3] @ box.centre_in_object + object_in_tool[:3, 3]
        base_yaw = _level_yaw(support) if support is not None else 0.0
        now = yaw_of(self._kinematics.tool_in_world(seed))
        # Yaw of the held object's first level axis while the tool's yaw is 0.
        own = math.remainder(box.yaws[0] - now, 0.5 * math.pi)
        grips = []
        for quarter in range(4):
            yaw = math.remainder(base_yaw - own + quarter * 0.5 * math.pi, 2.0 * math.pi)
            pose = pose_down(np.zeros(3), yaw)
            offset = pose[:3, :3] @ centre
            turned = pose[:3, :3] @ object_in_tool[:3, :3]
            half = float(np.abs(turned[2]) @ box.half_in_object)
            pose[:3, 3] = np.array([target[0], target[1], floor + self._options.place_gap_m + half]) - offset
            across = 2.0 * float(np.abs(pose[:3, 1] @ turned) @ box.half_in_object)
            width = min(across + 0.6 * self._options.opening_m, self._max_width_m)
            grips.append(Grip(tool_in_world=pose, object_width_m=across, open_width_m=width))
        return self.ranked(grips, scene, {held_name}, seed)

    def support_height(
        self, target: tuple[float, float, float], support: SceneObject | None, scene: Scene, held_name: str
    ) -> float:
        """Height of what lies under (x, y): the support's top there, else the highest thing's, [m]."""
        for items in ((support,) if support is not None else (), scene.objects):
            tops = [
                float(upper[2])
                for item in items
                if item.name != held_name and item.max_speed_m_s == 0.0
                for lower, upper in (bounds_of(item, part) for part in item.parts)
                if lower[0] <= target[0] <= upper[0] and lower[1] <= target[1] <= upper[1]
            ]
            if tops:
                return max(tops)
        return target[2]

    def ranked(self, grips: Iterable[Grip], scene: Scene, ignored: set[str], seed: FloatArray) -> list[Grip]:
        """Those of the grips that can be reached, the best first.

        Args:
            grips: candidates.
            scene: the scene as remembered.
            ignored: names that need no room.
            seed: joint positions to come from, shape (n,), [rad].
        """
        scored = []
        for index, grip in enumerate(grips):
            low = self._kinematics.solve(grip.tool_in_world, seed)
            high = self._kinematics.solve(grip.raised(self._options.approach_height_m), seed)
            if low is None or high is None:
                continue
            margin = min(self._kinematics.limit_margin(low), self._kinematics.limit_margin(high))
            room = self._room(low, grip.tool_in_world, scene, ignored)
            turn = float(np.abs(high - seed).max())
            cost = 8.0 * max(0.0, 0.2 - margin) + 40.0 * max(0.0, _ROOM_M - room) + 0.3 * turn
            scored.append((cost, index, grip))
        return [grip for _, _, grip in sorted(scored, key=lambda entry: entry[:2])]

    def room(self, poses: Sequence[FloatArray], scene: Scene, ignored: set[str], seed: FloatArray) -> float:
        """Distance of the gripper along tool poses (4, 4) to what is not beneath it, [m]; -1 if it cannot go.

        It cannot go where the arm does not reach, reaches only near a limit, or would have to fold over.
        """
        room, here = 1.0, seed
        for index, pose in enumerate(poses):
            q = self._kinematics.solve(pose, here)
            if q is None or self._kinematics.limit_margin(q) < _LIMIT_MARGIN:
                return -1.0
            if index > 0 and float(np.abs(q - here).max()) > _FOLD_RAD:
                return -1.0
            room, here = min(room, self._room(q, pose, scene, ignored)), q
        return room

    def _room(self, q: FloatArray, tool_in_world: FloatArray, scene: Scene, ignored: set[str]) -> float:
        tips = float(tool_in_world[2, 3]) - self._options.tip_beyond_tcp_m
        others = [
            (item, 0.0)
            for item in scene.objects
            if item.name not in ignored
            and item.max_speed_m_s == 0.0
            and max(float(bounds_of(item, part)[1][2]) for part in item.parts) > tips - _BENEATH_M
        ]
        points, radii = self._skeleton.balls(q)
        first = self._skeleton.arm_count
        return min(ClearanceField(others).distance(points[first:], radii[first:]), 1.0)


def _level_yaw(item: SceneObject) -> float:
    """Yaw of an object's x axis, [rad]."""
    return math.atan2(item.object_in_world[1, 0], item.object_in_world[0, 0])
