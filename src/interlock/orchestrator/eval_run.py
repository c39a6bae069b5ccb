"""One episode of an evaluation: a policy in a varied cell, under the gate or as a puppet."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError, InterlockError
from interlock.guards.gate import Gate
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.gate_maker import build_gate
from interlock.orchestrator.spread import Split
from interlock.orchestrator.trained_cell import trained_cell
from interlock.orchestrator.variation import Variation
from interlock.orchestrator.varied_run import play_varied

__all__ = ["EvalOrder", "EvalRow", "evaluated_cell", "play_episode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalOrder:
    """What decides an episode.

    Attributes:
        cell: file or name of the cell.
        policy: name of the policy.
        checkpoint: folder of the policy `vla`; "" for another one.
        goal: the goal in words.
        group: what is evaluated, for example "lighting".
        splits: how each axis is drawn.
        seed: of the run and of its variation.
        gated: under the gate, or pulled as a puppet.
    """

    cell: str
    policy: str
    checkpoint: str
    goal: str
    group: str
    splits: tuple[tuple[Axis, Split], ...]
    seed: int
    gated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRow:
    """How an episode went: as in `RunSummary`; `outcome` is "error" if it could not be played.

    `varied` are the axes that were varied; rows that do not say so have none.
    """

    group: str
    seed: int
    gated: bool
    goal: str
    outcome: str
    reason: str
    contacts: int = 0
    contacts_into_standing_arm: int = 0
    limit_violations: int = 0
    sim_time_s: float = 0.0
    released_fraction: float = 0.0
    varied: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, row: Mapping[str, Any], path: Path) -> EvalRow:
        """From plain JSON data.

        Args:
            row: the fields.
            path: of the file that holds them, for the error.

        Raises:
            BadInputError: if a field is missing or unknown, or `varied` is no list of names.
        """
        known = {field.name: field.default for field in fields(cls)}
        for name in known:
            if known[name] is MISSING and name not in row:
                raise _foreign("a row lacks this field", name, path)
        for name in row:
            if name not in known:
                raise _foreign("a row has a field that is unknown", name, path)
        varied = row.get("varied", ())
        if not isinstance(varied, list | tuple) or not all(isinstance(axis, str) for axis in varied):
            raise _foreign("a row does not name the axes that were varied", "varied", path)
        return cls(**{**row, "varied": tuple(varied)})


@functools.cache
def evaluated_cell(cell: str, checkpoint: str) -> Cell:
    """The cell that episodes are varied from.

    Raises:
        InterlockError: if cell or checkpoint cannot be used.
    """
    loaded = Cell.load(cell)
    return trained_cell(loaded, Path(checkpoint)) if checkpoint else loaded


@functools.cache
def _gate(cell: str, checkpoint: str) -> Gate:
    """One gate serves every variation: it keeps no state, and knows neither blocks nor cameras."""
    return build_gate(evaluated_cell(cell, checkpoint))


def play_episode(order: EvalOrder) -> EvalRow:
    """Play one episode."""
    cell = evaluated_cell(order.cell, order.checkpoint)
    head: dict[str, Any] = {
        "group": order.group,
        "seed": order.seed,
        "gated": order.gated,
        "goal": order.goal,
        "varied": tuple(axis.value for axis, _ in order.splits),
    }
    try:
        summary = play_varied(
            cell,
            Variation.draw(cell, dict(order.splits), order.seed),
            _gate(order.cell, order.checkpoint),
            goal=order.goal,
            policy=order.policy,
            puppet=not order.gated,
        )
    except InterlockError as error:
        return EvalRow(**head, outcome="error", reason=error.message)
    return EvalRow(
        **head,
        outcome=str(summary.outcome),
        reason=summary.reason,
        contacts=summary.referee.contacts,
        contacts_into_standing_arm=summary.referee.contacts_into_standing_arm,
        limit_violations=summary.referee.limit_violations,
        sim_time_s=summary.sim_time_s,
        released_fraction=summary.released_fraction,
    )


def _foreign(what: str, name: str, path: Path) -> BadInputError:
    return BadInputError(
        what,
        field=f"row.{name}",
        value=str(path),
        mend="Evaluate anew with another --out DIR, or with the version that wrote the file.",
    )
