"""What hardly moves is told as standing; what moves is left as it is."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference
from interlock.policy.vla.rest import RestBand

Q = np.linspace(-1.0, 1.0, 7)
WIDTH = np.linspace(0.08, 0.0, 8)


def body(reference: Reference) -> Embodiment:
    joints = reference is Reference.ABSOLUTE
    kinds = (
        [ChannelKind.JOINT_POSITION] * 7
        if joints
        else [ChannelKind.TOOL_POSITION] * 3 + [ChannelKind.TOOL_ROTATION] * 3
    )
    return Embodiment(
        tag="arm",
        channels=tuple(
            Channel(
                name=f"c{index}",
                kind=kind,
                unit="",
                frame="world",
                reference=reference,
                lower=-3.0,
                upper=3.0,
            )
            for index, kind in enumerate([*kinds, ChannelKind.GRIPPER_WIDTH])
        ),
        rate_hz=25.0,
        horizon=8,
    )


def chunk(reference: Reference, size: float) -> np.ndarray:
    """A way of `size` along one channel, in a straight line, while the gripper closes."""
    joints = reference is Reference.ABSOLUTE
    steps = np.zeros((1, 8, 8 if joints else 7))
    steps[0, :, 1] = np.linspace(0.0, size, 8)
    if reference is Reference.PREVIOUS_STEP:
        steps[0, :, 1] = np.diff(steps[0, :, 1], prepend=0.0)
    if joints:
        steps[0, :, :7] += Q
    steps[0, :, -1] = WIDTH
    return steps


@pytest.mark.parametrize("reference", Reference)
def test_a_chunk_that_trembles_stands_and_its_gripper_goes_on(reference: Reference) -> None:
    band = RestBand(body(reference), 0.003, 0.003)
    settled = band.settle(chunk(reference, 0.0029), Q)
    wanted = Q if reference is Reference.ABSOLUTE else np.zeros(6)
    assert (settled[0, :, :-1] == wanted).all()
    assert (settled[0, :, -1] == WIDTH).all()


@pytest.mark.parametrize("reference", Reference)
def test_a_chunk_that_moves_is_left_as_it_is(reference: Reference) -> None:
    band = RestBand(body(reference), 0.003, 0.003)
    moving = chunk(reference, 0.0031)
    assert np.array_equal(band.settle(moving, Q), moving)


def test_each_sample_is_looked_at_by_itself() -> None:
    both = np.concatenate([chunk(Reference.CHUNK_START, size) for size in (0.001, 0.1)])
    settled = RestBand(body(Reference.CHUNK_START), 0.003, 0.003).settle(both, Q)
    assert not settled[0, :, :6].any()
    assert np.array_equal(settled[1], both[1])


def test_a_band_of_nothing_changes_nothing() -> None:
    tiny = chunk(Reference.CHUNK_START, 1e-9)
    assert np.array_equal(RestBand(body(Reference.CHUNK_START), 0.0, 0.0).settle(tiny, Q), tiny)
