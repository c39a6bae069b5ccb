from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.hal.simulator.pose import matrix_from_pose, pose_from_matrix

PARTS = st.floats(min_value=-1.0, max_value=1.0)


@given(st.tuples(PARTS, PARTS, PARTS, PARTS).filter(lambda q: sum(p * p for p in q) > 0.01))
def test_matrix_and_quaternion_say_the_same(parts: tuple[float, ...]) -> None:
    quaternion = np.array(parts) / np.linalg.norm(parts)
    position, found = pose_from_matrix(matrix_from_pose([1.0, -2.0, 3.0], quaternion))
    assert position == pytest.approx((1.0, -2.0, 3.0))
    assert abs(np.dot(found, quaternion)) == pytest.approx(1.0)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_do_not_divide_by_zero(axis: int) -> None:
    turn = -np.eye(4)
    turn[axis, axis] = turn[3, 3] = 1.0
    _, quaternion = pose_from_matrix(turn)
    assert np.allclose(np.abs(quaternion), np.eye(4)[axis])
