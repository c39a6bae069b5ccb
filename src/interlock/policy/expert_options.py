"""The knobs of the scripted expert."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from interlock.errors import BadInputError

__all__ = ["ExpertOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertOptions:
    """Speeds, distances and the gripper's outline; every one may be set in the cell's `policy.options`.

    Attributes:
        transit_speed_m_s: tool speed on the way, [m/s].
        contact_speed_m_s: tool speed where contacts are allowed, [m/s]; the gate allows 0.1 m/s there.
        transit_turn_rad_s: how fast the tool turns on the way, [rad/s].
        contact_turn_rad_s: how fast it turns where contacts are allowed, [rad/s].
        acceleration_m_s2: bound on the tool's acceleration along its path, [m/s^2].
        jerk_m_s3: bound on the change of that, [m/s^3].
        joint_speed_share: share of the joint speed limits used.
        joint_acceleration_share: share of the joint acceleration limits used.
        tall_clearance_m: distance kept to fixed things that are gone around, [m].
        low_clearance_m: distance kept to everything else on the way, [m].
        approach_height_m: height of the TCP above the grasp or place pose before going down, [m].
        lift_height_m: how far an object is lifted, [m].
        retreat_height_m: how far the tool rises after a release, [m].
        grasp_depth_m: how far the TCP is below the object's top when grasping, [m].
        tip_above_support_m: least height of the finger tips above what the object stands on, [m].
        opening_m: how much wider than the object the gripper opens, [m].
        place_gap_m: height of the object's bottom above the support when it is let go, [m].
        push_standoff_m: gap between the closed fingers and the object before a push, [m].
        link_radius_m: radius given to every arm link when choosing a way, [m].
        gripper_half_span_m: half of the gripper's extent along its closing axis, [m].
        gripper_half_depth_m: half of its extent across, [m].
        palm_above_tcp_m: distance from the TCP back to the palm, [m].
        finger_radius_m: half of a finger's thickness, [m].
        tip_beyond_tcp_m: how far the finger tips reach beyond the TCP, [m].
        obstacle_distance_m: distance from a moving obstacle at which the expert waits, [m].
        grasp_attempts: how often a missed grasp is tried.
    """

    transit_speed_m_s: float = 0.40
    contact_speed_m_s: float = 0.06
    transit_turn_rad_s: float = 1.15
    contact_turn_rad_s: float = 0.6
    acceleration_m_s2: float = 0.8
    jerk_m_s3: float = 8.0
    joint_speed_share: float = 0.5
    joint_acceleration_share: float = 0.25
    tall_clearance_m: float = 0.06
    low_clearance_m: float = 0.03
    approach_height_m: float = 0.09
    lift_height_m: float = 0.12
    retreat_height_m: float = 0.11
    grasp_depth_m: float = 0.018
    tip_above_support_m: float = 0.025
    opening_m: float = 0.035
    place_gap_m: float = 0.004
    push_standoff_m: float = 0.05
    link_radius_m: float = 0.08
    gripper_half_span_m: float = 0.10
    gripper_half_depth_m: float = 0.035
    palm_above_tcp_m: float = 0.036
    finger_radius_m: float = 0.018
    tip_beyond_tcp_m: float = 0.02
    obstacle_distance_m: float = 0.12
    grasp_attempts: int = 3

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            fits = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (fits and math.isfinite(value) and value > 0.0):
                raise BadInputError(
                    "must be a finite number above 0",
                    field=f"policy.options.{item.name}",
                    value=value,
                    mend=f"Leave it out to use {item.default}.",
                )

    @staticmethod
    def read(options: Mapping[str, Any]) -> ExpertOptions:
        """The options a cell gives, the defaults for the others.

        Raises:
            BadInputError: for a name that is not an option or a value that is not a positive number.
        """
        names = [item.name for item in fields(ExpertOptions)]
        for name in options:
            if name not in names:
                near = get_close_matches(name, names, n=3) or names
                raise BadInputError(
                    "the scripted policy has no such option",
                    field="policy.options",
                    value=name,
                    mend=f"Nearest valid names: {', '.join(near)}.",
                )
        return ExpertOptions(**options)
