from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from interlock.hal.command import GripperCommand
from interlock.hal.motion import ShuttleMotion
from interlock.hal.phase import AllowedContact
from interlock.hal.robot import JointLimits, RobotSpec
from interlock.hal.simulator.referee import Referee
from interlock.hal.simulator.referee_report import COUNTERS, RefereeReport
from interlock.hal.zone import Zone, ZoneKind

Build = Callable[..., Any]
STANDING_ON = (("panda_link0", "table"), ("link_base", "table"))
Y, Z = np.eye(3)[1:]
FINGERS = ("panda_leftfinger", "panda_rightfinger")


def tripped(report: RefereeReport) -> set[str]:
    return {name for name, count in report.counters.items() if count}


def zone(kind: ZoneKind, centre: Any, half: float) -> Zone:
    return Zone(name="zone", kind=kind, lower=np.asarray(centre) - half, upper=np.asarray(centre) + half)


def with_limits(robot: RobotSpec, **changes: Any) -> RobotSpec:
    limits = {name: getattr(robot.limits, name) for name in JointLimits.__slots__}
    return replace(robot, limits=JointLimits(**limits | changes))


def test_a_clean_motion_trips_nothing_and_is_measured(build: Build, robot: RobotSpec, scene: Any) -> None:
    arm = build(robot, scene.table(), scene.pillar([0.2, 0.65, 0.15]))
    referee = Referee(arm.world, standing_on=STANDING_ON)
    arm.move(robot.home + 0.1, 0.5)
    report = referee.report()
    assert tripped(report) == set()
    assert set(report.counters) == set(COUNTERS)
    assert (report.contacts, report.contacts_into_standing_arm, report.limit_violations) == (0, 0, 0)
    assert 0.02 < report.max_tcp_speed_m_s < 0.5
    assert 0.0 < report.max_tracking_error_rad < 1e-4
    assert report.max_measured_acceleration_rad_s2 > 1.0
    assert 0.0 < report.min_self_distance_m < 0.1


def test_counts_a_contact_when_the_arm_is_driven_through_a_pillar(
    build: Build, robot: RobotSpec, scene: Any
) -> None:
    arm = build(robot, scene.pillar([0.3, 0.12, 0.5]))
    referee = Referee(arm.world)
    arm.move(robot.home + np.eye(robot.dof)[0] * 1.2, 1.0)
    report = referee.report()
    assert report.contacts == report.counters["contact_environment"] >= 1
    assert report.contacts_into_standing_arm == 0
    assert report.min_distance_m <= 0.0


def test_measures_the_distance_to_the_nearest_hull(build: Build, panda: RobotSpec, scene: Any) -> None:
    tcp = build(panda).world.body.tool_in_world()[:3, 3]
    arm = build(panda, scene.ball(tcp), motions={"ball": _standing(tcp - 0.2 * Z)})
    referee = Referee(arm.world)
    arm.wait(2)
    below, beside = 0.2 - 0.0098, 0.0389  # from the ball's centre to a fingertip of the open gripper
    assert referee.report().min_distance_m == pytest.approx(np.hypot(below, beside) - 0.05, abs=1e-3)


def _standing(place: Any) -> ShuttleMotion:
    return ShuttleMotion(start=place, end=place, max_speed_m_s=0.0)


def test_an_obstacle_into_a_standing_arm_is_counted_apart(build: Build, robot: RobotSpec, scene: Any) -> None:
    tcp = build(robot).world.body.tool_in_world()[:3, 3]
    run = ShuttleMotion(start=tcp - 0.3 * Y, end=tcp + 0.3 * Y, max_speed_m_s=0.25)
    arm = build(robot, scene.ball(tcp), motions={"ball": run})
    referee = Referee(arm.world)
    arm.wait(400)
    report = referee.report()
    assert report.contacts_into_standing_arm >= 1
    assert report.contacts == 0
    assert np.abs(arm.world.driver.observe().q - robot.home).max() > 0.01


def test_where_a_standing_arm_is_pushed_is_reported_apart(build: Build, panda: RobotSpec, scene: Any) -> None:
    tcp = build(panda).world.body.tool_in_world()[:3, 3]
    run = ShuttleMotion(start=tcp - 0.3 * Y, end=tcp + 0.3 * Y, max_speed_m_s=0.25)
    arm = build(panda, scene.ball(tcp), motions={"ball": run})
    around = Zone(name="around", kind=ZoneKind.KEEP_IN, lower=tcp - 0.01, upper=tcp + 0.01)
    referee = Referee(arm.world, zones=(around,))
    arm.wait(400)
    report = referee.report()
    assert report.counters["pushed"] > 0
    assert report.counters["zone_keep_in"] == 0
    assert report.limit_violations == 0


