"""Stills: what they say of a thing's place is where its colour is in the pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet_data")
pytest.importorskip("pyarrow")

from interlock.errors import BadInputError
from interlock.hal.arrays import FloatArray
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.console import make_console
from interlock.orchestrator.demo_run import DemoOrder
from interlock.orchestrator.demos_command import demos
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.still_run import play_stills
from interlock.policy.dataset.episode import DemoFrame
from interlock.policy.dataset.pictures import decode
from interlock.policy.dataset.reader import Demonstrations

HUES = {"red": (0.0,), "green": (0.33,), "blue": (0.62,), "yellow": (0.13,)}


def order(**changes: object) -> DemoOrder:
    plain = DemoOrder(
        cell="panda_tabletop",
        action_space="tool_delta",
        goals=(),
        axes=(Axis.POSITION, Axis.ARRANGEMENT, Axis.CAMERA, Axis.PARAPHRASE),
        noise=0.0,
        seed=4,
        attempt=0,
        stills=12,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def pixel(frame: DemoFrame, role: str) -> tuple[int, int] | None:
    """Column and row of the thing's middle; None outside the picture."""
    assert frame.task_object is not None
    column, row, depth = frame.projections[role] @ frame.task_object[:, 3]
    if depth <= 0.0 or not (0.0 <= column < depth and 0.0 <= row < depth):
        return None
    return int(128 * column / depth), int(128 * row / depth)


def colour(rgb: FloatArray) -> str:
    """Whose colour it is, or "" for none of them: the table and the arm are grey."""
    red, green, blue = rgb.astype(float)
    if max(rgb) - min(rgb) < 60:
        return ""
    if red > 2 * blue and green > 2 * blue:
        return "yellow"
    return ("red", "green", "blue")[int(np.argmax([red, green, blue]))]


def test_the_thing_that_is_named_stands_where_its_colour_is() -> None:
    episode = play_stills(order()).episode
    assert episode is not None
    assert len(episode.frames) == 12
    seen = []
    for frame in episode.frames:
        named = next(word for word in frame.step.split() if word in HUES)
        for role in ("base", "wrist"):
            place = pixel(frame, role)
            if place is not None:
                column, row = place
                found = colour(decode(frame.pictures[role], (128, 128))[row, column])
                seen.append(found == named)
                assert found in (named, ""), (frame.step, role, place)  # "": the arm is in between
    assert sum(seen) >= 10, seen
    assert len({frame.step for frame in episode.frames}) > 4
    assert not any(frame.chunk.any() for frame in episode.frames)


def test_stills_are_the_same_twice_and_differ_among_each_other() -> None:
    once, twice, other = (
        play_stills(each).episode for each in (order(stills=3), order(stills=3), order(stills=3, attempt=1))
    )
    assert once is not None
    assert twice is not None
    assert other is not None
    for one, two in zip(once.frames, twice.frames, strict=True):
        assert one.pictures == two.pictures
        assert np.array_equal(one.state, two.state)
    pictures = [frame.pictures["wrist"] for frame in (*once.frames, *other.frames)]
    assert len(set(pictures)) == 6


def test_fewer_pictures_are_the_first_of_more_whatever_shares_their_setting() -> None:
    few, many = (play_stills(order(stills=number)).episode for number in (3, 7))
    assert few is not None
    assert many is not None
    for one, two in zip(few.frames, many.frames[:3], strict=True):
        assert (one.pictures, one.step) == (two.pictures, two.step)
        assert np.array_equal(one.state, two.state)
        assert np.array_equal(one.task_object, two.task_object)
    assert len(many.frames) == 7


def test_things_stay_where_the_taught_half_of_every_axis_has_them() -> None:
    cell = Cell.load("panda_tabletop")
    spots = np.array(
        [
            thing.position_m[:2]
            for thing in cell.file.scene.objects
            if thing.role == "movable" and thing.position_m is not None
        ]
    )
    episode = play_stills(order(axes=tuple(Axis))).episode
    assert episode is not None
    for frame in episode.frames:
        assert frame.task_object is not None
        away = np.abs(spots - frame.task_object[:2, 3]).max(axis=1).min()
        assert away <= 0.030 + 1e-9


def test_stop_ends_them() -> None:
    interrupts = Interrupts()
    interrupts.cause = "operator: Ctrl-C"
    played = play_stills(order(), interrupts)
    assert (played.stopped, played.episode) == (True, None)


@pytest.mark.parametrize("name", ["two_pandas", "xarm6_tabletop"])
def test_the_command_writes_a_set_that_says_it_is_still(name: str, tmp_path: Path) -> None:
    def make(goals: list[str], noise: float | None = None, keep_failed: bool = False) -> None:
        demos(
            [name],
            episodes=2,
            seed=0,
            out=tmp_path,
            noise=noise,
            variation="all",
            workers=1,
            goals=goals,
            action_space="tool_delta",
            max_bytes=None,
            keep_failed=keep_failed,
            stills=2,
            console=make_console(stderr=True),
            interrupts=Interrupts(),
        )

    with pytest.raises(BadInputError, match="goal in stills"):
        make(["pick up the red block"])
    with pytest.raises(BadInputError, match=r"noise.*0\.0.*Leave --noise or --stills out"):
        make([], noise=0.0)
    with pytest.raises(BadInputError, match="Leave --keep-failed or --stills out"):
        make([], keep_failed=True)
    assert not list(tmp_path.iterdir())
    make([])
    made = Demonstrations(tmp_path / f"{name}_stills")
    assert made.still
    assert len(made) == 4
    assert made.task_object[1].all()
    assert not made.task_target[1].any()
    assert made.projection("base").any()
