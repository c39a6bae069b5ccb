from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import pytest

from interlock.errors import PlanRefusedError
from interlock.planners.clearance import (
    EDGE_MARGIN_M,
    SOLID_GAP_M,
    SPACING_M,
    why_blocked,
    why_in_the_way,
)
from interlock.planners.domain import Domain, DomainObject, Role
from interlock.planners.layout import Layout
from interlock.planners.placement import MAX_QUESTIONS, choose_place, choose_push, push_start, tool_point

Point = tuple[float, float, float]


def anywhere(_: Point) -> None:
    return None


@pytest.fixture
def layout(domain: Domain) -> Layout:
    return Layout.of(domain)


def test_the_first_object_goes_to_the_middle_of_a_tray(layout: Layout) -> None:
    assert choose_place("red_block", "tray", (), layout, anywhere) == (0.45, 0.38, 0.04)


def test_objects_in_a_tray_keep_apart_and_off_the_walls(layout: Layout) -> None:
    places: list[Point] = []
    for name in ("red_block", "green_block", "blue_block", "yellow_block"):
        place = choose_place(name, "tray", (), layout.lifted(name), anywhere)
        layout = layout.put(name, "tray", place)
        places.append(place)
    for one, other in combinations(places, 2):
        assert math.dist(one, other) >= SPACING_M
    for x, y, _ in places:
        assert abs(x - 0.45) <= 0.15 - EDGE_MARGIN_M
        assert abs(y - 0.38) <= 0.12 - EDGE_MARGIN_M


def test_an_object_stands_with_its_underside_on_the_support(layout: Layout) -> None:
    assert choose_place("red_block", "tray", (), layout, anywhere)[2] == pytest.approx(0.01 + 0.03)
    assert choose_place("red_block", "table", (), layout, anywhere)[2] == pytest.approx(0.0 + 0.03)


def test_the_same_question_has_the_same_answer(layout: Layout) -> None:
    ask = [choose_place("red_block", "table", (), layout, anywhere) for _ in range(2)]
    assert ask[0] == ask[1]


def test_prefers_a_place_that_can_be_reached(layout: Layout) -> None:
    place = choose_place("red_block", "tray", (), layout, lambda p: None if p[0] < 0.42 else "too far behind")
    assert place[0] < 0.42
    assert why_blocked("red_block", place, "tray", layout) is None


def test_gives_up_after_a_bounded_number_of_questions(layout: Layout) -> None:
    asked: list[Point] = []

    def never(point: Point) -> str:
        asked.append(point)
        return "the arm is too short"

    with pytest.raises(PlanRefusedError, match="the arm is too short") as caught:
        choose_place("red_block", "table", (), layout, never)
    assert caught.value.rule == "points_reachable"
    assert 1 <= len(asked) <= MAX_QUESTIONS


def test_asks_far_apart_places_too(layout: Layout) -> None:
    place = choose_place("red_block", "table", (), layout, lambda p: None if p[1] > 0.5 else "no")
    assert place[1] > 0.5


def test_a_full_tray_is_refused(change: Callable[..., Domain]) -> None:
    small = Layout.of(change("tray", size=(0.13, 0.13, 0.01)))
    layout = small.put("blue_block", "tray", (0.45, 0.38, 0.04))
    with pytest.raises(PlanRefusedError, match="no free place") as caught:
        choose_place("red_block", "tray", (), layout, anywhere)
    assert caught.value.rule == "no_free_place"


def test_a_support_smaller_than_the_margins_is_refused(change: Callable[..., Domain]) -> None:
    with pytest.raises(PlanRefusedError) as caught:
        choose_place("red_block", "tray", (), Layout.of(change("tray", size=(0.08, 0.2, 0.01))), anywhere)
    assert caught.value.rule == "no_free_place"


@pytest.mark.parametrize(
    ("place", "support", "why"),
    [
        ((0.45, 0.38, 0.04), "tray", None),
        ((0.45, 0.38, 0.05), "tray", "not stand"),
        ((0.45, 0.38, math.nan), "tray", "not stand"),
        ((0.55 + 1e-3, 0.38, 0.04), "tray", "5 cm from the edge"),
        ((0.55 - 1e-6, 0.38, 0.04), "tray", None),
        ((0.30, 0.10, 0.03), "table", None),
        ((0.45, 0.38, 0.03), "table", "too near to tray"),
        ((0.45, 0.38 - 0.12 - 0.02 - SOLID_GAP_M + 1e-3, 0.03), "table", "too near to tray"),
        ((0.45, 0.38 - 0.12 - 0.02 - SOLID_GAP_M - 1e-3, 0.03), "table", None),
        ((0.62, 0.12, 0.03), "table", "too near to pillar"),
        ((0.62, 0.12 - 0.03 - 0.02 - SOLID_GAP_M - 1e-3, 0.03), "table", None),
        ((0.15, 0.45, 0.03), "table", "too near to keep_out"),
        ((0.55, -0.15 + SPACING_M - 1e-3, 0.03), "table", "7 cm from green_block"),
        ((0.55, -0.15 + SPACING_M + 1e-3, 0.03), "table", None),
        ((0.86, -0.50, 0.03), "table", "from the edge"),
    ],
)
def test_a_place_is_free_or_says_why_not(layout: Layout, place: Point, support: str, why: str | None) -> None:
    answer = why_blocked("red_block", place, support, layout)
    if why is None:
        assert answer is None
    else:
        assert answer is not None
        assert why in answer


