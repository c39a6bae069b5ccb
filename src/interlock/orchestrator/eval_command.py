"""What `interlock policy eval` does on the command line: checks the options, shows progress and the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from interlock.orchestrator.cell import Cell
from interlock.orchestrator.episode_bar import episode_bar
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.policy_eval import EvalRequest, GroupResult, evaluate
from interlock.orchestrator.run_command import chosen_cell
from interlock.orchestrator.trained_cell import LEARNED, checkpoint_of
from interlock.orchestrator.variation import axes_named

__all__ = ["eval_policy", "eval_table"]


def eval_policy(
    *,
    cell: str,
    policy: str | None,
    checkpoint: Path | None,
    variation: str,
    episodes: int,
    seed: int,
    goals: Sequence[str],
    puppet: bool,
    held_out: bool,
    workers: int,
    out: Path | None,
    console: Console,
    interrupts: Interrupts,
) -> list[GroupResult]:
    """Evaluate, with a bar.

    Raises:
        InterlockError: as `evaluate` does.
    """
    played, chosen = chosen_cell(Cell.load(cell), policy, checkpoint)
    folder = checkpoint_of(played) if chosen == LEARNED else None
    request = EvalRequest(
        cell=cell,
        policy=chosen,
        checkpoint="" if folder is None else str(folder.resolve()),
        axes=axes_named(variation),
        episodes=episodes,
        seed=seed,
        goals=tuple(goals),
        puppet=puppet,
        held_out=held_out,
        workers=workers,
        out=out or Path("runs/eval") / f"{played.name}-{chosen}",
    )
    with episode_bar(console, _said) as tell:
        return evaluate(request, tell, interrupts)


def _said(row: dict[str, Any]) -> str:
    return f"{row['group']}{'' if row['gated'] else ', no gate'}: {row['outcome']}"


def eval_table(results: Sequence[GroupResult]) -> Table:
    """A row a group, under the gate and without it side by side."""
    puppet = any(not result.gated for result in results)
    table = Table(title="Episodes that achieved their goal (Wilson 95 %)")
    table.add_column("variation")
    for half in ("under the gate", "without") if puppet else ("under the gate",):
        table.add_column("n", justify="right")
        table.add_column(half, justify="right")
        table.add_column("contacts", justify="right")
    for group in dict.fromkeys(result.group for result in results):
        cells = [group if group == "seen" else f"{group}, held out"]
        for result in sorted((r for r in results if r.group == group), key=lambda r: not r.gated):
            low, high = result.wilson_95
            share = result.achieved / result.episodes if result.episodes else 0.0
            cells += [
                str(result.episodes),
                f"{share:.0%} ({low:.0%} to {high:.0%})",
                str(result.contacts),
            ]
        table.add_row(*cells)
    return table