@pytest.mark.parametrize(("share", "counted"), [(0.0, False), (1.3, True)])
def test_where_it_was_pushed_out_an_arm_may_only_come_back(
    share: float, counted: bool, build: Build, panda: RobotSpec, scene: Any
) -> None:
    tcp = build(panda).world.body.tool_in_world()[:3, 3]
    reach = np.array([0.5, 0.01, 0.5])
    run = ShuttleMotion(start=tcp - 0.3 * Y, end=tcp + 0.3 * Y, max_speed_m_s=0.25)
    arm = build(panda, scene.ball(tcp), motions={"ball": run})
    around = Zone(name="around", kind=ZoneKind.KEEP_IN, lower=tcp - reach, upper=tcp + reach)
    referee = Referee(arm.world, zones=(around,))
    arm.wait(450)  # the ball has been there and is on its way back
    assert np.abs(arm.world.body.tool_in_world()[:3, 3] - tcp).max() > 0.05
    pushed_to = np.array(arm.world.driver.commanded[0])
    arm.move(panda.home + share * (pushed_to - panda.home), 0.8)
    report = referee.report()
    assert report.counters["pushed"] > 0
    assert (report.counters["zone_keep_in"] > 0) == counted


def test_an_arm_that_pushes_without_moving_makes_contacts_of_its_own(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    arm = build(panda, scene.pillar([0.307, 0.137, 0.5]))
    referee = Referee(arm.world)
    for _ in range(100):
        arm.step(0.05 * np.eye(7)[0])
    report = referee.report()
    assert report.contacts >= 1
    assert report.contacts_into_standing_arm == 0


def test_the_base_may_touch_what_it_stands_on(build: Build, panda: RobotSpec, scene: Any) -> None:
    arm = build(panda, scene.table())
    strict, told = Referee(arm.world), Referee(arm.world, standing_on=STANDING_ON)
    arm.wait(1)
    assert strict.report().min_distance_m <= 0.0
    assert told.report().min_distance_m > 0.1


def test_counts_links_that_touch_each_other(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    referee = Referee(arm.world)
    folded = np.array(panda.home)
    folded[5] = 0.0
    arm.move(folded, 2.0)
    report = referee.report()
    assert report.contacts == report.counters["contact_self"] >= 1
    assert report.min_self_distance_m <= 0.0


def test_touching_pairs_of_the_robot_are_spared(build: Build, panda: RobotSpec) -> None:
    spared = replace(
        panda, touching_pairs=tuple((a, b) for a in ("panda_link5", "panda_link4") for b in _HAND)
    )
    arm = build(spared)
    referee = Referee(arm.world)
    folded = np.array(panda.home)
    folded[5] = 0.0
    arm.move(folded, 2.0)
    assert referee.report().counters["contact_self"] == 0


_HAND = ("panda_link6", "panda_link7", "panda_hand", *FINGERS)


@pytest.fixture
def at_block(build: Build, panda: RobotSpec, scene: Any) -> Any:
    """A Panda whose open fingers stand about a block; a wall that its hand can pass over is 20 cm away."""
    arm = build(panda, scene.table(), scene.block("red", [0.5, 0.0, 0.03]), scene.wall([0.7, 0.0, 0.045]))
    grasp = arm.solve([0.5, 0.0, 0.04])
    arm.above = arm.solve([0.5, 0.0, 0.1])
    arm.beyond = arm.solve([0.7, 0.0, 0.1])
    arm.world.driver.load_initial(grasp, panda.gripper.max_width_m)
    return arm


TOUCH = tuple(AllowedContact(link=finger, other="red") for finger in FINGERS)
REST = (AllowedContact(link="red", other="table"),)


def close(arm: Any) -> None:
    arm.wait(60, GripperCommand(width_m=0.0, force_n=15.0))


def test_fingers_may_touch_what_the_phase_allows(at_block: Any) -> None:
    referee = Referee(at_block.world, standing_on=STANDING_ON)
    referee.begin_tick(TOUCH, None)
    close(at_block)
    assert tripped(referee.report()) == set()


def test_fingers_may_not_touch_without_an_allowance(at_block: Any) -> None:
    referee = Referee(at_block.world, standing_on=STANDING_ON)
    close(at_block)
    report = referee.report()
    assert tripped(report) == {"contact_environment"}
    assert report.contacts == 2


def test_an_allowance_ends_when_it_is_withdrawn(at_block: Any) -> None:
    referee = Referee(at_block.world, standing_on=STANDING_ON)
    referee.begin_tick(TOUCH, None)
    close(at_block)
    referee.begin_tick((), None)
    at_block.wait(1)
    assert referee.report().contacts_into_standing_arm == 2


def test_a_held_object_touches_fingers_and_allowed_support_only(at_block: Any) -> None:
    referee = Referee(at_block.world, standing_on=STANDING_ON)
    referee.begin_tick(TOUCH, None)
    close(at_block)
    referee.begin_tick(REST, "red")
    at_block.move(at_block.above, 2.0)
    referee.begin_tick((), "red")
    at_block.wait(5)
    assert tripped(referee.report()) == set()


def test_a_held_object_that_is_driven_into_a_wall_counts(at_block: Any) -> None:
    referee = Referee(at_block.world, standing_on=STANDING_ON)
    referee.begin_tick(TOUCH, None)
    close(at_block)
    referee.begin_tick(REST, "red")
    at_block.move(at_block.above, 2.0)
    referee.begin_tick((), "red")
    at_block.move(at_block.beyond, 1.0)
    report = referee.report()
    assert report.counters["contact_held"] >= 1
    assert report.contacts >= report.counters["contact_held"]
    assert report.min_distance_m <= 0.0


def test_a_held_object_that_is_dragged_over_the_table_counts(at_block: Any) -> None:
    referee = Referee(at_block.world, standing_on=STANDING_ON)
    referee.begin_tick(TOUCH, None)
    close(at_block)
    referee.begin_tick(REST, "red")
    at_block.move(at_block.world.driver.commanded[0] + 0.005 * np.eye(7)[0], 0.5)
    assert referee.report().counters["contact_held"] == 0
    at_block.step(np.eye(7)[0])
    for _ in range(15):
        at_block.step(np.zeros(7))
    referee.begin_tick((), "red")
    at_block.step(np.zeros(7))
    assert referee.report().counters["contact_held"] == 1


def test_a_tool_that_leaves_its_keep_in_zone_trips_only_that_counter(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    tcp = arm.world.body.tool_in_world()[:3, 3]
    inside = Referee(arm.world, (zone(ZoneKind.KEEP_IN, tcp, 0.001),))
    outside = Referee(arm.world, (zone(ZoneKind.KEEP_IN, tcp + 0.0021 * Z, 0.002),))
    arm.wait(3)
    assert tripped(inside.report()) == set()
    assert tripped(outside.report()) == {"zone_keep_in"}
    assert outside.report().counters["zone_keep_in"] == outside.report().limit_violations == 3


def test_a_link_in_a_keep_out_zone_trips_only_that_counter(build: Build, robot: RobotSpec) -> None:
    arm = build(robot)
    hand = arm.world.body.tool_in_world()[:3, 3] + 0.08 * Z
    within = Referee(arm.world, (zone(ZoneKind.KEEP_OUT, hand, 0.005),))
    at_base = Referee(arm.world, (zone(ZoneKind.KEEP_OUT, [0.0, 0.0, 0.02], 0.02),))
    arm.wait(2)
    assert tripped(within.report()) == {"zone_keep_out"}
    assert tripped(at_base.report()) == set()


def test_a_held_object_in_a_keep_out_zone_counts(build: Build, panda: RobotSpec, scene: Any) -> None:
    arm = build(panda, scene.table(), scene.block("red", [0.5, 0.3, 0.03]))
    referee = Referee(arm.world, (zone(ZoneKind.KEEP_OUT, [0.5, 0.3, 0.03], 0.005),), STANDING_ON)
    arm.wait(1)
    assert tripped(referee.report()) == set()
    referee.begin_tick(REST, "red")
    arm.wait(1)
    assert tripped(referee.report()) == {"zone_keep_out"}


@pytest.mark.parametrize(
    ("change", "counter"),
    [
        (lambda r: with_limits(r, q_max=r.home + 1e-3), "position"),
        (lambda r: with_limits(r, v_max=np.full(r.dof, 1e-2)), "velocity"),
        (lambda r: with_limits(r, a_max=np.full(r.dof, 0.5)), "acceleration"),
        (lambda r: with_limits(r, j_max=np.full(r.dof, 1.0)), "jerk"),
        (lambda r: replace(r, max_tool_speed_m_s=0.02), "tool_speed"),
    ],
)
def test_what_the_driver_plays_is_judged_though_nobody_reports_it(
    build: Build, robot: RobotSpec, change: Callable[[RobotSpec], RobotSpec], counter: str
) -> None:
    arm = build(change(robot))
    referee = Referee(arm.world)
    arm.move(robot.home + 0.1, 0.6)
    assert tripped(referee.report()) == {counter}


def test_measured_position_has_no_tolerance(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    referee = Referee(arm.world)
    at_limit = np.array(panda.home)
    at_limit[5] = panda.limits.q_max[5] + 1e-6
    arm.world.driver.load_initial(at_limit, 0.05)
    arm.wait(2)
    assert referee.report().counters["position"] == 2


def test_measured_speed_may_use_the_tracking_tube(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    referees = {}
    for tube in (0.05, 0.0):
        spec = replace(panda.tube, velocity_rad_s=tube)
        arm.world.robot = replace(with_limits(panda, v_max=np.full(7, 0.3)), tube=spec)
        referees[tube] = Referee(arm.world)
    for _ in range(30):
        arm.step(np.full(7, 1.0))
    arm.world.robot = replace(arm.world.robot, tube=replace(panda.tube, velocity_rad_s=0.05))
    assert np.abs(arm.world.driver.observe().v).max() > 0.29
    assert {tube: r.report().counters["velocity"] for tube, r in referees.items()} == {0.05: 0, 0.0: 0}
    for _ in range(3):
        arm.step(np.full(7, 1.0))
    assert all(r.report().counters["velocity"] > 0 for r in referees.values())


def test_a_fast_tool_while_contacts_are_allowed_has_its_own_counter(
    build: Build, panda: RobotSpec, scene: Any
) -> None:
    arm = build(panda, scene.block("red", [0.5, 0.3, 0.03]))
    referee = Referee(arm.world)
    arm.move(panda.home + 0.3, 0.8)
    assert tripped(referee.report()) == set()
    referee.begin_tick(TOUCH, None)
    arm.move(panda.home, 0.8)
    assert tripped(referee.report()) == set(), "nothing was sent since the contact was granted"
    referee.command(arm.world.now_ns, rest(arm), rest(arm))
    arm.move(panda.home + 0.3, 0.8)
    report = referee.report()
    assert tripped(report) == {"tool_speed_in_contact"}
    assert report.limit_violations == report.counters["tool_speed_in_contact"]


def rest(arm: Any) -> np.ndarray:
    return np.array(arm.world.driver.commanded)


def test_commands_as_sent_are_judged_by_the_numbers_that_were_sent(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    referee = Referee(arm.world)
    start, end = rest(arm), rest(arm)
    end[0, 2] = np.nan
    referee.command(0, start, end)
    arm.wait(1)
    assert tripped(referee.report()) == {"non_finite"}


def test_a_command_that_does_not_start_where_the_robot_is_told_to_be_counts(
    build: Build, panda: RobotSpec
) -> None:
    arm = build(panda)
    referee = Referee(arm.world)
    start = rest(arm)
    start[0, 0] += 1e-6
    referee.command(0, start, start)
    arm.wait(1)
    assert tripped(referee.report()) == {"discontinuity"}


def test_a_command_sent_twice_counts(build: Build, panda: RobotSpec) -> None:
    arm = build(panda)
    referee = Referee(arm.world)
    for stamp_ns in (0, 0):
        referee.command(stamp_ns, rest(arm), rest(arm))
        arm.wait(1)
    assert tripped(referee.report()) == {"discontinuity"}


@pytest.mark.parametrize(("age_s", "stale"), [(0.5, 0), (np.nextafter(0.5, 1.0), 1), (np.nan, 1), (None, 0)])
def test_a_chunk_older_than_its_deadline_is_stale(
    build: Build, panda: RobotSpec, age_s: float | None, stale: int
) -> None:
    arm = build(panda)
    referee = Referee(arm.world)
    referee.command(0, rest(arm), rest(arm), chunk_age_s=age_s, chunk_deadline_s=0.5)
    arm.wait(1)
    assert referee.report().counters["stale"] == stale


def test_a_tick_counts_once_though_several_joints_are_beyond(build: Build, panda: RobotSpec) -> None:
    arm = build(with_limits(panda, q_max=np.full(7, -3.0), q_min=np.full(7, -4.0)))
    referee = Referee(arm.world)
    arm.wait(4)
    assert referee.report().counters["position"] == 4


def test_a_push_is_no_discontinuity_of_commands(build: Build, panda: RobotSpec, scene: Any) -> None:
    tcp = build(panda).world.body.tool_in_world()[:3, 3]
    run = ShuttleMotion(start=tcp - 0.12 * Y, end=tcp + 0.12 * Y, max_speed_m_s=0.25)
    arm = build(panda, scene.ball(tcp), motions={"ball": run})
    referee = Referee(arm.world)
    for _ in range(100):
        referee.command(arm.world.now_ns, rest(arm), rest(arm))
        arm.world.driver.write(arm.mint(rest(arm)))
        arm.world.advance()
    report = referee.report()
    assert report.contacts_into_standing_arm >= 1
    assert report.counters["discontinuity"] == 0


def test_the_referee_shares_no_code_with_the_guards() -> None:
    import sys

    simulator = [module for name, module in sys.modules.items() if name.startswith("interlock.hal.simulator")]
    used = {
        value.__module__
        for module in simulator
        for value in vars(module).values()
        if getattr(value, "__module__", None)
    }
    assert not {name for name in used if name.startswith("interlock.guards")}
