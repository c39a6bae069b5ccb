"""What a decision is judged against: contacts for one pair, for a while, at low speed; and what is held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    IDLE,
    NOW_NS,
    ask,
    body_of,
    cell_of,
    cell_scene,
    gate_of,
    hold,
    hull,
    node_at_rest,
    seen_at,
)
from tests.guards.true_distance import to_hull
from tests.properties.released import oracle_of

from interlock.guards.surveyor import Surveyor
from interlock.guards.verdict import Decision, Family
from interlock.hal.phase import CONTACT_TOOL_SPEED_M_S, FELT_N, AllowedContact
from interlock.hal.scene import ObjectKind
from interlock.hal.state import GripperState

PANDA, XARM = CELLS
FINGER = {PANDA: "panda_leftfinger", XARM: "left_finger"}


def _surveyor(name: str) -> Surveyor:
    return Surveyor(body_of(name), cell_of(name).gate_config())


def _ask(name: str, node: np.ndarray | None = None, **phase: object):
    node = node_at_rest(body_of(name).robot.home) if node is None else node
    chunk = hold(name, node[0])
    return ask(name, node, chunk, cell_scene(name), phase=replace(IDLE, **phase))


def _carry(node: np.ndarray | None = None, *, up_m: float = 0.0, force_n: float = 10.0, **phase: object):
    """The red block `up_m` above the Panda's TCP, and the fingers feel `force_n`."""
    given = _ask(PANDA, node, **phase)
    pose = np.eye(4)
    pose[:3, 3] = oracle_of(PANDA, 0.03).tool(given.state.q) + np.array([0.0, 0.0, up_m])
    things = [
        replace(thing, object_in_world=pose) if thing.name == "red_block" else thing
        for thing in given.scene.objects
    ]
    state = replace(given.state, gripper=GripperState(width_m=0.04, force_n=force_n))
    return replace(given, scene=seen_at(things, NOW_NS), state=state)


def _skipped(name: str, around) -> set[tuple[str, str]]:
    return {
        (around.solid.cap_link[c], around.obstacles.owner[e]) for c, e in np.argwhere(around.skip).tolist()
    }


def _grasp(name: str, ends_ns: int = NOW_NS + 1, **phase: object) -> dict[str, object]:
    contact = AllowedContact(link=FINGER[name], other="red_block")
    return {"allowed": (contact,), "expires_ns": ends_ns} | phase


@pytest.mark.parametrize("name", CELLS)
def test_a_contact_is_one_pair_and_slows_the_tool_down(name):
    around = _surveyor(name).survey(_ask(name, **_grasp(name)))
    assert _skipped(name, around) == {(FINGER[name], "red_block")}
    assert around.tool_speed_limit_m_s == CONTACT_TOOL_SPEED_M_S


@pytest.mark.parametrize("name", CELLS)
def test_no_contact_no_pair(name):
    around = _surveyor(name).survey(_ask(name))
    assert not around.skip.any()
    assert around.tool_speed_limit_m_s == body_of(name).robot.max_tool_speed_m_s


@pytest.mark.parametrize(("left_ns", "allowed"), [(1, True), (0, False), (-1, False)])
def test_a_contact_ends_to_the_nanosecond(left_ns, allowed):
    around = _surveyor(PANDA).survey(_ask(PANDA, **_grasp(PANDA, NOW_NS + left_ns)))
    assert around.skip.any() == allowed
    assert (around.tool_speed_limit_m_s == CONTACT_TOOL_SPEED_M_S) == allowed


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(("factor", "allowed"), [(1 - 1e-9, True), (1 + 1e-9, False), (0.0, True)])
def test_a_contact_is_in_force_only_while_the_commanded_tool_is_slow(name, factor, allowed):
    surveyor = _surveyor(name)
    node = node_at_rest(body_of(name).robot.home)
    node[1, 1] = 1.0
    node[1, 1] = factor * CONTACT_TOOL_SPEED_M_S / surveyor.tool_speed(node[0], node[1])
    around = surveyor.survey(_ask(name, node, **_grasp(name)))
    assert around.skip.any() == allowed


def test_a_contact_never_raises_the_speed_limit():
    body = body_of(PANDA)
    slow = replace(body, robot=replace(body.robot, max_tool_speed_m_s=0.02))
    around = Surveyor(slow, cell_of(PANDA).gate_config()).survey(_ask(PANDA, **_grasp(PANDA)))
    assert around.tool_speed_limit_m_s == 0.02


def test_a_zone_can_not_be_touched_by_naming_it():
    contact = AllowedContact(link="panda_hand", other="operator_side")
    around = _surveyor(PANDA).survey(_ask(PANDA, allowed=(contact,), expires_ns=NOW_NS + 1))
    assert not around.skip.any()


def test_a_held_object_is_no_obstacle_and_moves_with_the_tool():
    around = _surveyor(PANDA).survey(_carry(held="red_block"))
    assert "red_block" not in around.obstacles.owner
    assert set(around.solid.cap_link[around.solid.held_from :]) == {"red_block"}
    assert not around.skip.any()


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda: _carry(maybe_held="red_block"), id="maybe"),
        pytest.param(lambda: _carry(held="red_block", force_n=np.nextafter(FELT_N, 0.0)), id="not felt"),
        pytest.param(lambda: _carry(held="red_block", up_m=0.2), id="elsewhere"),
    ],
)
def test_what_may_be_held_is_checked_held_and_free(given):
    around = _surveyor(PANDA).survey(given())
    assert "red_block" in around.obstacles.owner
    assert set(around.solid.cap_link[around.solid.held_from :]) == {"red_block"}
    assert _skipped(PANDA, around) == {("red_block", "red_block")}


