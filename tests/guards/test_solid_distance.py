"""Distances to hulls and half-spaces are exact, asked either way, compiled or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import coal
import numpy as np
import pytest
from tests.guards.solid_cases import CUBE, Case, by_projector, by_verifier, cases
from tests.properties.oracle import convex

from interlock.guards.compile import NUMERIC_PATH
from interlock.guards.nearest_part import way_out
from interlock.guards.part_kind import HALF_SPACE, HULL
from interlock.hal.polytope import polytope_of

ASKED = {"verifier": by_verifier, "projector": by_projector}
RADIUS = 0.01
TOLERANCE = 1e-9


def _by_coal(case: Case) -> float:
    """Distance of the axis, or a number below 0 where a thin capsule about it touches."""
    way = case.b - case.a
    length = float(np.linalg.norm(way))
    along = way / length if length > 0.0 else np.array([0.0, 0.0, 1.0])
    side = np.cross(np.eye(3)[int(np.argmin(np.abs(along)))], along)
    side /= np.linalg.norm(side)
    place = coal.Transform3s(np.stack([side, np.cross(along, side), along], axis=1), (case.a + case.b) / 2.0)
    solid = coal.Halfspace(np.array([0.0, 0.0, 1.0]), 0.0) if case.hull is None else convex(case.hull.corners)
    at = coal.Transform3s(case.rot, case.pos)
    found = coal.distance(
        coal.Capsule(RADIUS, length), place, solid, at, coal.DistanceRequest(), coal.DistanceResult()
    )
    return float(found) + RADIUS if found > 0.0 or case.hull is None else -1.0


@pytest.mark.parametrize("asked", ASKED)
def test_matches_coal(asked):
    apart, together = 0, 0
    for case in cases(1):
        theirs, ours = _by_coal(case), ASKED[asked](case)[0]
        if theirs > 0.0 or case.hull is None:
            assert ours == pytest.approx(theirs, abs=TOLERANCE)
            apart += 1
        else:
            assert ours <= RADIUS + TOLERANCE
            together += 1
    assert apart > 100
    assert together > 30


def test_both_ways_of_asking_agree_to_rounding_and_their_points_are_real():
    for case in cases(2, 2000):
        (one, on_segment, on_solid), other = by_verifier(case), by_projector(case)
        assert one == pytest.approx(other[0], abs=1e-12)
        for point, mate in ((on_segment, on_solid), other[1:]):
            assert np.linalg.norm(point - mate) == pytest.approx(abs(one), abs=1e-12)
            share = (
                (point - case.a)
                @ (case.b - case.a)
                / max(float((case.b - case.a) @ (case.b - case.a)), 1e-300)
            )
            assert np.linalg.norm(case.a + share * (case.b - case.a) - point) < 1e-12
            local = case.rot.T @ (mate - case.pos)
            if case.hull is None:
                assert abs(local[2]) < 1e-12
            else:
                assert (case.hull.facets[:, :3] @ local - case.hull.facets[:, 3]).max() < 1e-12


@pytest.mark.skipif(NUMERIC_PATH == "interpreted", reason="there is nothing to compare")
def test_interpreted_kernels_give_the_same_numbers():
    done = subprocess.run(
        [sys.executable, "-m", "tests.guards.solid_cases"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = np.array(json.loads(done.stdout))
    ours = np.array([[ask(case)[0] for ask in ASKED.values()] for case in cases(1)])
    np.testing.assert_allclose(ours, told, rtol=0.0, atol=TOLERANCE)


@pytest.mark.parametrize("asked", ASKED)
def test_the_gradient_is_the_way_between_the_points(asked):
    generator, step, compared = np.random.default_rng(3), 1e-6, 0
    for case in cases(4):
        distance, point, other = ASKED[asked](case)
        if case.hull is not None and not distance > 1e-3:
            continue
        normal = (point - other) / distance
        assert np.linalg.norm(normal) == pytest.approx(1.0, abs=1e-9)
        way = generator.normal(size=3)
        ahead, behind = (
            ASKED[asked](
                Case(a=case.a + s * way, b=case.b + s * way, rot=case.rot, pos=case.pos, hull=case.hull)
            )[0]
            for s in (step, -step)
        )
        one, two = (ahead - distance) / step, (distance - behind) / step
        assert one <= normal @ way + 1e-4  # a distance to a convex solid is convex in a shift
        assert two >= normal @ way - 1e-4 - abs(one - two)
        if abs(one - two) < 1e-4:
            assert (one + two) / 2 == pytest.approx(normal @ way, abs=1e-4)
            compared += 1
    assert compared > 150


@pytest.mark.parametrize("asked", ASKED)
def test_no_shift_changes_a_distance_by_more_than_its_length(asked):
    generator = np.random.default_rng(5)
    for case in cases(6):
        far = generator.normal(size=3) * generator.choice([1e-6, 1e-2, 0.3])
        there = Case(a=case.a + far, b=case.b + far, rot=case.rot, pos=case.pos, hull=case.hull)
        assert abs(ASKED[asked](there)[0] - ASKED[asked](case)[0]) <= np.linalg.norm(far) + 1e-12


@pytest.mark.parametrize("asked", ASKED)
def test_right_through_a_hull_is_no_distance(asked):
    solid = polytope_of(CUBE)
    for a, b in (
        ([-3.0, 0.1, 0.2], [3.0, 0.1, 0.2]),
        ([0.1, 0.2, 0.3], [0.2, 0.1, 0.0]),
        ([0.1] * 3, [0.1] * 3),
    ):
        case = Case(a=np.array(a), b=np.array(b), rot=np.eye(3), pos=np.zeros(3), hull=solid)
        distance, point, other = ASKED[asked](case)
        assert distance == 0.0
        np.testing.assert_allclose(point, other, atol=1e-12)
        assert (np.abs(point) <= 1.0 + 1e-12).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("solid", [polytope_of(CUBE), None])
def test_gives_nan_for_any_number_that_is_not_finite(bad, asked, solid):
    for place in range(12):
        values = np.array([3.0, 0.5, 0.2, 2.0, 0.4, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
        values[place] = bad
        rot = np.eye(3)
        rot[:, 2] = values[9:]
        case = Case(a=values[:3], b=values[3:6], rot=rot, pos=values[6:9], hull=solid)
        with np.errstate(invalid="ignore"):
            assert not np.isfinite(ASKED[asked](case)[0])


def test_the_way_out_leads_through_the_nearest_face():
    generator = np.random.default_rng(7)
    for case in cases(8):
        span, facets, _, _ = case.tables()
        kind = np.array([HALF_SPACE if case.hull is None else HULL], dtype=np.int8)
        local = np.zeros(3)
        if case.hull is not None:
            local = generator.dirichlet(np.ones(len(case.hull.corners))) @ case.hull.corners
        point, normal = case.pos + case.rot @ local, np.empty(3)
        way_out(point, 0, kind, case.rot[None], case.pos[None], np.zeros((1, 3)), span, facets, normal)
        assert np.linalg.norm(normal) == pytest.approx(1.0)
        if case.hull is None:
            np.testing.assert_array_equal(normal, case.rot[:, 2])
            continue
        depth = float((case.hull.facets[:, 3] - case.hull.facets[:, :3] @ local).min())
        out = case.rot.T @ (point + (depth + 1e-9) * normal - case.pos)
        assert (case.hull.facets[:, :3] @ out - case.hull.facets[:, 3]).max() > 0.0