def test_what_hangs_high_above_does_not_count(change: Callable[..., Domain]) -> None:
    high = Layout.of(change("keep_out", position=(0.15, 0.45, 1.0), size=(3.0, 3.0, 0.2)))
    assert why_blocked("red_block", (0.15, 0.45, 0.03), "table", high) is None
    low = Layout.of(change("keep_out", position=(0.15, 0.45, 0.30), size=(3.0, 3.0, 0.2)))
    assert why_blocked("red_block", (0.15, 0.45, 0.03), "table", low) is not None


def test_a_relation_and_a_zone_narrow_the_place(layout: Layout) -> None:
    left = choose_place("red_block", "table", (("left_of", "red_block", "tray"),), layout, anywhere)
    assert left[1] > 0.38 + 0.12 + 0.02
    zone = choose_place("red_block", "table", (("in", "red_block", "handover_zone"),), layout, anywhere)
    assert zone == (0.60, -0.52, 0.03)


def test_next_to_takes_another_side_where_one_cannot_be_reached(layout: Layout) -> None:
    region = (("next_to", "red_block", "tray"),)
    place = choose_place("red_block", "table", region, layout, lambda p: None if p[1] > 0.5 else "no")
    assert place[1] > 0.5


def test_reaches_above_the_top_of_a_thing_or_to_the_middle_of_a_zone(layout: Layout) -> None:
    assert tool_point("red_block", layout) == (0.45, -0.25, pytest.approx(0.21))
    assert tool_point("tray", layout) == (0.45, 0.38, pytest.approx(0.16))
    assert tool_point("handover_zone", layout) == (0.60, -0.52, 0.05)
    with pytest.raises(PlanRefusedError, match="in the hand"):
        tool_point("red_block", layout.lifted("red_block"))


def test_pushes_straight_to_the_middle_of_a_zone(layout: Layout) -> None:
    assert choose_push("yellow_block", "handover_zone", layout, anywhere) == (0.60, -0.52, 0.03)


def test_a_push_ends_on_the_support_even_if_the_object_was_measured_a_little_too_high(
    change: Callable[..., Domain],
) -> None:
    measured = Layout.of(change("yellow_block", position=(0.55, -0.32, 0.034)))
    assert choose_push("yellow_block", "handover_zone", measured, anywhere) == (0.60, -0.52, 0.03)


def test_does_not_push_through_other_objects(layout: Layout) -> None:
    with pytest.raises(PlanRefusedError, match="red_block is in the way"):
        choose_push("blue_block", "handover_zone", layout, anywhere)


@pytest.mark.parametrize(
    ("name", "end", "why"),
    [
        ("blue_block", (0.30, 0.00, 0.03), None),
        ("blue_block", (0.75, 0.12, 0.03), "pillar"),
        ("blue_block", (0.45, 0.38, 0.03), "tray"),
        ("green_block", (0.55, -0.50, 0.03), "yellow_block"),
        ("red_block", (0.40, -0.30, 0.03), "green_block"),  # stands where the tool would start
        ("blue_block", (0.45, -0.05, 0.03), "already"),
    ],
)
def test_a_way_is_free_or_says_what_is_in_it(
    change: Callable[..., Domain], name: str, end: Point, why: str | None
) -> None:
    layout = Layout.of(change("blue_block", position=(0.45, 0.0, 0.03)))
    if why == "already":
        layout = layout.put("blue_block", "table", end)
    answer = why_in_the_way(name, end, layout)
    assert (answer is None) if why is None else (answer is not None and why in answer)


@pytest.mark.parametrize(("x", "y", "free"), [(0.60, 0.055, True), (0.595, 0.05, False)])
def test_a_neighbour_is_in_the_way_by_its_distance_not_by_a_square_around_it(
    change: Callable[..., Domain], x: float, y: float, free: bool
) -> None:
    layout = Layout.of(change("blue_block", position=(0.45, 0.0, 0.03)))
    layout = layout.put("red_block", "table", (x, y, 0.03))
    assert (why_in_the_way("blue_block", (0.30, 0.0, 0.03), layout) is None) is free


def test_a_push_needs_room_for_the_tool_behind_the_object(layout: Layout) -> None:
    start = layout.positions["yellow_block"]
    assert push_start(start, (0.55, -0.52, 0.03)) == (0.55, pytest.approx(-0.27), 0.03)
    asked: list[Point] = []
    choose_push("yellow_block", "handover_zone", layout, asked.append)  # type: ignore[arg-type]
    assert len(asked) == 2
    with pytest.raises(PlanRefusedError) as caught:
        choose_push("yellow_block", "handover_zone", layout, lambda p: "no" if p[1] > -0.32 else None)
    assert caught.value.rule == "points_reachable"


def test_an_empty_answer_is_a_reason_too(layout: Layout) -> None:
    with pytest.raises(PlanRefusedError):
        choose_push("yellow_block", "handover_zone", layout, lambda _: "")
    with pytest.raises(PlanRefusedError):
        choose_place("red_block", "tray", (), layout, lambda _: "")


def test_larger_objects_keep_more_room() -> None:
    def thing(name: str, x: float, side: float) -> DomainObject:
        return DomainObject(
            name=name,
            noun="crate",
            color="",
            role=Role.MOVABLE,
            position=(x, 0, 0.05),
            size=(side, side, 0.1),
            on="t",
        )

    table = DomainObject(
        name="t", noun="table", color="", role=Role.SUPPORT, position=(0, 0, -0.01), size=(4, 4, 0.02)
    )
    layout = Layout.of(Domain(objects=(table, thing("a", 0, 0.2), thing("b", 1, 0.3)), skills=()))
    assert why_blocked("b", (0.25, 0.0, 0.05), "t", layout) is not None
    assert why_blocked("b", (0.27, 0.0, 0.05), "t", layout) is None
