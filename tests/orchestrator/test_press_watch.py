"""What is pressed up into the hand is noticed; what noise, delay or a turning hand feign is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from interlock.hal.scene import Box, ObjectKind, Part, SceneObject
from interlock.orchestrator.press_watch import PressWatch

Array = np.ndarray

PERIOD_NS = 10_000_000
HELD_NS = 50_000_000
STANDS_M, PRESSED_M = 0.004, 0.006


def thing(place: Array, stamp_ns: int, std_m: float) -> SceneObject:
    pose = np.eye(4)
    pose[:3, 3] = place
    return SceneObject(
        name="block",
        kind=ObjectKind.MOVABLE,
        parts=(Part(shape=Box(half_extents_m=np.full(3, 0.02)), part_in_object=np.eye(4)),),
        object_in_world=pose,
        position_std_m=std_m,
        max_speed_m_s=0.0,
        stamp_ns=stamp_ns,
    )


def hand(height_m: float, tilt_rad: float = 0.0) -> Array:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec([tilt_rad, 0.0, 0.0]).as_matrix()
    pose[2, 3] = height_m
    return pose


def noise(seed: int, std_m: float) -> Iterator[Array]:
    """A new error each 50 ms."""
    draw = np.random.default_rng(seed)
    while True:
        error = draw.normal(0.0, std_m, 3)
        yield from [error] * (HELD_NS // PERIOD_NS)


def watched(
    seconds: float,
    height: Callable[[float], float],
    block: Callable[[float], Array],
    *,
    seed: int = 0,
    std_m: float = 0.0,
    delay_s: float = 0.0,
    tilt: Callable[[float], float] = lambda t: 0.0,
) -> Iterator[PressWatch]:
    """The watch after each tick; what is sighted is `delay_s` old, in truth and by its stamp."""
    watch, errors = PressWatch(), noise(seed, std_m)
    for tick in range(round(seconds * 1e9) // PERIOD_NS):
        now_ns = 10**9 + tick * PERIOD_NS
        now = tick * PERIOD_NS * 1e-9
        seen = block(now - delay_s) + next(errors)
        watch.look(hand(height(now), tilt(now)), now_ns, thing(seen, now_ns - round(delay_s * 1e9), std_m))
        yield watch


def lowering(now: float) -> float:
    return 0.5 - 0.1 * max(now, 0.0)


def carried(now: float) -> Array:
    return np.array([0.0, 0.0, lowering(now) - 0.1])


@pytest.mark.parametrize("std_m", [0.0, 0.001, 0.003, 0.005])
def test_noise_is_not_taken_for_a_press(std_m: float) -> None:
    for seed in range(60):
        for watch in watched(3.0, lowering, carried, seed=seed, std_m=std_m):
            assert not watch.beyond(STANDS_M), f"seed {seed}: {watch.risen_m}"


@pytest.mark.parametrize("delay_s", [0.03, 0.08, 0.19])
def test_what_was_seen_before_is_compared_with_the_hand_of_then(delay_s: float) -> None:
    for watch in watched(2.0, lowering, carried, std_m=0.001, delay_s=delay_s):
        assert not watch.beyond(STANDS_M)


def test_a_sighting_that_stays_adds_nothing() -> None:
    watch = PressWatch()
    for tick in range(100):
        now = tick * 0.01
        seen = min(now, 0.5)
        watch.look(hand(lowering(now)), tick * PERIOD_NS, thing(carried(seen), round(seen * 1e9), 0.001))
    assert not watch.beyond(STANDS_M)


def test_a_hand_that_turns_with_what_it_holds_presses_nothing() -> None:
    def turned(now: float) -> Array:
        pose = hand(0.5, now)
        place: Array = pose[:3, :3] @ np.array([0.0, 0.1, -0.1]) + pose[:3, 3]
        return place

    ticks = watched(1.2, lambda now: 0.5, turned, std_m=0.001, tilt=lambda now: now)
    assert not any(watch.beyond(STANDS_M) for watch in ticks)


@pytest.mark.parametrize(("std_m", "most_m"), [(0.0, 0.014), (0.001, 0.014), (0.003, 0.020)])
def test_a_block_that_stands_while_the_hand_goes_down_is_noticed(std_m: float, most_m: float) -> None:
    def stands(now: float) -> Array:
        return np.array([0.0, 0.0, max(lowering(now), 0.4) - 0.1])  # from 1 s on

    def slow(now: float) -> float:
        return lowering(min(now, 1.0)) - 0.03 * max(now - 1.0, 0.0)

    for seed in range(20):
        found = None
        for tick, watch in enumerate(watched(2.5, slow, stands, seed=seed, std_m=std_m)):
            if watch.beyond(PRESSED_M):
                found = 0.03 * (tick * 0.01 - 1.0)
                break
        assert found is not None
        assert 0.0 < found < most_m, f"seed {seed}"


@pytest.mark.parametrize(
    ("std_m", "delay_s", "most_m"), [(0.0, 0.0, 0.04), (0.003, 0.0, 0.05), (0.003, 0.19, 0.07)]
)
def test_a_press_from_the_first_instant_is_noticed_within_the_way_that_the_guarantee_names(
    std_m: float, delay_s: float, most_m: float
) -> None:
    def stands(now: float) -> Array:
        return np.array([0.0, 0.0, (0.5 if now > 0.0 else lowering(now)) - 0.1])

    for seed in range(20):
        ticks = enumerate(watched(1.5, lowering, stands, seed=seed, std_m=std_m, delay_s=delay_s))
        found = next(tick for tick, watch in ticks if watch.beyond(PRESSED_M))
        assert 0.1 * found * 0.01 < most_m, f"seed {seed}"


def test_what_was_sighted_badly_at_first_is_believed_less_for_ever() -> None:
    """Hidden for half a second, then plain to see: errors of the first mean stay in the difference."""
    for seed in range(200):
        watch, errors = PressWatch(), np.random.default_rng(seed)
        for tick in range(0, 150, 5):
            std_m = 0.006 if tick < 50 else 0.0005
            place = carried(tick * 0.01) + errors.normal(0.0, std_m, 3)
            watch.look(hand(lowering(tick * 0.01)), tick * PERIOD_NS, thing(place, tick * PERIOD_NS, std_m))
            assert not watch.beyond(PRESSED_M), f"seed {seed}"


def test_a_block_that_sinks_in_the_hand_is_not_pressed() -> None:
    def sinks(now: float) -> Array:
        return np.array([0.0, 0.0, 0.4 - 0.02 * now])

    for watch in watched(2.0, lambda now: 0.5, sinks, std_m=0.001):
        assert not watch.beyond(STANDS_M)
    assert watch.risen_m < -0.02


def test_what_is_no_number_is_left_out() -> None:
    watch = PressWatch()
    bad_hand, bad_block = np.full((4, 4), np.nan), np.full(3, np.nan)
    for tick in range(250):
        now, stamp_ns = tick * 0.01, tick * PERIOD_NS
        place = np.array([0.0, 0.0, max(lowering(now), 0.4) - 0.1])
        watch.look(bad_hand if tick % 3 == 0 else hand(lowering(now)), stamp_ns, thing(place, stamp_ns, 0.0))
        if tick % 3 == 1:
            watch.look(hand(lowering(now)), stamp_ns, thing(place, stamp_ns + 1, 0.0))
            watch.look(hand(lowering(now)), stamp_ns, thing(bad_block, stamp_ns + 2, 0.0))
    assert watch.risen_m > 0.1
