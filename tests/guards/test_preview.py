"""A new chunk is judged whole: kept as it is, bent, cut to a clear prefix, or left to the ticks."""

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
    box,
    cell_scene,
    chunk_of,
    gate_of,
    hold,
    node_at_rest,
    seen_at,
    straight,
)
from tests.properties.released import oracle_of

from interlock.guards.preview import Preview
from interlock.guards.verdict import Decision, Rung
from interlock.hal.chunk import ActionChunk

PANDA = CELLS[0]
JOINTS = 7
HOME = np.array(body_of(PANDA).robot.home)


def preview(chunk: ActionChunk, *objects, now_ns: int = NOW_NS) -> Preview:
    return gate_of(PANDA).preview(given(chunk, *objects, now_ns=now_ns))


def given(chunk: ActionChunk, *objects, now_ns: int = NOW_NS):
    return ask(PANDA, node_at_rest(HOME), chunk, seen_at(objects, now_ns), now_ns=now_ns)


def turn(speed_rad_s: float = 0.4, **more) -> ActionChunk:
    """A turn about the first joint."""
    return straight(PANDA, HOME, HOME + np.array([1.0, 0, 0, 0, 0, 0, 0]), speed_rad_s, **more)


def in_the_way(angle_rad: float, half: tuple[float, float, float] = (0.02, 0.02, 0.06)):
    """A post on the circle of the turn."""
    tool = oracle_of(PANDA, 0.03).tool(HOME)
    reach = float(np.hypot(tool[0], tool[1]))
    return box("post", [reach * np.cos(angle_rad), reach * np.sin(angle_rad), tool[2]], half)


def test_a_chunk_that_is_clear_to_its_end_stays_what_it_was():
    chunk = turn()
    seen = preview(chunk)
    assert seen.chunk is chunk
    assert (seen.rung, seen.guard, seen.reason) == (Rung.AS_PROPOSED, "", "")
    assert seen.clear_s == pytest.approx(15 * 0.04)


def test_a_chunk_stays_too_if_it_is_clear_until_the_next_one_comes():
    seen = preview(chunk := turn(1.2), in_the_way(0.9))
    assert seen.chunk is chunk
    assert seen.rung is Rung.AS_PROPOSED
    assert 0.2 < seen.clear_s < 0.4


def test_a_chunk_into_a_post_is_changed_and_says_why():
    seen = preview(chunk := turn(1.2), in_the_way(0.65))
    assert seen.rung is Rung.PROJECTED
    assert seen.guard == "environment"
    assert "post" in seen.reason
    assert seen.chunk is not chunk
    assert seen.chunk.seq == chunk.seq
    assert seen.chunk.samples.shape[0] == 1
    assert 0.0 < seen.chunk.samples[0, -1, 0] < chunk.samples[0, -1, 0]


def test_what_is_followed_then_is_released_tick_by_tick_up_to_the_post():
    """The changed chunk is one that the ticks let pass, and the arm comes further than nothing."""
    seen = preview(turn(1.2), in_the_way(0.65))
    loop = Loop(
        name=PANDA, gate=gate_of(PANDA), objects=(in_the_way(0.65),), node=node_at_rest(HOME), now_ns=NOW_NS
    )
    released = 0
    fresh = 50  # ticks, then the observation that the chunk was made from is too old
    assert seen.clear_s > fresh * 0.01
    for _ in range(fresh):
        output = loop.tick(seen.chunk)
        released += output.command is not None
    assert released == fresh
    assert loop.node[0][0] > 0.01


def test_after_a_clear_prefix_the_arm_stands_and_the_gripper_does_nothing_more():
    widths = np.linspace(0.06, 0.0, 16)
    seen = preview(turn(1.2, width_m=widths), in_the_way(0.6))
    assert seen.rung is Rung.SLOWED
    arm, hand = seen.chunk.samples[0, :, :JOINTS], seen.chunk.samples[0, :, JOINTS]
    still = np.abs(np.diff(arm, axis=0)).max(axis=1) < 1e-9
    assert still[-1]
    assert (np.diff(hand)[still] == 0.0).all()
    assert hand[-1] > 0.0


def test_what_is_not_clear_from_the_first_knot_is_left_to_the_ticks():
    tool = oracle_of(PANDA, 0.03).tool(HOME)
    near = ball("near", tool + np.array([0.0, 0.13, 0.0]), 0.05)
    seen = preview(chunk := turn(2.0), near)
    assert seen.rung is Rung.BRAKING
    assert seen.chunk is chunk
    assert "near" in seen.reason


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_several_samples_the_clear_one_that_needs_the_least_change_is_taken(order):
    ways = [turn(1.2), turn(0.3), hold(PANDA, HOME)]  # into the post; slow; none at all
    chunk = replace(ways[0], samples=np.concatenate([ways[k].samples for k in order]))
    seen = preview(chunk, in_the_way(0.65))
    assert seen.rung is Rung.AS_PROPOSED
    assert order[seen.sample] == 2
    np.testing.assert_array_equal(seen.chunk.samples[0], hold(PANDA, HOME).samples[0])
    assert len(seen.chunk.samples) == 1


