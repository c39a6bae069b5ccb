"""What follows from an answer: the smallest margin of each family is the one that is reported."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.guards.closed_loop import CELLS, ask, body_of, cell_of, cell_scene, gate_of, hold, node_at_rest

from interlock.guards.certificate import Margin
from interlock.guards.surveyor import Surveyor
from interlock.orchestrator.aftermath import Aftermath

PANDA = CELLS[0]


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_margins_of_a_family_the_smallest_is_reported(order: int) -> None:
    home = body_of(PANDA).robot.home
    output = gate_of(PANDA).decide(ask(PANDA, node_at_rest(home), hold(PANDA, home), cell_scene(PANDA)))
    margins = [
        Margin(family="zones", value=0.03, unit="m", where="hand and wall"),
        Margin(family="zones", value=0.9, unit="m", where="tool and cage"),
        Margin(family="environment", value=-0.002, unit="m", where="hand and post"),
        Margin(family="environment", value=0.4, unit="m", where="a plug-in of this name"),
        Margin(family="tool_speed", value=0.1, unit="m/s", where="tool speed"),
    ]
    surveyor = Surveyor(body_of(PANDA), cell_of(PANDA).gate_config())
    after = Aftermath.of(replace(output, margins=tuple(margins[::order])), surveyor, latched=False)
    assert after.margins_m == {"zones": 0.03, "environment": -0.002}
