"""An independent observer inside the simulator: it shares no code with the guards, and they never read it."""

from __future__ import annotations

import math
from collections import Counter
from types import MappingProxyType

import numpy as np
import pybullet
from numpy.typing import ArrayLike

from interlock.hal.phase import CONTACT_TOOL_SPEED_M_S, AllowedContact
from interlock.hal.simulator.command_judge import CommandJudge
from interlock.hal.simulator.contact_watch import ContactWatch
from interlock.hal.simulator.motion_watch import STANDING_M_S, MotionWatch
from interlock.hal.simulator.proximity import Proximity
from interlock.hal.simulator.referee_report import COUNTERS, RefereeReport
from interlock.hal.simulator.world import World
from interlock.hal.zone import Zone, ZoneKind

__all__ = ["Referee"]

_JITTER_M = 1e-4  # how much further out tracking may make it look
_MEASURED = {"position", "velocity", "tool_speed", "tool_speed_in_contact", "zone_keep_in", "zone_keep_out"}
_BODY_B, _LINK_A, _DISTANCE = 2, 3, 8  # fields of a PyBullet contact point


class Referee:
    """Watches a world from its next period on.

    Call `begin_tick` whenever what may touch changes, `command` with everything that is sent, then let the
    world advance. While nothing is sent, the driver's stop is judged as it plays it.

    Args:
        world: the world to watch.
        zones: zones of the cell.
        standing_on: (link, object) pairs that always touch, such as the robot's base and its table.
        tool_speed_allowance_m_s: how far the measured tool may be above a bound on its speed, [m/s].
    """

    def __init__(
        self,
        world: World,
        zones: tuple[Zone, ...] = (),
        standing_on: tuple[tuple[str, str], ...] = (),
        tool_speed_allowance_m_s: float = 0.01,
    ) -> None:
        self._world = world
        self._body = world.body
        self._names = {body: name for name, body in world.bodies.items()}
        self._keep_in = [zone for zone in zones if zone.kind is ZoneKind.KEEP_IN]
        self._standing_on = {frozenset(pair) for pair in standing_on}
        self._allowance_m_s = tool_speed_allowance_m_s
        step_s = world.period_s / world.substeps
        self._step_ns = round(step_s * 1e9)
        self._motion = MotionWatch(world.body, step_s, world.substeps)
        self._proximity = Proximity(world.body, world.bodies, zones)
        self._judge = CommandJudge(world.robot.limits, world.period_s)
        self._contacts = ContactWatch(self._motion.stood, self._told_to_stand)
        self._ticks: Counter[str] = Counter()
        self._max_tcp_speed_m_s = 0.0
        self._max_tracking_error_rad = 0.0
        self._max_acceleration_rad_s2 = 0.0
        self._last_velocities = np.array(world.driver.observe().v)
        self._broken: set[str] = set()
        self._commanded = False
        self._sent_in_contact = False
        self._pushed = False
        self._outside_m = 0.0
        self._pushed_out_m = 0.0
        self._rested = True
        self._last_stamp_ns = -1
        self.begin_tick((), None)
        world.on_substep(self._after_substep)

    def begin_tick(self, allowed: tuple[AllowedContact, ...], held: str | None) -> None:
        """What may touch from now until the next call, and which object is in the gripper.

        A held object may touch the fingers; whatever else it touches must be allowed under its own name.

        Raises:
            KeyError: if `held` is no object of this world.
        """
        fingers = self._world.robot.gripper.finger_links if self._world.robot.gripper else ()
        self._held_body = self._world.bodies[held] if held is not None else None
        self._held = held
        self._contact_phase = bool(allowed)
        self._allowed = {frozenset((pair.link, pair.other)) for pair in allowed}
        if held is not None:
            self._allowed |= {frozenset((finger, held)) for finger in fingers}

    def command(
        self,
        stamp_ns: int,
        start: ArrayLike,
        end: ArrayLike,
        *,
        chunk_age_s: float | None = None,
        chunk_deadline_s: float = math.inf,
    ) -> None:
        """One command as it was sent; it is counted with the tick that plays it.

        Args:
            stamp_ns: monotonic time at which its motion starts, [ns].
            start: node (q, v, a) at `stamp_ns`, shape (3, n), [rad, rad/s, rad/s^2].
            end: node one period later, shape (3, n).
            chunk_age_s: age of the observation behind it, [s]; None if no chunk is behind it.
            chunk_deadline_s: oldest that observation may be, [s].
        """
        self._commanded = True
        self._sent_in_contact = self._contact_phase
        if self._rested:
            self._judge.expect(self._world.driver.commanded)
        self._broken |= self._judge.judge(np.asarray(start, float), np.asarray(end, float))
        if chunk_age_s is not None and not chunk_age_s <= chunk_deadline_s:
            self._broken.add("stale")
        if stamp_ns <= self._last_stamp_ns:
            self._broken.add("discontinuity")
        self._last_stamp_ns = stamp_ns

    def report(self) -> RefereeReport:
        """Everything seen so far."""
        counters = {name: self._ticks[name] + self._contacts.counts[name] for name in COUNTERS}
        return RefereeReport(
            contacts=sum(counters[f"contact_{kind}"] for kind in ("environment", "held", "self")),
            contacts_into_standing_arm=counters["contact_standing"],
            min_distance_m=self._proximity.min_distance_m,
            min_self_distance_m=self._proximity.min_self_distance_m,
            limit_violations=sum(
                n for name, n in counters.items() if name != "pushed" and not name.startswith("contact_")
            ),
            max_tcp_speed_m_s=self._max_tcp_speed_m_s,
            max_tracking_error_rad=self._max_tracking_error_rad,
            max_measured_acceleration_rad_s2=self._max_acceleration_rad_s2,
            counters=MappingProxyType(counters),
        )

    def _after_substep(self, substep: int) -> None:
        last = substep == self._world.substeps - 1
        now_ns = self._world.now_ns + (substep + 1) * self._step_ns
        self._motion.read(last)
        self._watch_contacts(now_ns)
        if last:
            self._end_tick(now_ns)

    def _may_touch(self, one: str, other: str) -> bool:
        pair = frozenset((one, other))
        return pair in self._allowed or pair in self._standing_on

    def _told_to_stand(self) -> bool:
        playing = self._world.driver.playing
        return playing is None or all(
            self._motion.point_speed_bound(node[1]) < STANDING_M_S for node in playing
        )

    def _watch_contacts(self, now_ns: int) -> None:
        client, robot = self._body.client, self._body.body
        for point in pybullet.getContactPoints(bodyA=robot, physicsClientId=client):
            if point[_DISTANCE] <= 0.0 and point[_BODY_B] in self._names:
                pair = self._body.link_name[point[_LINK_A]], self._names[point[_BODY_B]]
                if not self._may_touch(*pair):
                    self._contacts.touch(pair, "contact_environment", now_ns)
        if self._held is None:
            return
        for point in pybullet.getContactPoints(bodyA=self._held_body, physicsClientId=client):
            if point[_DISTANCE] <= 0.0 and point[_BODY_B] in self._names:
                other = self._names[point[_BODY_B]]
                if not self._may_touch(self._held, other):
                    self._contacts.touch((self._held, other), "contact_held", now_ns)

    def _end_tick(self, now_ns: int) -> None:
        self._proximity.measure_robot(self._may_touch)
        if self._held is not None:
            self._proximity.measure_held(self._held, self._may_touch)
        for pair in self._proximity.touching_self():
            self._contacts.touch(pair, "contact_self", now_ns)
        self._judge_playing()
        self._judge_joints()
        self._judge_tool()
        self._excuse_a_push(now_ns)
        self._ticks.update(self._broken)
        self._broken.clear()

    def _excuse_a_push(self, now_ns: int) -> None:
        """What is measured of a pushed arm is not its own doing, until it is told to move again.

        Outside a keep-in zone that it was pushed out of it may then only come nearer to it.
        """
        self._pushed = self._told_to_stand() and (self._pushed or self._contacts.pushed(now_ns))
        if self._pushed and self._broken & _MEASURED:
            self._broken -= _MEASURED
            self._broken.add("pushed")
            self._pushed_out_m = self._outside_m
        elif "zone_keep_in" in self._broken and self._outside_m <= self._pushed_out_m + _JITTER_M:
            self._broken -= {"zone_keep_in"}  # on its way back in from where it was pushed to
            self._broken.add("pushed")
        self._pushed_out_m = min(self._pushed_out_m, self._outside_m)

    def _judge_playing(self) -> None:
        playing = self._world.driver.playing
        if playing is not None and not self._commanded:
            if self._rested:
                self._judge.expect(None)
            self._broken |= self._judge.judge(*playing)
        self._judge.expect(playing[1] if playing is not None else None)
        # From rest the next start may lie elsewhere: where a push or the brakes left the arm.
        self._rested = playing is None or not np.any(playing[1][1:])
        self._commanded = False
        if playing is not None:
            error = float(np.abs(self._motion.positions - playing[1][0]).max())
            self._max_tracking_error_rad = max(self._max_tracking_error_rad, error)

    def _judge_joints(self) -> None:
        robot, q, v = self._world.robot, self._motion.positions, self._motion.velocities
        if (q < robot.limits.q_min).any() or (q > robot.limits.q_max).any():
            self._broken.add("position")
        if (np.abs(v) > robot.limits.v_max + robot.tube.velocity_rad_s).any():
            self._broken.add("velocity")
        acceleration = float(np.abs(v - self._last_velocities).max()) / self._world.period_s
        self._max_acceleration_rad_s2 = max(self._max_acceleration_rad_s2, acceleration)
        self._last_velocities = v

    def _judge_tool(self) -> None:
        position, speed = self._motion.tool()
        self._max_tcp_speed_m_s = max(self._max_tcp_speed_m_s, speed)
        if speed > self._world.robot.max_tool_speed_m_s + self._allowance_m_s:
            self._broken.add("tool_speed")
        # a stop that was sent before the contact was granted may be faster, and touches nothing
        touching = self._contact_phase and self._sent_in_contact
        if touching and speed > CONTACT_TOOL_SPEED_M_S + self._allowance_m_s:
            self._broken.add("tool_speed_in_contact")
        ways = [np.maximum(zone.lower - position, position - zone.upper).max() for zone in self._keep_in]
        self._outside_m = max(0.0, *(float(way) for way in ways)) if ways else 0.0
        if self._outside_m > 0.0:
            self._broken.add("zone_keep_in")
        if self._proximity.in_keep_out(self._held):
            self._broken.add("zone_keep_out")
