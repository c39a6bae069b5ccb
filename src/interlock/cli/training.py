"""The command that trains."""

from __future__ import annotations

import typer

__all__ = ["app"]

app = typer.Typer()


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Exit codes: 0 trained · 2 bad input · 4 ended early, with a state to go on from.",
)
def train(context: typer.Context) -> None:
    """Train the learned policy from demonstrations; `interlock train --help` lists the options.

    The same as `python -m interlock.policy.training`, which torchrun can start.

    Example: interlock train --data demos/panda_tabletop --out trained --stage t2a:500 --stage pretrain:5000
    """
    from interlock.policy.training.command import main

    raise typer.Exit(main(context.args, prog="interlock train"))
