"""From a broken margin only slow motion that shrinks no broken distance, by independent ground truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    NOW_NS,
    Loop,
    ask,
    ball,
    body_of,
    gate_with,
    hold,
    node_at_rest,
    seen_at,
    straight,
)
from tests.properties.retreats import (
    ROUNDING_M,
    Start,
    capsules_of,
    escaping,
    fastest,
    open_gate,
    oracle_of,
    play,
    shrinking,
    start,
    wild,
)

from interlock.guards.gate import GateOutput
from interlock.guards.retreat import RETREAT_SPEED_M_S
from interlock.guards.verdict import Decision, Family, Rung
from interlock.hal.zone import Zone, ZoneKind

STARTS = 16
PANDA = CELLS[0]


@pytest.mark.parametrize("name", CELLS)
def test_retreats_wherever_the_proposal_leads_out(name):
    for seed in range(STARTS):
        case = start(seed, name)
        first = None
        for _, output in play(case, escaping(case), 150):
            first = first or output
            if output.command is None or output.verdict.rung is not Rung.RETREATING:
                break
            assert not shrinking(case, output), seed
        assert first.verdict.rung is Rung.RETREATING, (seed, first.verdict.refusals)
        assert (first.verdict.decision, first.verdict.guard) == (Decision.MODIFY, Family.ENVIRONMENT)
        assert output.command is not None, (seed, output.verdict.refusals)  # the margin is whole again


@pytest.mark.parametrize("name", CELLS)
def test_the_certificate_of_a_retreat_has_the_broken_distances_among_its_margins(name):
    seen, capsules = 0, capsules_of(name)
    for seed in range(STARTS):
        case = start(seed, name)
        parts = capsules.oracle.parts_of(case.things)
        margin = open_gate(name).config.environment_margin_m
        for loop, output in play(case, escaping(case), 5):
            if output.command is None or output.verdict.rung is not Rung.RETREATING:
                break
            q = output.command.start[0]
            left = [capsules.gap(c, parts[e], q)[0] - capsules.need(c, margin) for c, e in case.pairs]
            certificate = output.certificate
            (told,) = (m for m in certificate.margins if m.family == Family.ENVIRONMENT)
            assert told.value == pytest.approx(min(left), abs=1e-5), (seed, loop.now_ns)
            assert told.value < 0.0
            assert certificate.interval_bound_m == min(m.value for m in certificate.margins if m.unit == "m")
            assert output.margins == certificate.margins
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("name", CELLS)
def test_no_point_of_the_arm_is_faster_than_a_retreat_may_be(name):
    for seed in range(4):
        case = start(seed, name)
        for _, output in play(case, escaping(case), 10):
            if output.verdict.rung is Rung.RETREATING:
                assert fastest(case, output) < RETREAT_SPEED_M_S


@pytest.mark.parametrize("name", CELLS)
def test_nothing_released_from_a_broken_margin_comes_nearer(name):
    released = 0
    for seed in range(STARTS):
        case = start(seed, name)
        for _, output in play(case, wild(case, np.random.default_rng(seed)), 40):
            if output.command is not None and output.verdict.rung is Rung.RETREATING:
                assert not shrinking(case, output), seed
                released += 1
    assert released > 100


@pytest.mark.parametrize("name", CELLS)
def test_pinched_means_no_motion(name):
    for seed in range(STARTS):
        case = start(seed, name, pinched=True)
        for _, output in play(case, wild(case, np.random.default_rng(seed)), 40):
            assert output.command is None, seed


def _case(seed: int = 0) -> Start:
    return start(seed, PANDA)


def _first(case: Start) -> GateOutput:
    return next(play(case, escaping(case), 1))[1]


def test_no_retreat_from_what_moves_by_itself():
    case = _case()
    moving = replace(case, things=tuple(replace(t, max_speed_m_s=0.2) for t in case.things))
    output = _first(moving)
    assert output.command is None
    assert "moves by itself" in output.verdict.reason


def test_no_retreat_from_a_penetration():
    case = _case()
    capsule = next(k for k, joint in enumerate(body_of(PANDA).cap_joint) if joint == 5)
    frame = oracle_of(PANDA).frames(case.q)[5]
    inside = frame[:3, :3] @ body_of(PANDA).cap_a[capsule] + frame[:3, 3]
    output = _first(replace(case, things=(ball("pearl", inside, 0.01),)))
    assert output.command is None
    assert "overlap already" in output.verdict.reason


def test_an_arm_that_is_still_fast_brakes_before_it_retreats():
    case = _case()
    node = node_at_rest(case.q)
    node[1] = 0.5 * case.escape / np.abs(case.escape).max()
    chunk = straight(PANDA, case.q, case.q + node[1], 0.5)
    output = open_gate(PANDA).decide(ask(PANDA, node, chunk, seen_at(case.things, NOW_NS)))
    assert output.command is None
    assert any("a retreat is no faster" in reason for _, reason in output.verdict.refusals)


def test_standing_still_is_no_retreat():
    case = _case()
    output = open_gate(PANDA).decide(
        ask(PANDA, node_at_rest(case.q), hold(PANDA, case.q), seen_at(case.things, NOW_NS))
    )
    assert output.command is None


def test_a_retreat_breaks_nothing_else():
    """A second obstacle in the way of the escape is kept clear of as ever."""
    case = _case()
    capsules, ahead = capsules_of(PANDA), case.q + 0.25 * case.escape / np.abs(case.escape).max()
    wall = ball("wall", oracle_of(PANDA).tool(ahead), 0.03)
    blocked = replace(case, things=(*case.things, wall))
    part = oracle_of(PANDA).parts_of([wall])[0]
    margin = open_gate(PANDA).config.environment_margin_m
    for loop, _ in play(blocked, escaping(case), 200):
        for c, joint in enumerate(body_of(PANDA).cap_joint):
            if joint >= 0:
                assert capsules.gap(c, part, loop.node[0])[0] > margin - ROUNDING_M


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("upper", [False, True])
def test_comes_back_into_a_keep_in_zone(axis, upper):
    home = body_of(PANDA).robot.home
    tool = oracle_of(PANDA).tool(home)
    lower, top = tool - 0.4, tool + 0.4
    (top if upper else lower)[axis] = tool[axis] + (-0.03 if upper else 0.03)
    gate = gate_with(PANDA, zones=(Zone(name="cage", kind=ZoneKind.KEEP_IN, lower=lower, upper=top),))
    loop = Loop(PANDA, gate, (), node_at_rest(home))
    jacobian = np.array(
        [oracle_of(PANDA).tool(home + d)[axis] - tool[axis] for d in 1e-5 * np.eye(len(home))]
    )
    inwards = (-1.0 if upper else 1.0) * jacobian / np.abs(jacobian).max()
    outside = []
    for tick in range(250):
        if tick % 12 == 0:
            here = loop.node[0]
            inn = straight(PANDA, here, here + 0.2 * inwards, 0.3, t0_ns=loop.now_ns, seq=tick)
        output = loop.tick(inn)
        at = oracle_of(PANDA).tool(loop.node[0])[axis]
        outside.append(max(lower[axis] - at, at - top[axis]))
        if output.verdict.rung not in (Rung.RETREATING, Rung.BRAKING):
            break
        assert output.verdict.guard in (Family.ZONES, Family.TOOL_SPEED)
    assert np.diff(outside).max() < 1e-9
    assert len(outside) > 10
    assert outside[-1] < 0.0 < outside[0]
