"""What a command says at its end: one line of JSON, or a table for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

__all__ = ["answer"]


def answer(fields: object, shown: Callable[[], RenderableType], *, as_json: bool) -> None:
    """Print `fields` as JSON, or what `shown` makes of them for a terminal."""
    if as_json:
        typer.echo(json.dumps(fields))
        return
    from interlock.orchestrator.console import make_console

    make_console().print(shown())
