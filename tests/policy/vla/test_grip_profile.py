"""The gripper goes on from the width that it was asked for, not from the measured one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.policy.vla.grip_profile import GripProfile

STROKE = 0.08


def hand(*, gripper: bool = True) -> Embodiment:
    kinds = [ChannelKind.TOOL_POSITION, *([ChannelKind.GRIPPER_WIDTH] if gripper else [])]
    return Embodiment(
        tag="hand",
        channels=tuple(
            Channel(
                name=f"c{k}",
                kind=kind,
                unit="m",
                frame="world",
                reference=Reference.ABSOLUTE,
                lower=0.0,
                upper=STROKE,
            )
            for k, kind in enumerate(kinds)
        ),
        rate_hz=25.0,
        horizon=6,
    )


def said(*widths_mm: float) -> np.ndarray:
    widths = 1e-3 * np.array(widths_mm)
    return np.stack([np.full(len(widths), 0.3), widths], axis=1)[None]


@pytest.mark.parametrize(
    ("widths", "asked", "told"),
    [
        ((0, 10, 20, 30, 40, 60), 0, (0, 10, 20, 30, 40, 60)),
        ((0, 10, 20, 30, 40, 60), 19, (20, 30, 40, 60, 60, 60)),
        ((0, 10, 20, 30, 40, 60), 25, (30, 40, 60, 60, 60, 60)),  # past it
        ((70, 50, 30, 10, 0, 0), 31, (30, 10, 0, 0, 0, 0)),
        ((39, 30, 20, 10, 1, 1), 0, (1, 1, 1, 1, 1, 1)),  # closed on something: no reason to open again
        ((60, 60, 60, 60, 60, 60), 0, (60, 60, 60, 60, 60, 60)),  # meant at once
        ((30, 20, 10, 10, 10, 10), 60, (30, 20, 10, 10, 10, 10)),  # it never was there
        ((0, 1, 0, 4, 20, 60), 19, (20, 60, 60, 60, 60, 60)),  # hesitates
        ((30, 50, 60, 40, 20, 0), 0, (30, 50, 60, 40, 20, 0)),  # opens again before it closes
        ((10, 30, 20, 40, 60, 80), 45, (10, 30, 20, 40, 60, 80)),  # turns back on the way
        ((0, 10, 20, 30, 40, 60), np.nan, (0, 10, 20, 30, 40, 60)),
    ],
)
def test_profile_is_taken_up_where_the_gripper_has_been_told_to_be(
    widths: tuple[float, ...], asked: float, told: tuple[float, ...]
) -> None:
    went_on = GripProfile(hand()).go_on(said(*widths), 1e-3 * asked)
    np.testing.assert_allclose(went_on, said(*told), atol=1e-12)


@pytest.mark.parametrize(
    ("widths", "asked"), [([76.5] * 12 + [60, 40, 20, 0], 74), ([2.5] + [3] * 11 + [20, 40, 60, 70], 5.5)]
)
def test_fingers_that_wait_for_the_arm_wait(widths: list[float], asked: float) -> None:
    went_on = GripProfile(hand()).go_on(said(*widths), 1e-3 * asked)
    np.testing.assert_array_equal(went_on, said(*widths))


def test_ramp_that_begins_anew_with_every_chunk_opens_all_the_same() -> None:
    profile, asked = GripProfile(hand()), 0.0
    ramp = said(0, 4, 8, 12, 30, 60)
    for _ in range(5):  # each chunk is followed for two steps, and the next one says the same again
        asked = float(profile.go_on(ramp, asked)[0, 2, 1])
    assert asked == pytest.approx(0.06)


@pytest.mark.parametrize("rate_hz", [1.0, 2.0, 10.0, 25.0])
def test_a_ramp_is_gone_on_with_at_any_rate(rate_hz: float) -> None:
    went_on = GripProfile(replace(hand(), rate_hz=rate_hz)).go_on(said(0, 10, 20, 30, 40, 60), 0.02)
    np.testing.assert_allclose(went_on, said(20, 30, 40, 60, 60, 60), atol=1e-12)


def test_each_sample_is_taken_up_by_itself_and_nothing_else_changes() -> None:
    chunks = np.concatenate([said(0, 10, 20, 30, 40, 50), said(60, 50, 40, 30, 20, 10)])
    kept = chunks.copy()
    went_on = GripProfile(hand()).go_on(chunks, 0.03)
    np.testing.assert_array_equal(chunks, kept)
    np.testing.assert_array_equal(went_on[:, :, 0], chunks[:, :, 0])
    np.testing.assert_allclose(1e3 * went_on[:, :, 1], [[30, 40, 50, 50, 50, 50], [30, 20, 10, 10, 10, 10]])
    bare = GripProfile(hand(gripper=False))
    np.testing.assert_array_equal(bare.go_on(chunks[:, :, :1], 0.03), chunks[:, :, :1])


def test_a_little_outside_the_stroke_is_its_end_and_far_outside_is_for_the_gate() -> None:
    chunks = said(-3, 83, 40, -6, 90, np.nan)
    told = 1e3 * GripProfile(hand()).go_on(chunks, None)[0, :, 1]
    np.testing.assert_allclose(told, [0, 80, 40, -6, 90, np.nan])
