"""A constraint of your own: CVXPY rows steer the projector, an exact check convinces the verifier."""

import tempfile
from dataclasses import replace
from pathlib import Path

from interlock.guards.body import BodyModel
from interlock.guards.config import PluginConfig
from interlock.guards.gate import Gate
from interlock.guards.plugins import load_constraints
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.session import run

# In a cell file: guards: {plugins: [{name: "speed_budget", parameters: {budget_rad_s: 0.8}}]}
# A class of yours goes by its dotted name, "my_package.my_module:MyConstraint"; read guards/speed_budget.py.
BUDGET = PluginConfig(name="interlock.guards.speed_budget:SpeedBudget", parameters={"budget_rad_s": 0.8})


def gate_with_budget(cell: Cell) -> Gate:
    """The cell's gate, and the budget on top."""
    robot, config = cell.robot_spec(), replace(cell.gate_config(), plugins=(BUDGET,))
    return Gate(BodyModel.build(robot), cell.embodiment(), config, load_constraints(config, robot))


with tempfile.TemporaryDirectory() as folder:
    out, state_dir = Path(folder, "out"), Path(folder, "state")
    out.mkdir()
    request = RunRequest(
        goal="go home",
        cell=Cell.load("panda_tabletop"),
        policy="random",
        seed=3,
        real_time=False,
        gui=False,
        out=out,
        state_dir=state_dir,
        cameras=False,
        report=False,
        max_sim_time_s=3.0,
    )
    summary = run(replace(request, goal="move above the red block"), SilentProgress(), gate_with_budget)
    print(f"released {summary.released_fraction:.1%}, corrected by {dict(summary.interventions)}")
