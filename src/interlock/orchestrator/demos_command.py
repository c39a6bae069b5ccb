"""What `interlock demos` does on the command line: checks the options and shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from interlock.errors import BadInputError
from interlock.orchestrator.action_space import space_named
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demos import USUAL_NOISE, DemosRequest, DemosSummary, Progress, make_demos
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.variation import axes_named

__all__ = ["demos"]


def demos(
    cells: list[str],
    *,
    episodes: int,
    seed: int,
    out: Path,
    noise: float | None,
    variation: str,
    workers: int,
    goals: list[str],
    action_space: str,
    max_bytes: int | None,
    keep_failed: bool,
    stills: int,
    console: Console,
    interrupts: Interrupts,
) -> list[DemosSummary]:
    """Make the demonstrations of one cell after the other, each in a folder of its own under `out`.

    `noise` is None where it is not given: stills have none.

    Raises:
        BadInputError: if two cells have one name, or something is asked for that stills do not have.
        InterlockError: as `make_demos` does.
    """
    names = [Cell.load(cell).name for cell in cells]
    if len(set(names)) != len(names):
        raise BadInputError(
            "two cells have one name, and so one folder", field="cell", value=cells, mend="Name each once."
        )
    if stills:
        _require_nothing_of_motion(noise, goals, keep_failed)
    axes = axes_named(variation)
    space = space_named(action_space)
    summaries = []
    for cell, name in zip(cells, names, strict=True):
        request = DemosRequest(
            cell=cell,
            episodes=episodes,
            out=out / (f"{name}_stills" if stills else name),
            seed=seed,
            noise=USUAL_NOISE if noise is None else noise,
            axes=axes,
            goals=tuple(goals),
            action_space=space,
            workers=workers,
            max_bytes=None if max_bytes is None else max_bytes // len(cells),
            keep_failed=keep_failed,
            stills=stills,
        )
        with _bar(console, name, episodes) as bar:
            summaries.append(make_demos(request, bar.show, interrupts))
    return summaries


def _require_nothing_of_motion(noise: float | None, goals: list[str], keep_failed: bool) -> None:
    """Return if nothing is asked for that only demonstrations have."""
    for what, field, value in (
        ("nobody pursues a goal in stills", "goal", goals or None),
        ("nothing moves in stills that noise could push", "noise", noise),
        ("no still can fail", "keep_failed", keep_failed or None),
    ):
        if value is not None:
            option = f"--{field.replace('_', '-')}"
            raise BadInputError(what, field=field, value=value, mend=f"Leave {option} or --stills out.")


class _Shown:
    """A bar that is told of progress."""

    def __init__(self, bar: Bar, name: str, episodes: int) -> None:
        self._bar = bar
        self._began: int | None = None
        self._task = bar.add_task(name, total=episodes, failed=0, size="0.0", said="")

    def show(self, progress: Progress) -> None:
        """Move on; what an earlier command had made does not count for the rate."""
        if self._began is None:
            self._began = progress.episodes
            self._bar.reset(self._task, completed=progress.episodes)
        self._bar.update(
            self._task,
            completed=progress.episodes,
            failed=progress.failed,
            size=f"{progress.nbytes / 2**20:.1f}",
            said=progress.reason[:60],
        )


@contextmanager
def _bar(console: Console, name: str, episodes: int) -> Iterator[_Shown]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TextColumn("{task.fields[size]} MiB"),
        _RateColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}", style="dim"),
    )
    with Bar(*columns, console=console) as bar:
        yield _Shown(bar, name, episodes)


class _RateColumn(TextColumn):
    """Episodes a minute."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> object:  # type: ignore[override]
        """The rate of this command."""
        from rich.text import Text

        speed = getattr(task, "speed", None)
        return Text("" if not speed else f"{60.0 * speed:.1f}/min")
