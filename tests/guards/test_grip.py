"""What the gripper may be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, IDLE, body_of

from interlock.guards.grip import judge_grip
from interlock.hal.state import GripperState

SPEC = body_of(CELLS[0]).robot.gripper
HELD = replace(IDLE, held="red_block", gripper_may_open=False)
AT_40_MM = GripperState(width_m=0.04, force_n=15.0)


def test_a_width_inside_the_stroke_is_passed_on_with_the_phases_force():
    grip = judge_grip(SPEC, AT_40_MM, replace(IDLE, max_force_n=7.0), 0.05)
    assert (grip.command.width_m, grip.command.force_n, grip.refused) == (0.05, 7.0, False)


def test_the_force_is_never_above_the_grippers_own():
    grip = judge_grip(SPEC, AT_40_MM, replace(IDLE, max_force_n=1e6), 0.05)
    assert grip.command.force_n == SPEC.max_force_n


@pytest.mark.parametrize("force_n", [0.0, -1.0, float("nan")])
def test_a_phase_without_force_leaves_the_gripper_alone(force_n):
    grip = judge_grip(SPEC, AT_40_MM, replace(IDLE, max_force_n=force_n), 0.05)
    assert grip.command is None
    assert not grip.refused
    assert "no force" in grip.note


@pytest.mark.parametrize("width_m", [-0.01, 0.2, 80.0, float("inf"), float("nan")])
def test_a_width_outside_the_stroke_refuses_the_tick(width_m):
    grip = judge_grip(SPEC, AT_40_MM, IDLE, width_m)
    assert grip.refused
    assert grip.command is None


@pytest.mark.parametrize("rounding", [-5e-4, 5e-4])
def test_a_width_that_misses_the_stroke_by_rounding_is_moved_to_its_end(rounding):
    end = SPEC.min_width_m if rounding < 0 else SPEC.max_width_m
    assert judge_grip(SPEC, AT_40_MM, IDLE, end + rounding).command.width_m == end


@pytest.mark.parametrize("width_m", [0.04, np.nextafter(0.04, 1), 0.041, 0.07])
def test_what_is_held_is_not_dropped(width_m):
    grip = judge_grip(SPEC, AT_40_MM, HELD, width_m)
    assert grip.command is None
    assert not grip.refused
    assert "red_block" in grip.note


def test_a_held_object_may_be_held_tighter():
    assert judge_grip(SPEC, AT_40_MM, HELD, 0.0).command.width_m == 0.0


def test_creeping_open_does_not_drop_what_is_held():
    width, told = 0.04, 0
    for _ in range(100):
        grip = judge_grip(SPEC, GripperState(width_m=width, force_n=15.0), HELD, width + 1e-3)
        if grip.command is not None:
            told += 1
            width = grip.command.width_m
    assert told == 0


@pytest.mark.parametrize(
    ("spec", "measured", "width_m"), [(None, AT_40_MM, 0.0), (SPEC, None, 0.0), (SPEC, AT_40_MM, None)]
)
def test_without_a_gripper_or_its_reading_or_a_proposal_it_is_left_alone(spec, measured, width_m):
    grip = judge_grip(spec, measured, HELD, width_m)
    assert (grip.command, grip.note, grip.refused) == (None, "", False)
