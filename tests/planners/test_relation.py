from __future__ import annotations

import pytest

from interlock.planners.domain import Domain
from interlock.planners.layout import Layout
from interlock.planners.relation import MAX_GAP_M, SIDES, holds

# The tray is 0.30 × 0.24 m at (0.45, 0.38); the block 0.04 × 0.04 m.
EDGE = {"left_of": 0.38 + 0.12 + 0.02, "right_of": 0.38 - 0.12 - 0.02}


def layout_with_red_at(domain: Domain, x: float, y: float, z: float = 0.03) -> Layout:
    return Layout.of(domain).put("red_block", "table", (x, y, z))


@pytest.mark.parametrize(
    ("relation", "x", "y"),
    [
        ("left_of", 0.45, 0.58),
        ("right_of", 0.45, 0.18),
        ("in_front_of", 0.20, 0.38),
        ("behind", 0.70, 0.38),
    ],
)
def test_left_is_plus_y_and_behind_is_plus_x(domain: Domain, relation: str, x: float, y: float) -> None:
    layout = layout_with_red_at(domain, x, y)
    true = {side for side in SIDES if holds((side, "red_block", "tray"), layout)}
    assert true == {relation}
    assert holds(("next_to", "red_block", "tray"), layout)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (EDGE["left_of"] - 1e-4, False),
        (EDGE["left_of"] + 1e-4, True),
        (EDGE["left_of"] + MAX_GAP_M - 1e-4, True),
        (EDGE["left_of"] + MAX_GAP_M + 1e-4, False),
    ],
)
def test_left_reaches_from_contact_to_the_largest_gap(domain: Domain, y: float, expected: bool) -> None:
    assert holds(("left_of", "red_block", "tray"), layout_with_red_at(domain, 0.45, y)) is expected


@pytest.mark.parametrize(("x", "expected"), [(0.30, True), (0.2999, False), (0.60, True), (0.6001, False)])
def test_left_lies_within_the_breadth_of_the_other(domain: Domain, x: float, expected: bool) -> None:
    assert holds(("left_of", "red_block", "tray"), layout_with_red_at(domain, x, 0.58)) is expected


@pytest.mark.parametrize(
    ("x", "y", "z", "expected"),
    [
        (0.60, -0.52, 0.03, True),
        (0.50, -0.52, 0.03, True),
        (0.4999, -0.52, 0.03, False),
        (0.60, -0.52, 0.50, False),
    ],
)
def test_a_zone_contains_by_centre_and_height(
    domain: Domain, x: float, y: float, z: float, expected: bool
) -> None:
    layout = layout_with_red_at(domain, x, y, z)
    assert holds(("in", "red_block", "handover_zone"), layout) is expected


def test_nothing_in_the_hand_is_anywhere(domain: Domain) -> None:
    layout = layout_with_red_at(domain, 0.45, 0.58).lifted("red_block")
    assert not holds(("left_of", "red_block", "tray"), layout)
    assert not holds(("next_to", "blue_block", "red_block"), layout)


def test_nothing_is_beside_itself(domain: Domain) -> None:
    assert not holds(("next_to", "red_block", "red_block"), Layout.of(domain))
