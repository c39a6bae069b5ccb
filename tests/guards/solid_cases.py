"""Random segments beside random hulls and half-spaces, and what the kernels say of them.

As a program it prints what they say, so that they can be asked interpreted as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interlock.guards.nearest_part import nearest_to_part
from interlock.guards.part_distance import part_distance
from interlock.guards.part_kind import HALF_SPACE, HULL
from interlock.hal.polytope import Polytope, polytope_of

Array = NDArray[np.float64]

COUNT = 300
CUBE = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])


@dataclass(frozen=True, kw_only=True)
class Case:
    """A segment ab, and a hull or (None) the half-space below the third axis of `rot`."""

    a: Array
    b: Array
    rot: Array
    pos: Array
    hull: Polytope | None

    def tables(self) -> tuple[Array, Array, Array, Array]:
        if self.hull is None:
            return np.zeros((1, 6), dtype=np.int64), np.empty((0, 4)), np.empty((0, 14)), np.empty((0, 3))
        counts = [len(t) for t in (self.hull.facets, self.hull.edges, self.hull.corners)]
        span = np.array([[0, counts[0], 0, counts[1], 0, counts[2]]], dtype=np.int64)
        return span, self.hull.facets, self.hull.edges, self.hull.corners


def turned(generator: np.random.Generator) -> Array:
    q, r = np.linalg.qr(generator.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    return np.ascontiguousarray(q)


def cases(seed: int, count: int = COUNT) -> Iterator[Case]:
    """Of points in general position, of boxes, and on a coarse grid, where all is parallel or touches."""
    generator = np.random.default_rng(seed)
    made = 0
    while made < count:
        kind = made % 4
        rot, pos = turned(generator), generator.uniform(-0.5, 0.5, size=3)
        a, b = generator.uniform(-1.0, 1.0, size=(2, 3))
        hull = None
        if kind == 0:
            hull = polytope_of(
                generator.normal(size=(generator.integers(4, 24), 3)) * generator.uniform(0.02, 0.3, 3)
            )
        elif kind == 1:
            hull = polytope_of(CUBE * generator.uniform(0.05, 0.4, size=3))
        elif kind == 2:
            hull = polytope_of(generator.integers(-2, 3, size=(8, 3)) * 0.1)
            rot, pos = np.eye(3), np.zeros(3)
            a, b = generator.integers(-4, 5, size=(2, 3)) * 0.1
        if kind < 3 and hull is None:
            continue
        if generator.random() < 0.1:
            b = a.copy()
        made += 1
        yield Case(a=a, b=b, rot=rot, pos=pos, hull=hull)


def by_verifier(case: Case) -> tuple[float, Array, Array]:
    """Distance and the closest points on the segment and on the solid."""
    span, facets, edges, _ = case.tables()
    kind = np.array([HALF_SPACE if case.hull is None else HULL], dtype=np.int8)
    none = np.zeros((1, 3))
    found = part_distance(
        case.a[None], case.b[None], 0, 0, kind, case.rot[None], case.pos[None], none, none, none,
        span, facets, edges,
    )  # fmt: skip
    return found[0], np.array(found[1:4]), np.array(found[4:])


def by_projector(case: Case) -> tuple[float, Array, Array]:
    span, _, _, corners = case.tables()
    kind = np.array([HALF_SPACE if case.hull is None else HULL], dtype=np.int8)
    none = np.zeros((1, 3))
    point, other = np.empty(3), np.empty(3)
    distance = nearest_to_part(
        case.a[None], case.b[None], 0, 0, kind, case.rot[None], case.pos[None], none, none, none,
        span, corners, point, other,
    )  # fmt: skip
    return distance, point, other


if __name__ == "__main__":
    print(json.dumps([[by_verifier(case)[0], by_projector(case)[0]] for case in cases(1)]))
