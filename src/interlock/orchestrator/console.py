"""Where the command line writes, and its tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from interlock.orchestrator.catalog import CatalogEntry
from interlock.orchestrator.check_result import CheckResult
from interlock.orchestrator.robot_status import RobotStatus
from interlock.orchestrator.terminal_text import plain
from interlock.planners.plan import Plan

__all__ = [
    "catalog_table",
    "check_table",
    "counting",
    "make_console",
    "native_stdout_to_stderr",
    "plan_tree",
    "print_answer",
    "status_lines",
]

_LOG_WIDTH = 160


def make_console(*, stderr: bool = False) -> Console:
    """A console on stdout or stderr; where no terminal says how wide it is, lines are not cut at 80."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _LOG_WIDTH
    return console


@contextmanager
def native_stdout_to_stderr() -> Iterator[None]:
    """Send what C libraries print to stdout to stderr, so that stdout holds our JSON and no more."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far a long count has come, while it goes on; what it yields is told the count."""
    console = make_console(stderr=True)
    with console.status(f"0 {what}") as status:
        yield lambda count: status.update(f"{count} {what}") if count % 100 == 0 else None


def print_answer(text: str) -> None:
    """Print the last line of stdout; where nobody can take it, the exit code still tells."""
    try:
        print(text, flush=True)
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"interlock: the answer cannot be written: {error.strerror}", file=sys.stderr)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # or the interpreter fails on its way out, with a code of its own
        os.close(nowhere)


def plan_tree(plan: Plan) -> Tree:
    """The task graph: each task under the tasks it waits for."""
    tree = Tree(Text(plain(plan.goal), style="bold"))
    for task in plan.tasks:
        line = Text(f"{task.id}  {plain(task)}")
        if task.target_in_world is not None:
            x, y, z = task.target_in_world
            line.append(f"  at ({x:.3f}, {y:.3f}, {z:.3f}) m", style="dim")
        if task.after:
            line.append(f"  after {', '.join(task.after)}", style="dim")
        tree.add(line)
    return tree


def catalog_table(entries: Sequence[CatalogEntry], mark: str) -> Table:
    """What is there; `mark` is what is written beside a default."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "", "from", "what it is"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(
            Text(plain(entry.name), style="bold"),
            Text(mark if entry.default else "", style="green"),
            Text(plain(entry.origin), style="dim"),
            Text(plain(entry.text)),
        )
    return table


def check_table(results: Sequence[CheckResult]) -> Table:
    """One row a check."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "check", "found"):
        table.add_column(heading, overflow="fold")
    for result in results:
        verdict = Text("ok", style="green") if result.ok else Text("FAILED", style="bold red")
        table.add_row(verdict, Text(plain(result.name)), Text(plain(result.detail)))
    return table


def status_lines(status: RobotStatus) -> Text:
    """The status of a robot, a line a fact."""
    facts = {
        "mode": status.mode.value if status.mode is not None else "unknown: no run was ever started here",
        "latch": "; ".join(map(plain, status.causes)) or "clear",
        "epoch": status.epoch if status.epoch is not None else "none",
        "drive": f"process {status.drive_pid}" if status.drive_pid is not None else "none",
        "guardian": f"process {status.guardian_pid}" if status.guardian_pid is not None else "none",
    }
    return Text("\n".join(f"{name:<10}{value}" for name, value in facts.items()))
