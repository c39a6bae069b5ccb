"""A contact is one pair for one phase at low speed; everything else stays judged."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.optimize import least_squares
from tests.guards.closed_loop import (
    CELLS,
    IDLE,
    NOW_NS,
    Loop,
    ask,
    body_of,
    box,
    cell_of,
    chunk_of,
    gate_of,
    hold,
    node_at_rest,
    seen_at,
    straight,
)
from tests.properties.oracle import nodes_of, sample_curve
from tests.properties.released import oracle_of

from interlock.guards.verdict import Family
from interlock.hal.phase import CONTACT_TOOL_SPEED_M_S, AllowedContact

PANDA, XARM = CELLS
HAND = {
    PANDA: ("panda_leftfinger", "panda_rightfinger"),
    XARM: body_of(XARM).robot.gripper.finger_links,
}
GRASP_M = 0.025  # of the tool above the block's centre: the fingers around it, the palm clear of it


@cache
def above_the_block(name: str, height_m: float) -> np.ndarray:
    """The arm at rest with its tool pointing down, `height_m` above the red block's centre."""
    block = next(o for o in cell_of(name).scene_objects(0) if o.name == "red_block")
    goal = block.object_in_world[:3, 3] + [0.0, 0.0, height_m]
    oracle, limits = oracle_of(name, 0.03), body_of(name).robot.limits
    closing = block.object_in_world[:3, 1]

    def miss(q: np.ndarray) -> np.ndarray:
        pose = oracle.frames(q)[oracle.tool_joint] @ oracle.tool_in_joint
        down = pose[:3, 2] - [0.0, 0.0, -1.0]
        return np.concatenate([10 * (pose[:3, 3] - goal), down, np.cross(pose[:3, 1], closing)])

    room = 0.01 * (limits.q_max - limits.q_min)
    found = least_squares(miss, body_of(name).robot.home, bounds=(limits.q_min + room, limits.q_max - room))
    assert np.abs(found.fun).max() < 1e-5
    return np.array(found.x)


def _scene(name: str):
    return seen_at(cell_of(name).scene_objects(0), NOW_NS)


def _phase(name: str, *, links=None, other="red_block", left_ns: int = 1_000_000_000, **more):
    pairs = [AllowedContact(link=link, other=other) for link in (HAND[name] if links is None else links)]
    allowed = (*pairs, *more.pop("also", ()))
    return replace(IDLE, allowed=allowed, expires_ns=NOW_NS + left_ns, **more)


def _decide(name: str, node: np.ndarray, phase, scene=None, chunk=None):
    chunk = hold(name, node[0]) if chunk is None else chunk
    return gate_of(name).decide(ask(name, node, chunk, _scene(name) if scene is None else scene, phase=phase))


@pytest.fixture(params=CELLS)
def grasp(request) -> tuple[str, np.ndarray]:
    """A cell, and its arm with the fingers around the red block."""
    return request.param, node_at_rest(above_the_block(request.param, GRASP_M))


def test_fingers_around_a_block_need_the_contact(grasp):
    name, node = grasp
    refused = _decide(name, node, IDLE)
    assert refused.command is None
    assert refused.verdict.guard == Family.ENVIRONMENT
    assert "red_block" in refused.verdict.reason
    assert _decide(name, node, _phase(name)).command is not None


def test_a_contact_that_has_expired_is_none(grasp):
    name, node = grasp
    assert _decide(name, node, _phase(name, left_ns=1)).command is not None
    for left_ns in (0, -1):
        assert _decide(name, node, _phase(name, left_ns=left_ns)).command is None


def test_the_contact_of_one_finger_is_not_that_of_the_other(grasp):
    name, node = grasp
    for k in range(len(HAND[name])):
        others = [link for link in HAND[name] if link != HAND[name][k]]
        refused = _decide(name, node, _phase(name, links=others))
        if refused.command is None:
            assert HAND[name][k] in refused.verdict.reason
            return
    pytest.fail("no finger is close to the block")


def test_the_contact_with_one_object_is_not_that_with_another(grasp):
    name, node = grasp
    refused = _decide(name, node, _phase(name, other="blue_block"))
    assert refused.command is None
    assert "red_block" in refused.verdict.reason


def test_a_link_that_is_not_a_finger_is_refused_even_while_the_fingers_may_touch(grasp):
    name, node = grasp
    wrong = [link for link in body_of(name).cap_link if link not in HAND[name]]
    refused = _decide(name, node, _phase(name, links=wrong))
    assert refused.command is None
    assert any(finger in refused.verdict.reason for finger in HAND[name])


