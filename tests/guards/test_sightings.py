"""What moves faster than it is declared to, or is gone, is a broken assumption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    NOW_NS,
    ask,
    ball,
    body_of,
    box,
    gate_of,
    hold,
    hull,
    node_at_rest,
    plane,
    seen_at,
)

from interlock.guards.sightings import sighting_fault
from interlock.guards.verdict import Decision, Family
from interlock.hal.scene import ObjectKind, Scene, SceneObject

PANDA = CELLS[0]
SIGMAS = 3.0
AFTER_NS = 100_000_000


def _thing(at=(2.0, 0.0, 0.5), **more) -> SceneObject:
    return ball("ball", at, 0.05, **({"kind": ObjectKind.MOVING, "speed_m_s": 0.25, "std_m": 0.002} | more))


def _seen(thing: SceneObject, stamp_ns: int) -> Scene:
    return seen_at([thing], stamp_ns)


def _judge(was: SceneObject, now: SceneObject, after_ns: int = AFTER_NS) -> tuple[str, str] | None:
    return sighting_fault(_seen(now, NOW_NS), [_seen(was, NOW_NS - after_ns)], SIGMAS)


# 0.25 m/s for 0.1 s, and three standard deviations on either side
ALLOWED_M = 0.025 + 2 * SIGMAS * 0.002


@pytest.mark.parametrize("way", [0.0, 0.5, 0.999])
def test_inside_its_bound_it_may_go_where_it_likes(way):
    for axis in np.vstack([np.eye(3), -np.eye(3), np.full(3, 3**-0.5)]):
        assert _judge(_thing(), _thing(np.array([2.0, 0.0, 0.5]) + way * ALLOWED_M * axis)) is None


def test_beyond_its_bound_it_is_named_with_the_numbers():
    family, reason = _judge(_thing(), _thing((2.0 + 1.001 * ALLOWED_M, 0.0, 0.5)))
    assert family == Family.ENVIRONMENT
    assert "ball moved 37.0 mm in 0.100 s" in reason
    assert "0.25 m/s allows 37.0 mm" in reason


def test_one_sighting_is_one_pose():
    assert _judge(_thing(), _thing(), 0) is None
    assert _judge(_thing(), _thing((2.001, 0.0, 0.5)), 0)[0] == Family.ENVIRONMENT


def test_a_turn_is_a_motion_of_the_far_end():
    bar = box("bar", [2.0, 0.0, 0.5], [0.4, 0.01, 0.01], kind=ObjectKind.MOVING, speed_m_s=0.25)
    turned = {}
    for angle in (0.05, 0.08):
        pose = np.array(bar.object_in_world)
        c, s = np.cos(angle), np.sin(angle)
        pose[:3, :3] = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]
        turned[angle] = replace(bar, object_in_world=pose)
    assert _judge(bar, turned[0.05]) is None  # 20 of 25 mm
    assert _judge(bar, turned[0.08])[0] == Family.ENVIRONMENT  # 32 of 25 mm


def test_a_turn_of_a_hull_is_a_motion_of_its_far_corner_and_of_a_half_space_of_no_bound():
    beam = [[x, y, z] for x in (-0.4, 0.4) for y in (-0.01, 0.01) for z in (-0.01, 0.01)]
    bar = hull("bar", [2.0, 0.0, 0.5], beam, kind=ObjectKind.MOVING, speed_m_s=0.25)
    wall = plane("wall", [2.0, 0.0, 0.5], [-1.0, 0.0, 0.0], 0.0)
    for thing, angle, fine in ((bar, 0.05, True), (bar, 0.08, False), (wall, 1e-7, False), (wall, 0.0, True)):
        pose = np.array(thing.object_in_world)
        c, s = np.cos(angle), np.sin(angle)
        pose[:3, :3] = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]
        fault = _judge(thing, replace(thing, object_in_world=pose))
        assert (fault is None) == fine


def test_what_is_fixed_stays():
    post = ball("post", [1.0, 0.0, 0.5], 0.05, std_m=0.001)
    assert _judge(post, replace(post)) is None
    assert _judge(post, ball("post", [1.0, 0.0, 0.51], 0.05, std_m=0.001))[0] == Family.ENVIRONMENT


def test_what_can_be_carried_may_be_anywhere():
    block = ball("block", [0.5, 0.0, 0.05], 0.02, kind=ObjectKind.MOVABLE)
    assert _judge(block, ball("block", [0.5, 0.3, 0.4], 0.02, kind=ObjectKind.MOVABLE)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ObjectKind.MOVABLE},
        {"max_speed_m_s": 0.1},
        {"max_speed_m_s": 9.0},
        {"parts": ()},
        {"parts": ball("other", [0.0, 0.0, 0.0], 0.04).parts},
        {"parts": box("other", [0.0, 0.0, 0.0], [0.05, 0.05, 0.05]).parts},
    ],
)
def test_a_thing_does_not_change_what_it_is(change):
    family, reason = _judge(_thing(), replace(_thing(), **change))
    assert family == Family.INTEGRITY
    assert "is not what it was" in reason


def test_what_was_there_may_not_be_gone():
    family, reason = sighting_fault(seen_at([], NOW_NS), [_seen(_thing(), NOW_NS - 1)], SIGMAS)
    assert (family, reason) == (Family.INTEGRITY, "ball was in the scene and is gone")


def test_time_does_not_go_back():
    scene = _seen(_thing(), NOW_NS)
    assert sighting_fault(scene, [_seen(_thing(), NOW_NS + 1)], SIGMAS)[0] == Family.FRESHNESS
    late = Scene(stamp_ns=NOW_NS - 1, objects=_seen(_thing(), NOW_NS + 1).objects)
    family, reason = sighting_fault(scene, [late], SIGMAS)
    assert family == Family.FRESHNESS
    assert "ball: its stamp goes back" in reason


@pytest.mark.parametrize("spoilt", [0, 1])
def test_not_a_number_is_beyond_every_bound(spoilt):
    things = [_thing(), _thing()]
    things[spoilt] = _thing((np.nan, 0.0, 0.5))
    assert _judge(*things) is not None


def test_every_earlier_scene_counts():
    slow, here = _seen(_thing((1.9, 0.0, 0.5)), NOW_NS - 2 * AFTER_NS), _seen(_thing(), NOW_NS - AFTER_NS)
    assert sighting_fault(_seen(_thing(), NOW_NS), [here], SIGMAS) is None
    assert sighting_fault(_seen(_thing(), NOW_NS), [here, slow], SIGMAS) is not None


@pytest.mark.parametrize("name", CELLS)
def test_the_gate_releases_nothing_on_a_broken_assumption(name):
    home = body_of(name).robot.home
    given = ask(name, node_at_rest(home), hold(name, home), _seen(_thing(), NOW_NS))
    fine = replace(given, earlier=(_seen(_thing(), NOW_NS - AFTER_NS),))
    assert gate_of(name).decide(fine).command is not None
    jumped = replace(given, earlier=(_seen(_thing((2.2, 0.0, 0.5)), NOW_NS - AFTER_NS),))
    verdict = gate_of(name).decide(jumped).verdict
    assert (verdict.decision, verdict.guard) == (Decision.REFUSE, Family.ENVIRONMENT)
    assert "declared bound" in verdict.reason