def test_of_many_samples_only_a_few_are_judged(monkeypatch):
    ways = [turn(1.2 + 0.01 * k).samples for k in range(64)]
    asked = given(replace(turn(), samples=np.concatenate(ways)), in_the_way(0.55))
    gate = gate_of(PANDA)
    judged = []
    verify = gate._verifier.verify
    monkeypatch.setattr(gate._verifier, "verify", lambda *a: judged.append(a) or verify(*a))
    assert gate.preview(asked).rung in (Rung.SLOWED, Rung.BRAKING)
    assert len(judged) <= 2 * 4 + 2 + 2 * 4


def test_of_many_samples_only_a_few_get_a_curve(monkeypatch):
    ways = [turn(1.2 + 0.01 * k).samples for k in range(64)]
    asked = given(replace(turn(), samples=np.concatenate(ways)), in_the_way(0.55))
    gate = gate_of(PANDA)
    fitted = []
    fit = gate._previewer._curve.fit
    monkeypatch.setattr(gate._previewer._curve, "fit", lambda *a: fitted.append(a) or fit(*a))
    gate.preview(asked)
    assert len(fitted) <= 8 + 2


@pytest.mark.parametrize("steps", [2, 3, 7, 16, 24, 50, 81])
@pytest.mark.parametrize("dt_s", [0.01, 0.04, 1.0 / 30.0])
def test_chunks_of_any_length_are_judged_to_their_end(steps, dt_s):
    path = HOME + np.linspace(0.0, 0.005 * steps, steps)[:, None] * np.eye(JOINTS)[0]
    seen = preview(chunk := chunk_of(PANDA, path, dt_s=dt_s))
    assert seen.chunk is chunk
    end_s = min((steps - 1) * dt_s, 3.2)
    if end_s < 0.04:
        assert (seen.rung, seen.reason) == (Rung.BRAKING, "too little of it is left to judge")
    else:
        assert seen.rung is Rung.AS_PROPOSED
        assert end_s - 0.01 * (1 + end_s / 0.16) < seen.clear_s < end_s + 1e-9


@pytest.mark.parametrize("off_ns", [-200, -160, -1, 0, 1, 160, 200])
def test_a_stamp_that_is_a_few_nanoseconds_off_changes_next_to_nothing(off_ns):
    seen = preview(turn(1.2, t0_ns=NOW_NS - 1000), in_the_way(0.65))
    other = preview(turn(1.2, t0_ns=NOW_NS - 1000 + off_ns), in_the_way(0.65))
    assert seen.rung is other.rung is Rung.PROJECTED
    np.testing.assert_allclose(other.chunk.samples, seen.chunk.samples, atol=1e-6)
    assert other.clear_s == pytest.approx(seen.clear_s)


@pytest.mark.parametrize("steps", [8, 13, 16, 24, 25, 40])
def test_a_changed_chunk_lasts_as_long_as_the_arm_follows_it(steps):
    """It must not run out before the next one has come: that is what `chunk_commit_s` says."""
    way = np.minimum(0.04 * np.arange(steps) * 1.2, 0.7)
    chunk = chunk_of(PANDA, HOME + way[:, None] * np.eye(JOINTS)[0])
    tried = (preview(chunk, in_the_way(way[-1] + beyond)) for beyond in (-0.05, 0.0, 0.05, 0.1, 0.15))
    seen = next(each for each in tried if each.chunk is not chunk and each.clear_s > 0.1)
    lasts_s = (seen.chunk.samples.shape[1] - 1) * seen.chunk.dt_s
    whole_s = (steps - 1) * 0.04
    assert lasts_s > min(whole_s, gate_of(PANDA).config.chunk_commit_s) - 0.01
    assert lasts_s > whole_s - 0.01 * (1 + whole_s / 0.16)
    assert lasts_s <= whole_s + 1e-9


def test_where_the_arm_is_not_where_it_was_proposed_the_gripper_keeps_its_width():
    widths = np.linspace(0.06, 0.0, 16)
    way = 0.8 * np.linspace(0.0, 1.0, 16) ** 2
    chunk = chunk_of(PANDA, HOME + way[:, None] * np.eye(JOINTS)[0], width_m=widths)
    seen = preview(chunk, in_the_way(0.55))
    assert seen.chunk is not chunk
    asked = np.interp(
        np.arange(len(seen.chunk.samples[0])) * seen.chunk.dt_s, 0.04 * np.arange(16), chunk.samples[0, :, 0]
    )
    away = np.abs(seen.chunk.samples[0, :, 0] - asked) > 0.035
    hand = seen.chunk.samples[0, :, JOINTS]
    assert away[-1]
    assert not away[1:].all()
    assert (np.diff(hand)[away[1:]] == 0.0).all()
    assert 0.06 > hand[-1] > 0.0


