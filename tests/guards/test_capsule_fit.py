"""A fit or a cover holds all of the solid, whatever its shape, and is not much larger than it has to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.guards.capsule_cover import cover
from interlock.guards.capsule_fit import Capsule, Tip, fit_capsule

COORDINATE = st.floats(-1.0, 1.0, allow_subnormal=False)
CLOUD = st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE), min_size=1, max_size=25).map(np.array)
BOX = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)


def _inside(points: np.ndarray, seed: int = 0, count: int = 400) -> np.ndarray:
    """Random points of the hull: mixtures of its vertices, corners and edges among them."""
    weights = np.random.default_rng(seed).dirichlet(np.full(len(points), 0.3), count)
    return np.vstack([points, weights @ points])


def _outside_by(capsules: list[Capsule], points: np.ndarray) -> float:
    return float(np.min([capsule.distance(points) for capsule in capsules], axis=0).max())


@settings(max_examples=60)
@given(points=CLOUD)
def test_fit_holds_every_point(points):
    a, b, radius = fit_capsule(points)
    assert _outside_by([Capsule(a=a, b=b, radius=radius)], _inside(points)) <= 0.0


@settings(max_examples=40)
@given(points=CLOUD, most=st.integers(1, 4), gain=st.sampled_from([0.001, 0.1]))
def test_cover_holds_every_point_of_the_hull(points, most, gain):
    capsules = cover([points], most, gain)
    assert 1 <= len(capsules) <= most
    assert _outside_by(capsules, _inside(points)) <= 0.0


@settings(max_examples=20)
@given(first=CLOUD, second=CLOUD)
def test_cover_holds_every_piece(first, second):
    pieces = [first, second + np.array([1.5, 0.0, 0.0])]
    capsules = cover(pieces, 3, 0.01)
    for piece in pieces:
        assert _outside_by(capsules, _inside(piece)) <= 0.0


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((1, 3)),
        np.zeros((5, 3)),
        np.array([[0.0, 0, 0], [1.0, 0, 0]]),
        np.array([[0.0, 0, 0], [1.0, 0, 0], [2.0, 0, 0]]),
        np.array([[0.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 0]]),
    ],
    ids=["point", "repeated point", "segment", "collinear", "flat"],
)
def test_flat_solids_are_covered_too(points):
    a, b, radius = fit_capsule(points)
    assert _outside_by([Capsule(a=a, b=b, radius=radius)], _inside(points)) <= 0.0
    assert _outside_by(cover([points], 3, 0.01), _inside(points)) <= 0.0


def test_a_long_box_gets_its_own_axis_and_hardly_more_than_its_half_diagonal():
    a, b, radius = fit_capsule(BOX * [0.5, 0.05, 0.03])
    axis = (b - a) / np.linalg.norm(b - a)
    assert abs(axis[0]) > 0.999
    assert radius == pytest.approx(np.hypot(0.05, 0.03), rel=0.05)


def test_round_caps_do_not_stick_out_farther_than_they_must():
    """A capsule's own points are fitted by the capsule, not by a longer one."""
    rng = np.random.default_rng(1)
    ball = rng.normal(size=(4000, 3))
    ball = 0.1 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    a, b, radius = fit_capsule(np.vstack([ball, ball + np.array([0.4, 0.0, 0.0])]))
    fitted = Capsule(a=a, b=b, radius=radius)
    true = Capsule(a=np.zeros(3), b=np.array([0.4, 0.0, 0.0]), radius=0.1)
    assert fitted.volume < 1.02 * true.volume


def test_more_capsules_cut_a_slab_smaller():
    slab = BOX * [0.3, 0.2, 0.02]
    one, three = cover([slab], 1, 0.01), cover([slab], 3, 0.01)
    thickness = [max(abs(c.a[2]) + c.radius for c in found) for found in (one, three)]
    assert len(three) == 3
    assert thickness[1] < 0.6 * thickness[0]


def test_a_tip_is_overshot_by_less_where_it_matters():
    finger = BOX * [0.01, 0.03, 0.03]
    tip = Tip(direction=np.array([0.0, 0.0, 1.0]), weight=20.0)
    overshoot = [
        max(max(c.a[2], c.b[2]) + c.radius for c in cover([finger], 3, 0.05, side)) - 0.03
        for side in (None, tip)
    ]
    assert overshoot[1] < 0.003
    assert overshoot[1] <= overshoot[0]


def test_the_same_solid_gives_the_same_bits():
    points = np.random.default_rng(2).normal(size=(40, 3))
    once, again = cover([points], 3, 0.05), cover([points], 3, 0.05)
    for first, second in zip(once, again, strict=True):
        assert np.array_equal(first.a, second.a)
        assert np.array_equal(first.b, second.b)
        assert first.radius == second.radius
