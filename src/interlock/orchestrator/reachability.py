"""Can the tool get there? Asked by the planners through a plain callable."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from interlock.hal.robot import RobotSpec
from interlock.hal.zone import Zone, ZoneKind
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.tool_pose import pose_down

__all__ = ["make_reachable"]

_HOVER_M = 0.10
_YAWS = tuple(np.linspace(-np.pi / 2, np.pi / 2, 5))


def make_reachable(
    robot: RobotSpec, zones: tuple[Zone, ...]
) -> Callable[[tuple[float, float, float]], str | None]:
    """A callable that gives None for a point [m] the tool can reach from above, else the reason why not.

    Inverse kinematics with the tool pointing down, at the point and 10 cm above it, at five yaws; the point
    has to lie inside every keep-in zone and outside every keep-out zone.
    """
    kinematics = ToolKinematics(robot)

    def reachable(point: tuple[float, float, float]) -> str | None:
        at = np.array(point, dtype=np.float64)
        for zone in zones:
            inside = bool(np.all(at >= zone.lower) and np.all(at <= zone.upper))
            if zone.kind is ZoneKind.KEEP_IN and not inside:
                return f"outside the keep-in zone {zone.name}"
            if zone.kind is ZoneKind.KEEP_OUT and inside:
                return f"inside the keep-out zone {zone.name}"
        for yaw in _YAWS:
            low = kinematics.solve(pose_down(at, yaw), robot.home)
            if low is None:
                continue
            if kinematics.solve(pose_down(at + np.array([0.0, 0.0, _HOVER_M]), yaw), low) is not None:
                return None
        return f"no arm configuration of {robot.name} reaches it with the tool pointing down"

    return reachable
