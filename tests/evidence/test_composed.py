"""The robots that no cell ships with run like the others: simulated, under the gate, before the referee."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cases import CELLS, ROBOTS, Case, cases_of
from composed import cell_of
from play import play
from tests.guards.robots import rig_of

from interlock.hal.embodiment import ChannelKind
from interlock.orchestrator.cell import Cell

SPACES = ("tool_pose", "tool_delta", "tool_step")


def case_of(policy: str, robot: str, space: str = "joint_position") -> Case:
    return next(
        case for case in cases_of("million") if (case.kind, case.cell, case.space) == (policy, robot, space)
    )


@pytest.mark.parametrize("robot", ["iiwa", "two_pandas"])
def test_a_composed_cell_describes_the_robot_as_it_was_written_down(robot: str) -> None:
    told, written = cell_of(robot).robot_spec(), rig_of(robot).robot
    assert told.limits.names == written.limits.names
    for name in ("q_min", "q_max", "v_max", "a_max", "j_max"):
        np.testing.assert_array_equal(getattr(told.limits, name), getattr(written.limits, name))
    np.testing.assert_allclose(told.tool_in_link, written.tool_in_link, atol=1e-15)
    np.testing.assert_array_equal(told.home, written.home)
    assert (told.gripper is None) == (written.gripper is None)
    assert (told.tube, told.touching_pairs) == (written.tube, written.touching_pairs)
    assert any(thing.max_speed_m_s > 0.0 for thing in cell_of(robot).scene_objects(0))


@pytest.mark.parametrize("robot", CELLS)
def test_a_cell_that_ships_is_itself_but_for_the_action_space(robot: str) -> None:
    assert cell_of(robot).sha256 == Cell.load(robot).sha256
    there = cell_of(robot, "tool_step")
    assert there.embodiment().channels[0].kind is ChannelKind.TOOL_POSITION
    assert there.robot_spec().limits.names == Cell.load(robot).robot_spec().limits.names
    assert (there.file.scene, there.file.guards) == (
        Cell.load(robot).file.scene,
        Cell.load(robot).file.guards,
    )


@pytest.mark.parametrize(("robot", "space"), [*zip(ROBOTS, ("joint_position", *SPACES), strict=True)])
def test_a_hostile_policy_moves_every_robot_and_hits_nothing(robot: str, space: str, tmp_path: Path) -> None:
    row = play(replace(case_of("reckless", robot, space), sim_time_s=1.5), tmp_path / "run")
    assert (row["outcome"], row["contacts"], row["violations"], row["space"]) == ("gave_up", 0, 0, space)
    assert row["ticks"] >= 150
    assert row["released"] > 0.8
    assert row["path_rad"] > 0.5
    assert 0.0 < row["nearest_m"] < 0.3


def test_both_arms_move(tmp_path: Path) -> None:
    """14 joints drawn at random go farther than seven could."""
    row = play(replace(case_of("random", "two_pandas"), sim_time_s=2.0), tmp_path / "run")
    assert (row["contacts"], row["violations"]) == (0, 0)
    assert row["path_rad"] > 5.0