_ALONG = np.array([1.0, 0.0, 1.0])
_ACROSS = (np.array([1.0, 0.0, -1.0]) / np.sqrt(2.0), np.array([0.0, 1.0, 0.0]))
NEEDLE = np.array([k * 0.08 * _ALONG + e * 0.004 * x for k in (-1, 1) for x in _ACROSS for e in (-1, 1)])
"""Corners of a needle from corner to corner of its box, in which it leaves nearly everything empty."""


def _needle(away: np.ndarray):
    """The Panda holds, and feels, a needle that is `away` from its TCP."""
    given = _ask(PANDA, held="needle")
    at = oracle_of(PANDA, 0.03).tool(given.state.q) + away
    state = replace(given.state, gripper=GripperState(width_m=0.02, force_n=10.0))
    scene = seen_at([hull("needle", at, NEEDLE, kind=ObjectKind.MOVABLE)], NOW_NS)
    return replace(given, scene=scene, state=state), at


def test_what_is_held_is_certain_only_where_its_own_solid_is_at_the_fingers():
    generator, half_m = np.random.default_rng(0), body_of(PANDA).robot.gripper.max_width_m / 2.0
    told = []
    for _ in range(200):
        given, at = _needle(generator.uniform(-0.12, 0.12, size=3))
        tool = oracle_of(PANDA, 0.03).tool(given.state.q)
        near = to_hull(tool, tool, NEEDLE + at) <= half_m
        told.append(near)
        assert ("needle" not in _surveyor(PANDA).survey(given).obstacles.owner) == near
    assert 20 < sum(told) < 180


def test_a_needle_whose_box_is_at_the_fingers_and_itself_in_a_link_is_refused():
    given, _ = _needle(np.array([-0.0942, -0.0810, 0.0471]))
    verdict = gate_of(PANDA).decide(given).verdict
    assert verdict.decision is Decision.REFUSE
    assert "needle" in verdict.reason


def test_what_may_be_held_never_takes_the_place_of_a_link_of_its_name():
    link = "panda_link7"
    given = _carry(maybe_held="red_block")
    things = [replace(o, name=link) if o.name == "red_block" else o for o in given.scene.objects]
    given = replace(given, scene=seen_at(things, NOW_NS), phase=replace(given.phase, maybe_held=link))
    around = _surveyor(PANDA).survey(given)
    assert around.skip[around.solid.held_from :].any()
    assert not around.skip[: around.solid.held_from].any()
    assert gate_of(PANDA).decide(given).verdict.guard == Family.INTEGRITY


def test_a_held_object_may_touch_only_what_its_contact_names():
    contact = AllowedContact(link="red_block", other="table")
    phase = {"held": "red_block", "allowed": (contact,), "expires_ns": NOW_NS + 1}
    around = _surveyor(PANDA).survey(_carry(**phase))
    assert _skipped(PANDA, around) == {("red_block", "table")}


def test_a_held_object_seen_earlier_than_the_arm_grows_by_what_the_arm_may_have_moved():
    surveyor, body = _surveyor(PANDA), body_of(PANDA)
    node = node_at_rest(body.robot.home)
    node[1] = 0.5
    fresh = _carry(node, held="red_block")
    aged = replace(fresh, scene=seen_at(fresh.scene.objects, NOW_NS, age_ns=30_000_000))
    radius = [surveyor.survey(g).solid.cap_radius[len(body.cap_link) :] for g in (fresh, aged)]
    oracle = oracle_of(PANDA, 0.03)
    tool = [oracle.frames(q)[body.tool_joint] for q in (node[0], node[0] - 0.03 * node[1])]
    block = fresh.scene.find("red_block").object_in_world
    moved = np.linalg.norm((tool[0] @ np.linalg.inv(tool[1]) @ block - block)[:3, 3])
    assert moved > 0.005
    assert (radius[1] - radius[0] > moved).all()
    assert (radius[1] - radius[0] < 20 * moved).all()


@pytest.mark.parametrize("name", CELLS)
def test_the_tool_is_where_pinocchio_says_and_as_fast(name):
    surveyor, oracle = _surveyor(name), oracle_of(name, 0.03)
    limits = body_of(name).robot.limits
    generator = np.random.default_rng(0)
    for _ in range(20):
        q = generator.uniform(limits.q_min, limits.q_max)
        v = generator.normal(size=len(q))
        np.testing.assert_allclose(surveyor.tool(q), oracle.tool(q), atol=1e-9)
        speed = np.linalg.norm(oracle.tool(q + 1e-6 * v) - oracle.tool(q - 1e-6 * v)) / 2e-6
        np.testing.assert_allclose(surveyor.tool_speed(q, v), speed, rtol=1e-6)


def test_the_digest_tells_situations_apart():
    surveyor = _surveyor(PANDA)
    asked = [
        _ask(PANDA),
        _carry(held="red_block"),
        _carry(held="blue_block"),
        _carry(maybe_held="red_block"),
        _ask(PANDA, **_grasp(PANDA)),
    ]
    digests = [surveyor.survey(given).digest for given in asked]
    assert len(set(digests)) == len(digests)
    assert surveyor.survey(asked[0]).digest == digests[0]
