"""What a learned policy is told of its body stands in the order of the names."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.policy.proprioception import state_names, state_numbers

TOOL = np.arange(16.0).reshape(4, 4)
Q = np.array([100.0, 101.0])


@pytest.mark.parametrize("width_m", [None, 50.0])
def test_every_number_stands_where_its_name_does(width_m: float | None) -> None:
    names = state_names(("first", "second"), has_gripper=width_m is not None)
    told = dict(zip(names, state_numbers(TOOL, width_m, Q).tolist(), strict=True))
    position = {f"tool_{axis}": TOOL[row, 3] for row, axis in enumerate("xyz")}
    rotation = {f"tool_r{row}{column}": TOOL[row, column] for column in range(2) for row in range(3)}
    width = {} if width_m is None else {"gripper_width": width_m}
    assert told == position | rotation | width | {"first": 100.0, "second": 101.0}
