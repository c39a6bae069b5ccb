"""What the referee saw in one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COUNTERS", "RefereeReport"]

COUNTERS = (
    "contact_environment",
    "contact_held",
    "contact_self",
    "contact_standing",
    "zone_keep_in",
    "zone_keep_out",
    "position",
    "velocity",
    "acceleration",
    "jerk",
    "tool_speed",
    "tool_speed_in_contact",
    "non_finite",
    "stale",
    "discontinuity",
    "pushed",
)
"""Every check's own counter: the contacts count episodes, all others count ticks.

`pushed` counts ticks in which an arm that is told to stand was beyond a measured limit because something that
moves by itself had pushed it there, or in which it came back into a zone from there, never further out; like
`contact_standing` it is reported apart.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefereeReport:
    """One run, as measured by somebody who shares no code with the guards.

    Attributes:
        contacts: contact episodes that began while the arm moved: environment, held object and self.
        contacts_into_standing_arm: episodes that began while the arm was told to stand and every
            point of it was under 1 mm/s.
        min_distance_m: smallest distance between hulls of arm or held object and environment, over all pairs
            that were not allowed to touch; 0.3 if none came that near, [m].
        min_self_distance_m: the same between links of the robot, [m].
        limit_violations: sum of all counters that are neither contacts nor `pushed`.
        max_tcp_speed_m_s: highest measured speed of the tool centre point, [m/s].
        max_tracking_error_rad: largest |measured - commanded| joint position, [rad].
        max_measured_acceleration_rad_s2: largest difference of measured joint speeds from tick to tick, over
            the period; reported, not judged, [rad/s^2].
        counters: see `COUNTERS`.
    """

    contacts: int
    contacts_into_standing_arm: int
    min_distance_m: float
    min_self_distance_m: float
    limit_violations: int
    max_tcp_speed_m_s: float
    max_tracking_error_rad: float
    max_measured_acceleration_rad_s2: float
    counters: Mapping[str, int]