def test_something_else_between_the_fingers_is_still_in_the_way(grasp):
    name, node = grasp
    block = _scene(name).find("red_block").object_in_world[:3, 3]
    pin = box("pin", block + np.array([0, 0, GRASP_M]), [0.005, 0.005, 0.005])
    scene = seen_at([*cell_of(name).scene_objects(0), pin], NOW_NS)
    refused = _decide(name, node, _phase(name), scene)
    assert refused.command is None
    assert "pin" in refused.verdict.reason


@pytest.mark.parametrize("name", CELLS)
def test_while_a_contact_may_happen_the_tool_and_its_stop_keep_to_a_tenth_of_a_metre_per_second(name):
    start, goal = above_the_block(name, 0.10), above_the_block(name, GRASP_M)
    loop = Loop(name, gate_of(name), cell_of(name).scene_objects(0), node_at_rest(start))
    loop.phase = replace(_phase(name), expires_ns=NOW_NS + 10**10)
    top, released = 0.0, 0
    for tick in range(150):
        if tick % 16 == 0:
            chunk = straight(name, loop.node[0], goal, 1.0, t0_ns=loop.now_ns, seq=tick)
        output = loop.tick(chunk)
        if output.command is None:
            continue
        released += 1
        _, places = sample_curve(nodes_of(output.command), 0.01)
        tools = oracle_of(name, 0.03).tools(places)
        top = max(top, np.linalg.norm(np.diff(tools, axis=0), axis=1).max() * 2000.0)
    assert top <= CONTACT_TOOL_SPEED_M_S * (1 + 1e-6)
    assert top > 0.5 * CONTACT_TOOL_SPEED_M_S
    assert released > 100
    assert np.linalg.norm(oracle_of(name, 0.03).tool(loop.node[0]) - oracle_of(name, 0.03).tool(goal)) < 0.005


@pytest.mark.parametrize("name", CELLS)
def test_a_tool_that_is_too_fast_may_not_touch_yet(name):
    node = node_at_rest(above_the_block(name, GRASP_M))
    step = above_the_block(name, GRASP_M + 0.002) - node[0]
    oracle = oracle_of(name, 0.03)
    rate = np.linalg.norm(oracle.tool(node[0] + 1e-4 * step) - oracle.tool(node[0])) / 1e-4
    for speed, allowed in ((0.09, True), (0.11, False)):
        node[1] = speed / rate * step
        upwards = node[0] + node[1] * np.linspace(0, 0.6, 16)[:, None]
        output = _decide(name, node, _phase(name), chunk=chunk_of(name, upwards))
        assert (output.command is not None) == allowed
        assert allowed or output.verdict.guard == Family.ENVIRONMENT


def test_what_may_be_held_needs_its_support_too(grasp):
    name, node = grasp
    support = AllowedContact(link="red_block", other="table")
    refused = _decide(name, node, _phase(name, maybe_held="red_block"))
    assert refused.verdict.guard == Family.HELD_OBJECT
    assert "red_block and table" in refused.verdict.reason
    assert _decide(name, node, _phase(name, maybe_held="red_block", also=(support,))).command is not None


def test_what_may_be_held_is_judged_free_as_well(grasp):
    name, node = grasp
    support = AllowedContact(link="red_block", other="table")
    refused = _decide(name, node, _phase(name, links=(), maybe_held="red_block", also=(support,)))
    assert refused.verdict.guard == Family.ENVIRONMENT
    assert "red_block" in refused.verdict.reason


def test_what_is_held_is_lifted_without_its_support_once_it_is_clear(grasp):
    name, node = grasp
    support = AllowedContact(link="red_block", other="table")
    held = _phase(name, links=(), held="red_block", gripper_may_open=False)
    assert _decide(name, node, held).verdict.guard == Family.HELD_OBJECT
    touching = replace(held, allowed=(support,))
    assert _decide(name, node, touching).command is not None
    lifted = []
    for thing in cell_of(name).scene_objects(0):
        pose = np.array(thing.object_in_world)
        pose[2, 3] += 0.05 * (thing.name == "red_block")
        lifted.append(replace(thing, object_in_world=pose))
    higher = node_at_rest(above_the_block(name, GRASP_M + 0.05))
    assert _decide(name, higher, held, seen_at(lifted, NOW_NS)).command is not None


def test_a_contact_with_a_zone_is_no_contact(grasp):
    name, node = grasp
    zone = next(z.name for z in cell_of(name).zones() if z.name == "operator_side")
    assert _decide(name, node, _phase(name, other=zone)).command is None
