"""Run for two seconds under a reckless policy, then read the trace: verdicts, reasons, the chain."""

import tempfile
from pathlib import Path

from interlock.orchestrator.cell import Cell
from interlock.orchestrator.progress import SilentProgress
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.session import run
from interlock.traces.chain import content_digest, verify_chain
from interlock.traces.show import render_text, summarise

with tempfile.TemporaryDirectory() as folder:
    out, state_dir = Path(folder, "out"), Path(folder, "state")
    out.mkdir()
    request = RunRequest(
        goal="put the red block in the tray",
        cell=Cell.load("panda_tabletop"),
        policy="reckless",
        seed=1,
        real_time=False,
        gui=False,
        out=out,
        state_dir=state_dir,
        cameras=False,
        report=False,
        max_sim_time_s=2.0,
    )
    run(request, SilentProgress())
    print(render_text(summarise(out)))
    trace = out / "trace.mcap"
    print(
        "chain holds:", verify_chain(trace).ok, "· the same seed gives", content_digest(trace)[:16], "again"
    )
