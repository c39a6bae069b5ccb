"""Run a goal in PyBullet under the gate and read the summary."""

import tempfile
from pathlib import Path

from interlock.orchestrator.cell import Cell
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.session import run

with tempfile.TemporaryDirectory() as folder:
    out, state_dir = Path(folder, "out"), Path(folder, "state")
    out.mkdir()
    request = RunRequest(
        goal="move above the blue block and then go home",
        cell=Cell.load("panda_tabletop"),
        policy="scripted",
        seed=3,
        real_time=False,
        gui=False,
        out=out,
        state_dir=state_dir,
        cameras=False,
        report=False,
    )
    summary = run(request, SilentProgress())
    print(summary.outcome, f"after {summary.sim_time_s:.1f} s;", ", ".join(summary.plan))
    print(f"released {summary.released_fraction:.1%} of the ticks; corrected {dict(summary.interventions)}")
    print(f"the referee saw {summary.referee.contacts} contacts while moving")
