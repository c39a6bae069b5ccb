"""The commanded state of an arm follows from the last command, its stop, and standstill, or it is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from interlock.hal.arrays import FloatArray
from interlock.hal.state import RobotState
from interlock.orchestrator.played import Played

HOME = np.array([0.3, -0.4])


def node(q: Any, v: float = 0.0, a: float = 0.0) -> FloatArray:
    return np.array([np.asarray(q, dtype=float), np.full(2, v), np.full(2, a)])


FIRST = [node(HOME + 0.01, 0.9, 2.0), node(HOME + 0.02, 0.4, -5.0), node(HOME + 0.025)]
"""A command's end and the two nodes of its stop."""
SECOND = [node(HOME + 0.04, 1.4, 1.0), node(HOME + 0.05)]
STANDS = node(HOME)


def state(commanded: FloatArray, stamp_ns: int, measured: Any = None) -> RobotState:
    q, v, a = commanded
    return RobotState(
        stamp_ns=stamp_ns,
        q=q + 1e-4 if measured is None else measured,
        v=v,
        q_commanded=q,
        v_commanded=v,
        a_commanded=a,
        gripper=None,
        standstill=False,
    )


class Arm:
    """A tick a call; says what `Played` found."""

    def __init__(self) -> None:
        self.played = Played()
        self.tick = 0

    def at(self, commanded: FloatArray, *, heard: bool = True, measured: Any = None, **more: Any) -> str:
        self.tick += 1
        self.stamp = self.tick if heard else self.stamp
        told = {"missed": 0, "latched": False, "braked": False} | more
        return self.played.unlike(state(commanded, self.stamp, measured), **told)

    def sends(self, nodes: list[FloatArray], *, taken: bool = True) -> None:
        command = SimpleNamespace(start=STANDS, end=nodes[0], tail=np.array(nodes[1:]))
        self.played.answered(SimpleNamespace(command=command), taken=taken)  # type: ignore[arg-type]

    def refuses(self) -> None:
        self.played.answered(SimpleNamespace(command=None), taken=True)  # type: ignore[arg-type]


@pytest.fixture
def moving() -> Arm:
    """It was sent `FIRST`, and has played the first node of it."""
    arm = Arm()
    assert arm.at(STANDS) == ""
    arm.sends(FIRST)
    assert arm.at(FIRST[0]) == ""
    return arm


@pytest.fixture
def standing(moving: Arm) -> Arm:
    for each in (*FIRST[1:], FIRST[-1], FIRST[-1]):
        moving.refuses()
        assert moving.at(each) == ""
    return moving


def test_without_a_successor_the_stop_plays_and_then_the_arm_stands(standing: Arm) -> None:
    assert standing.at(FIRST[-1]) == ""


def test_a_new_command_replaces_the_stop(moving: Arm) -> None:
    moving.sends(SECOND)
    assert moving.at(SECOND[0]) == ""
    assert moving.at(SECOND[1]) == ""


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("off", [1e-6, np.nan, np.inf])
def test_motion_that_no_command_led_to_is_told_with_the_joint(moving: Arm, row: int, off: float) -> None:
    other = FIRST[1].copy()
    other[row, 1] += off
    name = ("q_commanded", "v_commanded", "a_commanded")[row]
    assert f"moved without a question: state.{name}[1] was" in moving.at(other)


@pytest.mark.parametrize("other", [FIRST[0], FIRST[2], STANDS, SECOND[0]])
def test_a_stop_is_played_node_by_node(moving: Arm, other: FloatArray) -> None:
    assert "moved without a question" in moving.at(other)


def test_an_arm_that_moves_before_the_first_command_is_told() -> None:
    assert "before the first command" in Arm().at(node(HOME, 0.1))


def test_a_standing_arm_may_give_way_and_then_stands_where_it_was_measured(standing: Arm) -> None:
    pushed = FIRST[-1][0] + 0.002
    assert standing.at(node(pushed), measured=pushed) == ""
    assert standing.at(node(pushed)) == ""
    assert "moved without" in standing.at(FIRST[-1])


def test_a_standing_arm_that_commands_what_is_not_measured_is_told(standing: Arm) -> None:
    assert "moved without" in standing.at(node(FIRST[-1][0] + 0.002))


@pytest.mark.parametrize(("latched", "braked"), [(False, False), (True, False), (False, True)])
def test_a_moving_arm_gives_way_to_nothing_but_its_brakes(moving: Arm, latched: bool, braked: bool) -> None:
    held = FIRST[0][0] + 0.005
    assert "moved without" in moving.at(node(held), measured=held, latched=latched, braked=braked)


def test_brakes_hold_a_moving_arm_where_it_is_measured(moving: Arm) -> None:
    held = FIRST[0][0] + 0.005
    assert moving.at(node(held), measured=held, latched=True, braked=True) == ""
    assert moving.at(node(held), latched=True, braked=True) == ""


def test_a_driver_that_is_not_heard_repeats_itself_and_goes_on_where_the_stop_is_by_then(moving: Arm) -> None:
    assert moving.at(FIRST[0], heard=False) == ""
    assert moving.at(FIRST[2]) == ""


def test_brakes_may_hold_it_before_it_is_heard_again(moving: Arm) -> None:
    held = FIRST[2][0] + 1e-3
    assert moving.at(FIRST[0], heard=False) == ""
    assert moving.at(FIRST[0], heard=False) == ""
    assert moving.at(node(held), measured=held) == ""
    assert moving.at(node(held)) == ""


def test_nothing_holds_it_before_its_stop_has_ended(moving: Arm) -> None:
    held = FIRST[2][0] + 1e-3
    assert moving.at(FIRST[0], heard=False) == ""
    assert "moved without" in moving.at(node(held), measured=held)


def test_a_state_that_is_repeated_cannot_be_another(moving: Arm) -> None:
    assert "moved without" in moving.at(FIRST[2], heard=False)


def test_a_stop_that_comes_before_a_command_is_played_leaves_the_stop_in_hand(moving: Arm) -> None:
    moving.sends(SECOND)
    assert moving.at(FIRST[1], latched=True) == ""
    assert moving.at(FIRST[2], latched=True) == ""


def test_without_a_stop_a_command_that_was_taken_is_played(moving: Arm) -> None:
    moving.sends(SECOND)
    assert "moved without" in moving.at(FIRST[1])


def test_a_command_that_the_driver_did_not_take_is_not_played_unless_it_did_all_the_same(moving: Arm) -> None:
    moving.sends(SECOND, taken=False)
    assert moving.at(FIRST[1], latched=True) == ""
    assert "moved without" in moving.at(SECOND[1], latched=True)


def test_a_driver_that_took_the_command_it_refused_plays_it_to_its_stop(moving: Arm) -> None:
    moving.sends(SECOND, taken=False)
    assert moving.at(SECOND[0], latched=True) == ""
    assert moving.at(SECOND[1], latched=True) == ""


def test_ticks_that_were_left_out_without_a_release_played_the_stop(moving: Arm) -> None:
    assert moving.at(FIRST[2], missed=1) == ""
    assert moving.at(FIRST[2], missed=40) == ""


def test_after_ticks_that_may_have_released_the_next_command_tells_again(moving: Arm) -> None:
    moving.played.lose()
    assert moving.at(node(HOME + 1.0, 0.5)) == ""
    assert moving.at(node(HOME + 1.1, 0.5)) == ""
    moving.sends(SECOND)
    assert moving.at(SECOND[0]) == ""
    assert "moved without" in moving.at(SECOND[0])
