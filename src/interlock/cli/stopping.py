"""Commands of the operator: stop and latch, reset, look."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_CELL, CellOption, JsonOption, StateDirOption

__all__ = ["app"]

app = typer.Typer()


@app.command(epilog="Exit codes: 0 the stop is latched · 2 it cannot be written.")
def stop(
    cell: CellOption = DEFAULT_CELL,
    state_dir: StateDirOption = None,
    cause: Annotated[str, typer.Option("--cause", help="Why; it is kept with the latch.")] = "operator stop",
) -> None:
    """Stop a robot and latch: it stays stopped until `interlock reset`.

    A living run brings its robot to a standstill and ends with code 4; without one the latch alone keeps the
    next run from starting. It survives restarts and reboots. This is a software stop, not an emergency stop.
    """
    import time

    from interlock.hal.latch import StopLatch, StopRequest
    from interlock.hal.state_dir import open_state_dir
    from interlock.orchestrator.robot_identity import robot_state_dir
    from interlock.orchestrator.robot_status import living_beside, who_is_stopping

    folder = open_state_dir(robot_state_dir(cell, state_dir))
    StopRequest(folder).ask(cause)  # the motor first, then the record
    StopLatch(folder).latch(cause, time.monotonic_ns())
    typer.echo(f"Stop latched for {folder.name} ({folder}). {who_is_stopping(folder)}")
    for other in living_beside(folder):
        typer.echo(f"Another robot still runs: `interlock stop --state-dir {other}` stops it.", err=True)


@app.command(epilog="Exit codes: 0 clear · 2 the latch cannot be removed · 4 a run is alive.")
def reset(
    cell: CellOption = DEFAULT_CELL,
    state_dir: StateDirOption = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who resets; else the user of this computer.")
    ] = None,
) -> None:
    """Clear a latched stop, on purpose, after looking at the robot.

    Leads to DISARMED, never to motion. Refused while a run is alive.
    """
    from interlock.hal.latch import StopLatch
    from interlock.orchestrator.robot_identity import known_state_dir, user_name
    from interlock.orchestrator.terminal_text import plain

    folder = known_state_dir(cell, state_dir)
    causes = StopLatch(folder).reset(by or user_name())
    for cause in dict.fromkeys(cleared.cause for cleared in causes):
        typer.echo(f"cleared: {plain(cause)}")
    typer.echo("The latch is clear; the robot is disarmed." if causes else "Nothing was latched.")


@app.command(epilog="Exit codes: 0 · 2 the state folder cannot be read.")
def status(
    cell: CellOption = DEFAULT_CELL, state_dir: StateDirOption = None, as_json: JsonOption = False
) -> None:
    """Say what a robot is doing: mode, latch, epoch, processes. Touches nothing."""
    from interlock.orchestrator.console import make_console, status_lines
    from interlock.orchestrator.robot_identity import robot_state_dir
    from interlock.orchestrator.robot_status import RobotStatus

    seen = RobotStatus.look(robot_state_dir(cell, state_dir))
    if as_json:
        typer.echo(seen.to_json())
    else:
        make_console().print(status_lines(seen))
