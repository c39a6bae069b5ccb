"""Two arms on one base are one robot: each is kept off the other, and off the other's base."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import Loop, body_of, gate_with, node_at_rest, straight
from tests.guards.robots import APART_M, rig_of, two_arms_urdf
from tests.properties.released import WIDTH_M, oracle_of

from interlock.guards.body import BodyModel
from interlock.guards.verdict import Family

NAME = "two_pandas"


def _links_judged(body: BodyModel) -> set[frozenset[str]]:
    return {frozenset((body.cap_link[c], body.cap_link[d])) for c, d in body.self_pairs}


def test_all_that_moves_on_one_arm_is_judged_against_all_of_the_other():
    body = body_of(NAME)
    moving = {link for link, joint in zip(body.cap_link, body.cap_joint, strict=True) if joint >= 0}
    judged = _links_judged(body)
    for left in (link for link in body.cap_link if link.startswith("left_")):
        for right in (link for link in body.cap_link if link.startswith("right_")):
            assert frozenset((left, right)) in judged or not {left, right} & moving


def test_first_link_of_an_arm_is_not_judged_against_its_own_base():
    for side in ("left", "right"):
        assert frozenset((f"{side}_panda_link0", f"{side}_panda_link1")) not in _links_judged(body_of(NAME))


def test_arms_that_stand_close_see_each_others_bases():
    robot = replace(rig_of(NAME).robot, urdf=two_arms_urdf(0.05))
    body = BodyModel.build(robot)
    assert frozenset(("left_panda_link0", "right_panda_link1")) in _links_judged(body)
    apart = [body.joint_pos[k] for k in (0, 7)]
    assert np.linalg.norm(apart[0] - apart[1]) == pytest.approx(0.1)


@pytest.mark.parametrize("turn", [0.9, 1.4])
def test_arms_sent_into_each_other_stop_short(turn):
    home = rig_of(NAME).robot.home
    target = home.copy()
    target[0], target[7] = -turn, turn  # each across the middle, to where the other is
    target[[1, 8]] += 0.6
    loop = Loop(NAME, gate_with(NAME, zones=()), (), node_at_rest(home))
    oracle, least, guards = oracle_of(NAME, WIDTH_M), np.inf, set()
    across = [(a, b) for a, b in oracle.pairs if a.name.split("_")[0] != b.name.split("_")[0]]
    for tick in range(400):
        if tick % 12 == 0:
            chunk = straight(NAME, loop.node[0], target, 1.5, t0_ns=loop.now_ns, seq=tick)
        guards.add(loop.tick(chunk).verdict.guard)
        frames = oracle.frames(loop.node[0])[None]
        least = min(
            least,
            *(
                oracle.distance(a, b, oracle.poses(a, frames)[0], oracle.poses(b, frames)[0])[0]
                for a, b in across
            ),
        )
    assert Family.SELF_COLLISION in guards
    assert loop.gate.config.self_margin_m < least < 0.08
    assert np.abs(loop.node[0] - home).max() > 0.3
    assert APART_M > 0.2
