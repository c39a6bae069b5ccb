"""What the tests of distances take for the truth is the truth, for shapes that are hard to tell apart too."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.optimize import linprog
from tests.guards.solid_cases import CUBE, turned
from tests.guards.true_distance import shown, to_box, to_hull

ROUNDING_M = 1e-9


def _doubled(seed: int) -> tuple[np.ndarray, np.random.Generator]:
    """Corners of which many nearly coincide, so that a hull of them has slivers for faces."""
    generator = np.random.default_rng(seed)
    noise = 10.0 ** generator.uniform(-15.0, -8.0)
    if seed % 2:
        points = np.repeat(CUBE * 10.0 ** generator.uniform(-3.5, 2.7, size=3), 8, axis=0)
    else:
        count = int(generator.integers(20, 64))
        points = generator.integers(-2, 3, size=(count, 3)) * 10.0 ** generator.uniform(-3.0, 2.6)
    points = points + generator.normal(size=points.shape) * noise * np.abs(points).max()
    return points @ turned(generator).T, generator


def _inside(seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    vertices, generator = _doubled(seed)
    for _ in range(4):
        yield vertices, generator.dirichlet(np.full(len(vertices), 0.3)) @ vertices


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_a_mixture_of_the_vertices_is_inside_however_near_they_are_to_each_other(first):
    for seed in range(first, first + 20):
        for vertices, point in _inside(seed):
            far = point + np.random.default_rng(seed).normal(size=3)
            assert to_hull(point, point, vertices) <= ROUNDING_M
            assert to_hull(point, far, vertices) <= ROUNDING_M


def test_what_a_linear_program_calls_inside_has_no_distance_and_the_rest_has_one():
    generator, told = np.random.default_rng(0), [0, 0]
    for seed in range(300):
        vertices, _ = _doubled(seed)
        size = np.abs(vertices).max()
        unit = vertices / size
        point = generator.dirichlet(np.full(len(unit), 0.1)) @ unit * generator.choice([0.9, 4.0])
        rows = np.vstack([unit.T, np.ones(len(unit))])
        inside = linprog(np.zeros(len(unit)), A_eq=rows, b_eq=[*point, 1.0], bounds=(0, None)).status == 0
        distance = to_hull(point * size, point * size, vertices) / size
        assert distance <= 1e-6 if inside else distance > 0.0, seed
        told[inside] += 1
    assert min(told) > 30


@pytest.mark.parametrize("noise", [0.0, 1e-15, 1e-13, 1e-11])
def test_a_box_of_doubled_corners_is_as_far_as_rational_numbers_say(noise):
    generator = np.random.default_rng(3)
    for _ in range(150):
        half = generator.uniform(0.05, 1.0, size=3)
        vertices = np.repeat(CUBE * half, 4, axis=0)
        vertices += noise * generator.normal(size=vertices.shape)
        a, b = generator.uniform(-2.0, 2.0, size=(2, 3))
        assert to_hull(a, b, vertices) == pytest.approx(to_box(a, b, -half, half), abs=10 * noise + 1e-12)


def test_the_bounds_shown_without_a_face_are_near_to_each_other_and_to_the_faces():
    generator = np.random.default_rng(4)
    for _ in range(300):
        vertices = generator.normal(size=(int(generator.integers(4, 40)), 3))
        a, b = generator.normal(size=(2, 3)) * 3.0
        least, most = shown(a, b, vertices)
        assert least <= most <= least + 1e-7
        assert to_hull(a, b, vertices) == pytest.approx(most, abs=1e-12)
