"""A chunk meets the arm where it is: what was executed is skipped, what jumps is blended in or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.stream.bodies import (
    DT_NS,
    SPACES,
    TICK_NS,
    chunk_along,
    context_in,
    executed_along,
    swing,
)

from interlock.errors import RefusedError
from interlock.hal.chunk import ActionChunk
from interlock.policy.executed import NOTHING_EXECUTED, Executed, MotionKind
from interlock.policy.stream.chunk_space import place_at, space_of
from interlock.policy.stream.hand_over import HandOver
from interlock.policy.stream.options import StreamOptions

GRID_S = 0.04 * np.arange(16)
MOVING, STOPPING = MotionKind.PROPOSED, MotionKind.STOPPING
JOINTS = context_in("joint_position")


def hand_over_of(space: str = "joint_position", **options: Any) -> HandOver:
    return HandOver(context_in(space), StreamOptions(**options))


def moving(ticks: int) -> Executed:
    """Ticks along the motion of `swing`, which begins at 0 ns."""
    return executed_along(swing(JOINTS, 0.01 * np.arange(ticks)))


def largest_jump(space: str, chunk: ActionChunk, at_ns: int, q: np.ndarray) -> float:
    return float(np.abs(space_of(context_in(space)).offsets(chunk, at_ns, q)).max())


@settings(max_examples=60)
@given(
    kinds=st.lists(st.sampled_from(list(MotionKind)), min_size=1, max_size=55),
    rate_hz=st.sampled_from([5.0, 10.0, 20.0, 25.0, 50.0, 100.0]),
    tick_ns=st.sampled_from([2_000_000, 4_000_000, 10_000_000]),
)
def test_as_many_steps_are_skipped_as_were_executed(
    kinds: list[MotionKind], rate_hz: float, tick_ns: int
) -> None:
    chunk = replace(chunk_along(JOINTS, swing(JOINTS, GRID_S)), dt_s=1.0 / rate_hz)
    done = Executed(stamps_ns=tick_ns * np.arange(len(kinds)), q=np.zeros((len(kinds), 7)), kinds=kinds)
    now_ns = tick_ns * len(kinds)
    executed_ns = tick_ns * sum(kind is not STOPPING for kind in kinds)
    steps = sum(round(k * 1e9 / rate_hz) < executed_ns for k in range(16))
    taker = hand_over_of()
    if executed_ns >= round(15e9 / rate_hz):
        with pytest.raises(RefusedError, match="run out"):
            taker.take(chunk, now_ns=now_ns, executed=done, here=None)
        return
    taken = taker.take(chunk, now_ns=now_ns, executed=done, here=None)
    assert taker.last is not None
    assert taker.last.skipped == steps
    assert taken.t0_ns == now_ns - executed_ns
    assert taker.last.delay_s == pytest.approx(now_ns * 1e-9)


def test_what_was_assumed_does_not_count() -> None:
    """The same delay, and an arm that the gate had stopped for the last 100 ms of it."""
    path = swing(JOINTS, GRID_S)
    done = executed_along(swing(JOINTS, 0.01 * np.arange(30)), [MOVING] * 20 + [STOPPING] * 10)
    taker = hand_over_of()
    taker.take(chunk_along(JOINTS, path), now_ns=300_000_000, executed=done, here=None)
    assert taker.last is not None
    assert (taker.last.skipped, taker.last.waited_s) == (5, pytest.approx(0.1))


def test_an_arm_that_stood_follows_a_chunk_from_its_first_step() -> None:
    path = swing(JOINTS, GRID_S)
    done = executed_along(np.tile(path[0], (30, 1)), [STOPPING] * 30)
    taken = hand_over_of().take(chunk_along(JOINTS, path), now_ns=300_000_000, executed=done, here=path[0])
    assert taken.t0_ns == 300_000_000
    np.testing.assert_array_equal(taken.samples, chunk_along(JOINTS, path).samples)


def test_with_real_time_chunking_a_chunk_keeps_its_times_whatever_was_executed() -> None:
    path = swing(JOINTS, GRID_S)
    done = executed_along(np.tile(path[0], (30, 1)), [STOPPING] * 30)
    taken = hand_over_of(rtc=True).take(
        chunk_along(JOINTS, path), now_ns=300_000_000, executed=done, here=None
    )
    assert taken.t0_ns == 0


@pytest.mark.parametrize("space", SPACES)
def test_a_chunk_that_fits_is_handed_over_bit_for_bit(space: str) -> None:
    context = context_in(space)
    chunk = chunk_along(context, swing(context, GRID_S))
    here = swing(context, np.array([0.15]))[0]
    taken = hand_over_of(space).take(chunk, now_ns=150_000_000, executed=moving(15), here=here)
    np.testing.assert_array_equal(taken.samples, chunk.samples)
    assert (taken.t0_ns, taken.t_obs_ns, taken.seq) == (chunk.t0_ns, chunk.t_obs_ns, chunk.seq)
    assert taken.anchor is None or (taken.anchor == chunk.anchor).all()


@pytest.mark.parametrize("space", SPACES)
def test_a_chunk_that_jumps_begins_where_the_arm_is_and_ends_where_it_wanted(space: str) -> None:
    context = context_in(space)
    chunk = chunk_along(context, swing(context, GRID_S))
    here = swing(context, np.array([0.15]), reach_rad=0.36)[0]
    now_ns = 150_000_000
    taker = hand_over_of(space, blend_s=0.2)
    taken = taker.take(chunk, now_ns=now_ns, executed=moving(15), here=here)
    before, after = (largest_jump(space, each, now_ns, here) for each in (chunk, taken))
    assert taker.last is not None
    assert taker.last.blended
    assert taker.last.jump > 1.0
    assert after < 0.02 * before
    chained = context.embodiment.channels[0].reference == "previous_step"
    late = (
        10 if chained else 9
    )  # 0.2 s after the first step that is to come; a step leads from the one before
    np.testing.assert_allclose(taken.samples[:, late:], chunk.samples[:, late:], atol=1e-9)
    np.testing.assert_array_equal(taken.samples[:, :, -1], chunk.samples[:, :, -1])
    assert (taken.t0_ns, taken.t_obs_ns) == (chunk.t0_ns, chunk.t_obs_ns)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), delay=st.integers(0, 40), jump_rad=st.floats(0.0, 0.45))
def test_no_chunk_that_is_handed_over_begins_further_away_than_its_bound(
    seed: int, delay: int, jump_rad: float
) -> None:
    context = JOINTS
    chunk = chunk_along(context, swing(context, GRID_S))
    now_ns = delay * TICK_NS
    there = place_at(chunk.samples[:, :, :7], chunk, now_ns)[0]
    here = there + jump_rad * np.random.default_rng(seed).uniform(-1.0, 1.0, 7)
    taken = hand_over_of().take(chunk, now_ns=now_ns, executed=moving(delay), here=here)
    assert largest_jump("joint_position", taken, now_ns, here) <= 0.005 + 1e-12


def test_a_jump_beyond_what_may_be_blended_is_refused_by_name_and_number() -> None:
    chunk = chunk_along(JOINTS, swing(JOINTS, GRID_S))
    here = np.array(chunk.samples[0, 0, :7])
    here[3] += 0.02
    with pytest.raises(RefusedError) as caught:
        hand_over_of(refuse_above=1.0).take(chunk, now_ns=0, executed=NOTHING_EXECUTED, here=here)
    assert caught.value.field == "chunk.panda_joint4"
    assert "0.02 rad" in caught.value.message
    assert "bound 0.005" in caught.value.message


@pytest.mark.parametrize("ulp", [-1, 0, 1])
def test_the_bound_itself_is_inside(ulp: int) -> None:
    chunk = chunk_along(JOINTS, np.zeros((16, 7)))
    here = np.zeros(7)
    here[2] = 0.005 * (1.0 + ulp * 1e-12)
    taker = hand_over_of()
    taken = taker.take(chunk, now_ns=0, executed=NOTHING_EXECUTED, here=here)
    assert (taken.samples == chunk.samples).all() == (ulp <= 0)


def test_of_several_samples_those_that_jump_too_far_are_left_out() -> None:
    near, far = swing(JOINTS, GRID_S), swing(JOINTS, GRID_S, reach_rad=0.9)
    chunk = chunk_along(JOINTS, near, far, near + 0.001)
    here = near[0]
    taken = hand_over_of(refuse_above=1.0).take(chunk, now_ns=0, executed=NOTHING_EXECUTED, here=here)
    np.testing.assert_array_equal(taken.samples, chunk.samples[[0, 2]])


def test_samples_are_never_averaged() -> None:
    """Two ways round an obstacle stay two; only what jumps is moved, each by its own jump."""
    left, right = swing(JOINTS, GRID_S), 2.0 * JOINTS.robot.home - swing(JOINTS, GRID_S)
    chunk = chunk_along(JOINTS, left, right)
    here = left[0]
    taken = hand_over_of(refuse_above=1000.0, blend_s=0.2).take(
        chunk, now_ns=0, executed=NOTHING_EXECUTED, here=here
    )
    np.testing.assert_array_equal(taken.samples[0], chunk.samples[0])
    np.testing.assert_allclose(taken.samples[1, 10:], chunk.samples[1, 10:])
    np.testing.assert_allclose(taken.samples[1, 0, :7], here)


def test_a_width_jumps_by_nature_and_is_left_alone() -> None:
    path = swing(JOINTS, GRID_S)
    chunk = chunk_along(JOINTS, path, width_m=0.0)
    done = executed_along(path[:1], widths_m=np.array([0.07]))
    taken = hand_over_of(refuse_above=1.0).take(chunk, now_ns=0, executed=done, here=path[0])
    np.testing.assert_array_equal(taken.samples, chunk.samples)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("space", SPACES)
def test_what_is_not_finite_goes_to_the_gate_as_it_is(space: str, bad: float) -> None:
    context = context_in(space)
    chunk = chunk_along(context, swing(context, GRID_S))
    samples = np.array(chunk.samples)
    samples[0, 5, 2] = bad
    chunk = replace(chunk, samples=samples)
    taken = hand_over_of(space).take(chunk, now_ns=0, executed=NOTHING_EXECUTED, here=context.robot.home)
    np.testing.assert_array_equal(taken.samples, samples)


def test_a_chunk_is_never_ready_after_its_hand_over() -> None:
    """The machine's clock may run ahead of a simulated world."""
    chunk = replace(chunk_along(JOINTS, swing(JOINTS, GRID_S)), t_ready_ns=90_000_000)
    taken = hand_over_of().take(chunk, now_ns=50_000_000, executed=moving(5), here=None)
    assert taken.t_ready_ns == 50_000_000
    taken = hand_over_of().take(chunk, now_ns=100_000_000, executed=moving(10), here=None)
    assert taken.t_ready_ns == 90_000_000


@pytest.mark.parametrize("late_ns", [-1, 0, 1])
def test_a_chunk_that_is_over_is_refused(late_ns: int) -> None:
    chunk = chunk_along(JOINTS, swing(JOINTS, GRID_S))
    now_ns = 15 * DT_NS + late_ns
    taker = hand_over_of()
    done = moving(62)
    if late_ns < 0:
        assert taker.take(chunk, now_ns=now_ns, executed=done, here=None).seq == chunk.seq
        return
    with pytest.raises(RefusedError, match="run out"):
        taker.take(chunk, now_ns=now_ns, executed=done, here=None)
