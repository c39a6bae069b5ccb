"""A hull has the faces that its vertices give it, and none if it has no thickness."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection

from interlock.hal.polytope import THINNEST_M, polytope_of
from interlock.hal.scene import FURTHEST_M

CUBE = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


def test_a_cube_has_six_facets_and_twelve_edges():
    found = polytope_of(0.1 * CUBE)
    assert found is not None
    assert found.corners.shape == (8, 3)
    np.testing.assert_allclose(np.abs(found.facets).sum(axis=1), 1.1)
    assert found.facets.shape == (6, 4)
    assert found.edges.shape == (12, 14)
    assert found.triangles.shape == (12, 3)
    np.testing.assert_allclose(np.linalg.norm(found.edges[:, :3] - found.edges[:, 3:6], axis=1), 0.2)


def test_points_inside_count_for_nothing():
    generator = np.random.default_rng(0)
    inside = generator.uniform(-0.9, 0.9, size=(20, 3))
    found = polytope_of(np.vstack([inside, CUBE]))
    assert found is not None
    np.testing.assert_array_equal(np.unique(found.corners, axis=0), np.unique(CUBE, axis=0))
    assert found.facets.shape == (6, 4)


@given(seed=st.integers(0, 10_000), count=st.integers(4, 64))
def test_every_vertex_is_inside_and_the_triangles_close(seed, count):
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(count, 3)) * generator.uniform(0.01, 0.5, size=3) + generator.normal(
        size=3
    )
    found = polytope_of(points)
    if found is None:
        return
    assert ((points - found.centre) @ found.facets[:, :3].T <= found.facets[:, 3] + 1e-15).all()
    np.testing.assert_allclose(np.linalg.norm(found.facets[:, :3], axis=1), 1.0)
    assert len(found.corners) - 3 * len(found.triangles) // 2 + len(found.triangles) == 2  # Euler
    a, b, c = (found.corners[found.triangles[:, k]] - found.corners[0] for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0  # positive: all turned outward
    assert volume == pytest.approx(ConvexHull(points).volume)


@pytest.mark.parametrize(
    "vertices",
    [
        CUBE[:3],
        CUBE * [1.0, 1.0, 0.0],
        CUBE * [1.0, 1.0, 0.49 * THINNEST_M],
        np.zeros((5, 3)),
        np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]], dtype=float),
        np.where(CUBE == CUBE[0, 0], np.nan, CUBE),
        np.where(CUBE == CUBE[0, 0], np.inf, CUBE),
        np.empty((0, 3)),
    ],
    ids=["three", "flat", "thin", "point", "line", "nan", "inf", "none"],
)
def test_what_has_no_thickness_is_no_hull(vertices):
    assert polytope_of(vertices) is None


@pytest.mark.parametrize("away", [[0.0, 0.0, 0.0], [997.0, -998.0, 999.0]])
def test_a_hull_is_about_its_own_middle_wherever_its_vertices_are(away):
    near, found = polytope_of(CUBE), polytope_of(CUBE + away)
    np.testing.assert_array_equal(found.centre, away)
    for table in ("corners", "facets", "edges", "triangles"):
        np.testing.assert_array_equal(getattr(found, table), getattr(near, table))


def test_a_hull_reaches_to_the_bound_and_no_further():
    assert polytope_of(CUBE * FURTHEST_M) is not None
    assert polytope_of(CUBE * np.nextafter(FURTHEST_M, np.inf)) is None


def test_vertices_however_large_are_no_crash():
    code = (
        "import numpy as np\n"
        "from interlock.hal.polytope import polytope_of\n"
        "generator = np.random.default_rng(0)\n"
        "for size in (1e4, 1e20, 1e100, 1e150, 1e154, 1e200, 1e300, 1e307):\n"
        "    for _ in range(100):\n"
        "        points = generator.normal(size=(int(generator.integers(4, 65)), 3)) * size\n"
        "        assert polytope_of(points) is None\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_just_thick_enough_is_one():
    assert polytope_of(CUBE * [1.0, 1.0, 0.51 * THINNEST_M]) is not None


def test_the_same_vertices_give_the_same_numbers_and_nobody_can_change_them():
    one, other = polytope_of(CUBE), polytope_of(CUBE.copy())
    assert one is other
    with pytest.raises(ValueError, match="read-only"):
        one.facets[0, 0] = 2.0


@pytest.mark.parametrize("seed", range(12))
def test_points_are_within_all_facets_exactly_where_a_linear_program_mixes_them_from_the_vertices(seed):
    generator, told = np.random.default_rng(seed), [0, 0]
    vertices = generator.normal(size=(int(generator.integers(4, 40)), 3)) * generator.uniform(
        0.2, 1.0, size=3
    )
    if seed % 3 == 0:  # faces of more than three corners, which Qhull gives in pieces
        vertices = CUBE * generator.uniform(0.1, 1.0, size=3) @ np.linalg.qr(generator.normal(size=(3, 3)))[0]
    found = polytope_of(vertices)
    rows = np.vstack([vertices.T, np.ones(len(vertices))])
    for _ in range(120):
        point = generator.dirichlet(np.full(len(vertices), 0.2)) @ vertices * generator.uniform(0.8, 3.0)
        height = (found.facets[:, :3] @ (point - found.centre) - found.facets[:, 3]).max()
        if abs(height) < 1e-6:  # nearer than the program can tell
            continue
        answer = linprog(np.zeros(len(vertices)), A_eq=rows, b_eq=[*point, 1.0], bounds=(0, None))
        assert answer.status in (0, 2)
        assert (height < 0.0) == (answer.status == 0)
        told[answer.status == 0] += 1
    assert min(told) > 5


@pytest.mark.parametrize("seed", range(12))
def test_each_facet_is_as_far_out_as_the_vertices_and_every_vertex_that_sticks_out_is_a_corner(seed):
    generator = np.random.default_rng(seed)
    vertices = generator.normal(size=(20, 3)) * generator.uniform(0.05, 1.0, size=3)
    found = polytope_of(vertices)
    for row in found.facets:  # what a linear program finds furthest out along the normal, without any hull
        best = linprog(-row[:3] @ (vertices - found.centre).T, A_eq=np.ones((1, 20)), b_eq=[1.0])
        assert -best.fun == pytest.approx(row[3], abs=1e-9)
    for k, vertex in enumerate(vertices):
        others = np.delete(vertices, k, axis=0)
        rows = np.vstack([others.T, np.ones(19)])
        inside = linprog(np.zeros(19), A_eq=rows, b_eq=[*vertex, 1.0], bounds=(0, None)).status == 0
        assert inside != (np.abs(found.corners + found.centre - vertex).max(axis=1) < 1e-12).any()


@pytest.mark.parametrize("seed", range(12))
def test_the_corners_are_where_the_facets_meet_and_edges_lie_in_both_of_theirs(seed):
    generator = np.random.default_rng(seed)
    vertices = generator.normal(size=(16, 3)) * generator.uniform(0.2, 1.0, size=3)
    found = polytope_of(vertices)
    planes = np.column_stack([found.facets[:, :3], -found.facets[:, 3]])
    meeting = HalfspaceIntersection(planes, found.corners.mean(axis=0)).intersections
    apart = np.linalg.norm(meeting[:, None] - found.corners[None], axis=2)
    assert apart.min(axis=1).max() < 1e-9
    assert apart.min(axis=0).max() < 1e-9
    for row in found.edges:
        for end in (row[:3], row[3:6]):
            assert np.abs([row[6:9] @ end - row[9], row[10:13] @ end - row[13]]).max() < 1e-12
