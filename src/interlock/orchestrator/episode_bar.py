"""The bar that shows how many episodes are played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from interlock.orchestrator.resumption import Tell

__all__ = ["episode_bar"]


@contextmanager
def episode_bar(console: Console, said: Callable[[dict[str, Any]], str]) -> Iterator[Tell]:
    """A bar, and what it is told with.

    Args:
        console: where it is shown.
        said: the last row in a few words.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("episodes", total=None, last="")

        def tell(done: int, total: int, row: dict[str, Any] | None) -> None:
            bar.update(task, completed=done, total=total, last="" if row is None else said(row))

        yield tell
