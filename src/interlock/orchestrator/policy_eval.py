"""`interlock policy eval`: how often a policy achieves its goals in varied cells, gated and not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from interlock.orchestrator.axes import Axis
from interlock.orchestrator.demos import default_goals
from interlock.orchestrator.eval_run import EvalOrder, EvalRow, evaluated_cell, play_episode
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.kept_rows import KeptRows
from interlock.orchestrator.played_files import played_files
from interlock.orchestrator.resumption import Tell, play_missing
from interlock.orchestrator.spread import Split

__all__ = ["ROWS", "SEEN", "EvalRequest", "GroupResult", "eval_digest", "evaluate", "groups_of"]

SEEN = "seen"
"""The group in which every axis is as it was taught; the others are named for the one axis held out."""

ROWS = "episodes.jsonl"
"""In the folder of an evaluation: `digest`, `code`, `key` and `row` of an episode a line (`KeptRows`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRequest:
    """What is asked for.

    Attributes:
        cell: file or name of the cell.
        policy: name of the policy.
        checkpoint: folder of the policy `vla`; "" for another one.
        axes: what is varied, and each held out in a group of its own.
        episodes: how many in each group.
        seed: the first episode's; the others follow.
        goals: taken in turn; none: each block into each tray.
        puppet: whether each episode is played without the gate too.
        workers: processes that play.
        out: folder of the rows.
        held_out: whether each axis is held out in a group of its own too; else all are as taught.
    """

    cell: str
    policy: str
    checkpoint: str
    axes: tuple[Axis, ...]
    episodes: int
    seed: int
    goals: tuple[str, ...]
    puppet: bool
    workers: int
    out: Path
    held_out: bool = True

    @property
    def groups(self) -> dict[str, tuple[tuple[Axis, Split], ...]]:
        """How each axis is drawn, by group."""
        groups = groups_of(self.axes)
        return groups if self.held_out else {SEEN: groups[SEEN]}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResult:
    """One group, under the gate or without it.

    Attributes:
        group: "seen", or the axis that was held out.
        gated: under the gate or as a puppet.
        episodes: how many were played, n; those that could not be are not among them.
        achieved: how many achieved their goal.
        wilson_95: Wilson's score interval of the share (Wilson 1927), at 95 %.
        contacts: contacts while moving, all together.
        contacts_into_standing_arm: contacts of things that ran into an arm at rest.
        limit_violations: violated limits.
        errors: episodes that could not be played.
    """

    group: str
    gated: bool
    episodes: int
    achieved: int
    wilson_95: tuple[float, float]
    contacts: int
    contacts_into_standing_arm: int
    limit_violations: int
    errors: int

    @classmethod
    def of(cls, group: str, gated: bool, rows: Iterable[EvalRow]) -> GroupResult:
        """Count."""
        mine = [row for row in rows if (row.group, row.gated) == (group, gated)]
        played = [row for row in mine if row.outcome != "error"]
        achieved = sum(row.outcome == "achieved" for row in played)
        interval = (0.0, 1.0)
        if played:
            found = binomtest(achieved, len(played)).proportion_ci(method="wilson")
            interval = (float(found.low), float(found.high))
        return cls(
            group=group,
            gated=gated,
            episodes=len(played),
            achieved=achieved,
            wilson_95=interval,
            contacts=sum(row.contacts for row in played),
            contacts_into_standing_arm=sum(row.contacts_into_standing_arm for row in played),
            limit_violations=sum(row.limit_violations for row in played),
            errors=len(mine) - len(played),
        )


def groups_of(axes: Sequence[Axis]) -> dict[str, tuple[tuple[Axis, Split], ...]]:
    """How each axis is drawn, by group: all seen, then each held out while the others are seen."""
    groups = {SEEN: tuple((axis, Split.SEEN) for axis in axes)}
    for out in axes:
        groups[out.value] = tuple((a, Split.HELD_OUT if a is out else Split.SEEN) for a in axes)
    return groups


def evaluate(request: EvalRequest, tell: Tell, interrupts: Interrupts) -> list[GroupResult]:
    """Play what is missing, and count.

    Args:
        request: what is asked for.
        tell: as `Tell`; a row is an `EvalRow` as plain JSON.
        interrupts: Ctrl-C: what was played is kept.

    Raises:
        BadInputError: if the request cannot be met, or the folder holds another evaluation, one that other
            code began, or foreign rows.
        StoppedError: after Ctrl-C.
        StorageError: if the folder cannot be written.
    """
    axes = [axis.value for axis in request.axes]
    digest = eval_digest(request.cell, request.policy, request.checkpoint, axes)
    path = request.out / ROWS
    kept = KeptRows(path, digest, "out")
    for row in kept.rows.values():
        EvalRow.from_json(row, path)  # refused now rather than when all the others have been played
    played = play_missing(
        list(_orders(request)),
        _row,
        key=lambda order: (order.group, order.seed, order.gated, order.goal),
        kept=kept,
        workers=request.workers,
        tell=tell,
        interrupts=interrupts,
    )
    rows = [EvalRow.from_json(row, path) for row in played]
    halves = (True, False) if request.puppet else (True,)
    return [GroupResult.of(group, gated, rows) for group in request.groups for gated in halves]


def _orders(request: EvalRequest) -> Iterator[EvalOrder]:
    """Seeds outermost, so that an evaluation that was cut off has seen a little of everything."""
    cell = evaluated_cell(request.cell, request.checkpoint)
    goals = request.goals or default_goals(cell)
    for episode in range(request.episodes):
        for group, splits in request.groups.items():
            for gated in (True, False) if request.puppet else (True,):
                yield EvalOrder(
                    cell=request.cell,
                    policy=request.policy,
                    checkpoint=request.checkpoint,
                    goal=goals[episode % len(goals)],
                    group=group,
                    splits=splits,
                    seed=request.seed + episode,
                    gated=gated,
                )


def _row(order: EvalOrder) -> dict[str, Any]:
    return asdict(play_episode(order))


def eval_digest(cell: str, policy: str, checkpoint: str, axes: Sequence[str]) -> str:
    """What a row depends on beside its key: the cell, the policy and its files, what is varied."""
    facts = [evaluated_cell(cell, "").sha256, policy, list(axes), played_files(checkpoint)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
