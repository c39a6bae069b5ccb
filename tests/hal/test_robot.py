"""A gripper's joints follow its width along the table."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.hal.robot import GripperSpec

GRIPPER = GripperSpec(
    joints=("left", "right"),
    widths_m=np.array([0.0, 0.02, 0.08]),
    joint_table=np.array([[0.8, 0.5, 0.0], [-0.8, -0.6, 0.0]]),
    max_speed_m_s=0.1,
    max_force_n=30.0,
    finger_links=("left", "right"),
)


@pytest.mark.parametrize("k", range(3))
def test_joints_at_a_width_of_the_table_are_its_column(k: int) -> None:
    assert np.array_equal(GRIPPER.joints_at(float(GRIPPER.widths_m[k])), GRIPPER.joint_table[:, k])


def test_joints_between_two_widths_are_on_the_line_between() -> None:
    assert GRIPPER.joints_at(0.05) == pytest.approx([0.25, -0.3])


@pytest.mark.parametrize(("width_m", "k"), [(-0.01, 0), (0.09, -1)])
def test_joints_beyond_the_table_are_those_at_its_end(width_m: float, k: int) -> None:
    assert np.array_equal(GRIPPER.joints_at(width_m), GRIPPER.joint_table[:, k])
