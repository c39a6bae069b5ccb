"""Variation: seen and held out never meet, and a varied cell is a cell like any other."""

from __future__ import annotations

import json

import pytest

from interlock.errors import BadInputError
from interlock.hal.look import Look
from interlock.orchestrator.axes import SPREADS, Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.spread import Split
from interlock.orchestrator.variation import Variation, axes_named
from interlock.planners.domain import Role
from interlock.policy.wording import Wording

pytest.importorskip("pybullet_data")
CELLS = ("panda_tabletop", "xarm6_tabletop")


@pytest.fixture(scope="module", params=CELLS)
def cell(request: pytest.FixtureRequest) -> Cell:
    return Cell.load(request.param)


@pytest.mark.parametrize("axis", list(Axis))
def test_what_is_seen_and_what_is_held_out_have_nothing_in_common(axis: Axis) -> None:
    assert SPREADS[axis]
    assert not any(spread.overlap() for spread in SPREADS[axis].values())


@pytest.mark.parametrize("split", list(Split))
def test_a_varied_cell_passes_the_checks_of_a_cell(cell: Cell, split: Split) -> None:
    for seed in range(4):
        varied = Variation.draw(cell, dict.fromkeys(Axis, split), seed).apply(cell)
        poses = [o.object_in_world[:3, 3] for o in varied.scene_objects(seed)]
        assert len(poses) == len(cell.file.scene.objects)
        assert varied.embodiment().fingerprint == cell.embodiment().fingerprint
        assert varied.file.guards == cell.file.guards
        assert varied.file.robot == cell.file.robot


def test_planner_and_simulator_mean_the_same_varied_blocks(cell: Cell) -> None:
    varied = Variation.draw(cell, dict.fromkeys(Axis, Split.HELD_OUT), 3).apply(cell)
    for thing in varied.domain(0).objects:
        if thing.role is Role.MOVABLE:
            item = next(o for o in varied.scene_objects(0) if o.name == thing.name)
            assert thing.position == pytest.approx(item.object_in_world[:3, 3])
            assert thing.size == pytest.approx(2.0 * item.parts[0].shape.half_extents_m)  # type: ignore[union-attr]


def test_positions_seen_and_held_out_are_places_apart(cell: Cell) -> None:
    nominal = {o.name: o.position_m for o in cell.file.scene.objects}

    def furthest(split: Split, seed: int) -> list[float]:
        varied = Variation.draw(cell, {Axis.POSITION: split}, seed).apply(cell)
        moved = [(o.position_m, nominal[o.name]) for o in varied.file.scene.objects if o.role == "movable"]
        return [max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in moved if a is not None and b is not None]

    assert max(max(furthest(Split.SEEN, seed)) for seed in range(10)) <= 0.0300001
    assert min(min(furthest(Split.HELD_OUT, seed)) for seed in range(10)) >= 0.0359999


def test_an_arrangement_exchanges_places_and_keeps_heights(cell: Cell) -> None:
    variation = Variation.draw(cell, {Axis.ARRANGEMENT: Split.HELD_OUT}, 1)
    before, after = (
        {o.name: o.position_m for o in c.file.scene.objects if o.role == "movable"}
        for c in (cell, variation.apply(cell))
    )
    assert before != after
    assert sorted(before.values()) == sorted(after.values())  # type: ignore[type-var]


def test_the_same_seed_draws_the_same_and_an_axis_does_not_depend_on_the_others(cell: Cell) -> None:
    whole = Variation.seen(cell, Axis, 7)
    assert whole == Variation.seen(cell, Axis, 7)
    assert whole.drawn[Axis.LIGHTING] == Variation.seen(cell, [Axis.LIGHTING], 7).drawn[Axis.LIGHTING]
    assert whole.drawn[Axis.LIGHTING] != Variation.seen(cell, [Axis.LIGHTING], 8).drawn[Axis.LIGHTING]


def test_a_variation_comes_back_from_json(cell: Cell) -> None:
    variation = Variation.draw(cell, {Axis.TEXTURE: Split.HELD_OUT, Axis.PARAPHRASE: Split.SEEN}, 5)
    again = Variation.from_json(json.loads(json.dumps(variation.to_json())))
    assert again == variation
    assert again.look == variation.look
    assert again.wording == variation.wording


def test_no_variation_is_the_cell_as_it_is(cell: Cell) -> None:
    none = Variation.none()
    assert none.apply(cell) is cell
    assert none.look == Look()
    assert none.wording == Wording()


def test_refuses_an_axis_and_a_variation_that_are_none() -> None:
    with pytest.raises(BadInputError, match=r"variation.*lightning.*'lighting'"):
        axes_named("position,lightning")
    with pytest.raises(BadInputError, match="no variation"):
        Variation.from_json({"seed": 0, "splits": {"weather": "seen"}, "drawn": {}})
    assert axes_named("all") == tuple(Axis)
    assert axes_named("none") == ()
    assert axes_named("camera, position") == (Axis.POSITION, Axis.CAMERA)
