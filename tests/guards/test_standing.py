"""The margin of an arm that stands still."""

from __future__ import annotations

import numpy as np
import pytest
from tests.guards.closed_loop import CELLS, ball, body_of, cell_of
from tests.properties.released import oracle_of

from interlock.guards.standing import standing_margin


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("turn", [0.0, 0.3, -0.7])
def test_home_of_a_shipped_cell_has_a_margin_whichever_way_it_is_turned(name, turn):
    q = np.array(body_of(name).robot.home)
    q[0] += turn
    margin, where = standing_margin(body_of(name), cell_of(name).gate_config(), (), q)
    assert 0.0 < margin < 0.1
    assert " and " in where


def test_a_broken_margin_is_minus_one_and_says_what_is_broken():
    name = CELLS[0]
    home = body_of(name).robot.home
    pearl = ball("pearl", oracle_of(name, 0.03).tool(home), 0.01)
    margin, reason = standing_margin(body_of(name), cell_of(name).gate_config(), (pearl,), home)
    assert margin == -1.0
    assert "pearl" in reason
