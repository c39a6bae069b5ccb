"""Whatever velocity lies inside the box gives an acceleration inside its limit and its jerk's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.guards.velocity_box import VelocityBox, velocity_box
from interlock.guards.verdict import Family
from interlock.hal.robot import JointLimits, TrackingTube

PERIOD = 0.01
LIMITS = JointLimits(
    names=("a", "b"), q_min=[-2, -2], q_max=[2, 2], v_max=[2, 1], a_max=[8, 5], j_max=[700, 200]
)
TUBE = TrackingTube(position_rad=0.001, velocity_rad_s=0.05)
AHEAD = 0.5 * PERIOD * (1.0 + np.ceil(LIMITS.a_max / (LIMITS.j_max * PERIOD)))


def _box(q, v, a) -> VelocityBox:
    return velocity_box(np.array([q, v, a], dtype=float), LIMITS, TUBE, AHEAD, PERIOD)


share = st.floats(-1.0, 1.0)


@given(q=share, v=share, a=share, mix=st.floats(0.0, 1.0))
def test_every_velocity_in_the_box_keeps_acceleration_and_jerk(q, v, a, mix):
    start = a * LIMITS.a_max
    box = _box(q * LIMITS.q_max, v * LIMITS.v_max, start)
    assert (box.lower <= box.upper).all()
    end = box.acceleration(box.lower + mix * (box.upper - box.lower))
    assert (np.abs(end) <= LIMITS.a_max * (1 + 1e-9)).all()
    assert (np.abs(end - start) <= LIMITS.j_max * PERIOD * (1 + 1e-9)).all()


def test_acceleration_and_velocity_are_inverse_to_each_other():
    box = _box([0.3, 0.1], [0.4, -0.2], [1.0, -2.0])
    velocity = np.array([0.41, -0.22])
    np.testing.assert_allclose(box.offset + box.gain * box.acceleration(velocity), velocity)


@pytest.mark.parametrize(
    ("node", "family"),
    [
        (([0, 0], [0, 0], [0, 0]), Family.JERK),
        (([0, 0], [0, 0], [7.9, 0]), Family.ACCELERATION),
        (([0, 0], [1.94, 0], [0, 0]), Family.VELOCITY),
        (([1.998, 0], [0, 0], [0, 0]), Family.POSITION),
    ],
)
def test_the_breach_names_the_limit_in_the_way(node, family):
    assert _box(*node).breach(np.array([5.0, 0.0])) == (family, 0)


def test_what_is_inside_breaks_nothing():
    box = _box([0, 0], [0.1, 0.1], [0, 0])
    assert box.breach(np.array([0.1, 0.1])) is None
    assert box.breach(box.upper) is None
    assert box.breach(box.upper + np.array([0.0, 1e-6])) is not None


def test_at_a_position_limit_the_way_out_is_open_and_the_way_on_is_not():
    box = _box([2.0, 0.0], [0.0, 0.0], [0.0, 0.0])
    assert box.upper[0] == 0.0
    assert box.lower[0] < 0.0
