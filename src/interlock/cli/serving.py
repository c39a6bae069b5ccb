"""The command that serves a policy."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import (
    DEFAULT_CELL,
    CellOption,
    CheckpointOption,
    JsonOption,
    PolicyOption,
    SeedOption,
)

__all__ = ["app", "serve"]

app = typer.Typer()


class Served(StrEnum):
    """What robots elsewhere speak."""

    OPENPI = "openpi"
    GROOT = "groot"


@app.command(epilog="Exit codes: 0 ended by Ctrl-C or SIGTERM · 2 bad input, nothing was served.")
def serve(
    protocol: Annotated[Served, typer.Option("--protocol", help="What the clients speak.")] = Served.OPENPI,
    policy: PolicyOption = None,
    checkpoint: CheckpointOption = None,
    cell: CellOption = DEFAULT_CELL,
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on; any other than this one is exposed, in plain."),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="0 for a free one; else openpi 8000, groot 5555."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", metavar="FILE", help="Holds the token; made (mode 0600) if it is not there."
        ),
    ] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Serve a policy to robots elsewhere, over openpi's or Isaac-GR00T's protocol. It moves no robot.

    An observation must hold the measured joint positions [rad], the gripper's width [m] and force [N] where
    there is a gripper, and the task in words; it may hold velocities, commanded values and pictures of the
    cell's cameras. docs/remote.md names the keys. The answer is a chunk in the cell's channels.

    A policy that is told where things are, as the default one is, can be used only by another Interlock.

    One client at a time, with the token that this prints. In another terminal:
    INTERLOCK_POLICY_TOKEN=… interlock run "put the red block in the tray" --policy openpi
    --action-space tool_delta (which the learned policy speaks; leave it out with --policy scripted here).
    """
    from interlock.orchestrator import serve as serving
    from interlock.orchestrator.cell import Cell
    from interlock.orchestrator.run_command import chosen_cell

    loaded, chosen = chosen_cell(Cell.load(cell), policy, checkpoint)
    request = serving.ServeRequest(
        cell=loaded,
        policy=chosen,
        seed=seed,
        protocol=protocol.value,
        host=host,
        port=port,
        token_file=token_file,
    )

    def ready(what: serving.Serving) -> None:
        if what.exposed:
            typer.echo("Other machines can reach this; nothing is encrypted, the token included.", err=True)
        if as_json:
            facts = {"address": what.address, "port": what.port, "policy": request.policy}
            typer.echo(json.dumps(facts | {"token_file": str(what.token_file)}))
            return
        typer.echo(f"Serving {request.policy} for {loaded.name} at {what.address}; Ctrl-C ends it.")
        typer.echo(f"Token: {what.token.reveal() if what.fresh else 'the one'} in {what.token_file}")

    serving.serve(request, ready, serving.end_on_signals())