def test_where_no_curve_keeps_the_limits_the_reason_says_so():
    """At full speed towards a limit that is a hair away, nothing can be done any more."""
    limits = body_of(PANDA).robot.limits
    node = node_at_rest(HOME)
    node[0, 0], node[1, 0] = limits.q_max[0] - 0.02, limits.v_max[0]
    asked = ask(PANDA, node, hold(PANDA, HOME), seen_at((), NOW_NS))
    seen = gate_of(PANDA).preview(asked)
    assert (seen.rung, seen.guard) == (Rung.BRAKING, "position")
    assert "no curve inside their limits" in seen.reason


def test_one_sample_that_no_joint_can_follow_does_not_spoil_the_others():
    wild = np.array(turn().samples)
    wild[0, :, :JOINTS] += 0.5 * np.where(np.arange(16) % 2, 1.0, -1.0)[:, None]
    chunk = replace(turn(), samples=np.concatenate([wild, wild, turn(0.3).samples]))
    seen = preview(chunk)
    assert (seen.rung, seen.sample) == (Rung.AS_PROPOSED, 2)


@pytest.mark.parametrize("late_s", [1.0, 599.0])
def test_a_chunk_that_begins_late_or_lasts_long_costs_no_more(late_s):
    path = HOME + np.linspace(0.0, 0.5, 512)[:, None] * np.eye(JOINTS)[0]
    for chunk in (chunk_of(PANDA, path, dt_s=1.0), turn(t0_ns=NOW_NS), turn()):
        later = replace(chunk, t0_ns=NOW_NS + round(late_s * 1e9))
        seen = preview(later)
        assert seen.chunk is later
        assert seen.rung is Rung.AS_PROPOSED
        assert seen.clear_s <= 16 * 0.2 + 1e-9


def test_a_chunk_that_is_nearly_over_is_left_to_the_ticks():
    chunk = replace(turn(), t_obs_ns=NOW_NS + 560_000_000, t_ready_ns=NOW_NS + 560_000_000)
    seen = preview(chunk, now_ns=NOW_NS + 575_000_000)
    assert (seen.rung, seen.chunk) == (Rung.BRAKING, chunk)
    assert "too little" in seen.reason


def test_a_chunk_that_the_intake_refuses_is_not_judged():
    samples = np.array(turn().samples)
    samples[0, 3, 2] = np.nan
    chunk = replace(turn(), samples=samples)
    seen = preview(chunk)
    assert (seen.rung, seen.guard, seen.chunk) == (Rung.BRAKING, "integrity", chunk)
    assert gate_of(PANDA).decide(given(chunk)).command is None


@pytest.mark.parametrize("late", [True, False])
def test_only_what_the_robot_or_the_world_kept_from_being_judged_is_judged_again(late):
    samples = np.array(turn().samples)
    samples[0, 3, 2] = np.nan
    asked = given(turn()) if late else given(replace(turn(), samples=samples))
    seen = gate_of(PANDA).preview(replace(asked, lateness_ns=20_000_000 if late else 0))
    assert seen.rung is Rung.BRAKING
    assert seen.again == late


def test_the_same_question_gets_the_same_chunk_to_the_last_bit():
    asked = given(turn(1.2), in_the_way(0.65))
    digests = {gate_of(PANDA).preview(asked).chunk.digest for _ in range(3)}
    assert len(digests) == 1


def test_a_tick_of_a_changed_chunk_is_a_change_and_names_what_forced_it():
    asked = given(hold(PANDA, HOME))
    plain = gate_of(PANDA).decide(asked)
    bent = gate_of(PANDA).decide(replace(asked, reshaped=("environment", "post is in the way")))
    assert plain.verdict.decision is Decision.ALLOW
    assert (bent.verdict.decision, bent.verdict.rung) == (Decision.MODIFY, Rung.PROJECTED)
    assert (bent.verdict.guard, bent.verdict.reason) == ("environment", "post is in the way")
    assert bent.command is not None
    assert plain.command is not None
    np.testing.assert_array_equal(bent.command.end, plain.command.end)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_proposed_a_changed_chunk_starts_where_the_arm_is_and_keeps_the_joints_in_range(
    name, seed
):
    generator = np.random.default_rng(seed)
    limits = body_of(name).robot.limits
    home = np.array(body_of(name).robot.home)
    for _ in range(4):
        target = generator.uniform(limits.q_min, limits.q_max)
        chunk = straight(name, home, target, float(generator.choice([0.5, 1.5, 3.0])))
        asked = ask(name, node_at_rest(home), chunk, cell_scene(name))
        seen = gate_of(name).preview(asked)
        if seen.chunk is chunk:
            continue
        steps = seen.chunk.samples[0, :, : len(home)]
        np.testing.assert_array_equal(steps[0], home)
        assert (steps >= limits.q_min).all()
        assert (steps <= limits.q_max).all()
        assert seen.chunk.t0_ns == NOW_NS
        assert seen.clear_s > 0.0
