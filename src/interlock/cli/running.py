"""Commands about a goal and its cell: carry it out, plan it, test the cell."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.answer import answer
from interlock.cli.options import (
    DEFAULT_CELL,
    EXIT_CODES,
    CellOption,
    CheckpointOption,
    Goal,
    JsonOption,
    PolicyOption,
    SeedOption,
    StateDirOption,
    checkpoint_folder,
)

__all__ = ["app", "run"]

app = typer.Typer()


class Telemetry(StrEnum):
    """Where spans go."""

    NONE = "none"
    CONSOLE = "console"
    OTLP = "otlp"


@app.command(epilog=EXIT_CODES)
def run(
    goal: Goal,
    cell: CellOption = DEFAULT_CELL,
    policy: PolicyOption = None,
    checkpoint: CheckpointOption = None,
    swap_to: Annotated[
        Path | None,
        typer.Option(
            "--swap-to",
            metavar="NAME|DIR",
            parser=checkpoint_folder,
            help="A checkpoint that shadows from the first question on, and takes over at a hold if the gate "
            "lets its chunks through.",
        ),
    ] = None,
    action_space: Annotated[
        str | None,
        typer.Option(
            "--action-space",
            metavar="SPACE",
            help="joint_position, tool_pose, tool_delta or tool_step; else the cell's. vla has its own.",
        ),
    ] = None,
    seed: SeedOption = 0,
    real_time: Annotated[
        bool,
        typer.Option("--real-time", help="Pace the simulation by this machine's clock, not in lockstep."),
    ] = False,
    gui: Annotated[bool, typer.Option("--gui", help="Open the simulator's window.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder for trace and report; else runs/CELL-POLICY-SEED-N."
        ),
    ] = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
    telemetry: Annotated[
        Telemetry, typer.Option("--telemetry", help="Where OpenTelemetry spans go.")
    ] = Telemetry.NONE,
) -> None:
    """Carry out a goal, guarded, and leave a trace and a report.

    The goal becomes a checked plan; a policy proposes motion for each task of it; the gate releases, corrects
    or refuses every tick. Ctrl-C brings the robot to a measured standstill and latches: `interlock reset` is
    needed before the next run. Before the robot could move it only ends the start.

    Try to break it: interlock run "put the red block in the tray" --policy reckless
    """
    from interlock.errors import InterlockError
    from interlock.orchestrator.interrupts import Interrupts

    try:
        with Interrupts(last=True) as interrupts:
            from interlock.orchestrator.cold_start import say_if_cold
            from interlock.orchestrator.console import make_console, native_stdout_to_stderr, print_answer
            from interlock.orchestrator.rich_progress import RichProgress
            from interlock.orchestrator.run_command import prepare_run

            request, folder = prepare_run(
                goal,
                cell=cell,
                policy=policy,
                seed=seed,
                real_time=real_time,
                gui=gui,
                out=out,
                state_dir=state_dir,
                telemetry=telemetry.value,
                checkpoint=checkpoint,
                swap_to=swap_to,
                action_space=action_space,
            )
            try:
                from interlock.orchestrator import session

                progress = RichProgress(make_console(stderr=as_json))
                say_if_cold()
                with native_stdout_to_stderr() if as_json else nullcontext():
                    summary = session.run(request, progress, interrupts=interrupts)
            except BaseException:
                folder.give_up()
                raise
    except InterlockError as error:
        from interlock.orchestrator.console import print_answer
        from interlock.orchestrator.summary import RunSummary

        refused = RunSummary.not_started(error, goal=goal, seed=seed)
        if as_json and refused is not None:
            print_answer(refused.to_json())
        raise
    if as_json:
        print_answer(summary.to_json())
    raise typer.Exit(int(summary.exit_code))


@app.command(epilog=EXIT_CODES)
def plan(
    goal: Goal, cell: CellOption = DEFAULT_CELL, seed: SeedOption = 0, as_json: JsonOption = False
) -> None:
    """Print the task graph of a goal; nothing moves.

    The plan is searched for, then validated by rules that name what they refuse. Words the cell does not
    know, places the arm cannot reach and goals that contradict themselves end here.

    Example: interlock plan "push the green block into the handover zone"
    """
    from interlock.orchestrator.console import plan_tree
    from interlock.orchestrator.run_command import make_plan

    made = make_plan(goal, cell, seed)
    answer(asdict(made), lambda: plan_tree(made), as_json=as_json)


@app.command(epilog="Exit codes: 0 every check holds · 2 the cell cannot be read · 3 a check failed.")
def check(cell: CellOption = DEFAULT_CELL, as_json: JsonOption = False) -> None:
    """Test a cell on this computer: model, capsules, limits, solvers, timing.

    Shows that the capsules cover the meshes, that the limits are no wider than the data sheet's, that two
    solvers agree, and how fast the control loop is here. Run it after every change of a cell file.
    """
    from interlock.orchestrator import self_check
    from interlock.orchestrator.cell import Cell
    from interlock.orchestrator.cold_start import say_if_cold
    from interlock.orchestrator.console import check_table

    checked = Cell.load(cell)
    say_if_cold()
    results = self_check.run(checked)
    answer([asdict(result) for result in results], lambda: check_table(results), as_json=as_json)
    raise typer.Exit(0 if all(result.ok for result in results) else 3)
