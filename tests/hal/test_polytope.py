"""A hull has the faces that its vertices give it, and none if it has no thickness."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

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
