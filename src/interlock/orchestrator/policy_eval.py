"""`interlock policy eval`: how often a policy achieves its goals in varied cells, gated and not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from interlock.errors import BadInputError, StoppedError, StorageError
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.demos import default_goals
from interlock.orchestrator.eval_run import EvalOrder, EvalRow, evaluated_cell, play_episode
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.ordered_pool import done_in_order
from interlock.orchestrator.spread import Split

__all__ = ["ROWS", "SEEN", "EvalRequest", "GroupResult", "eval_digest", "evaluate", "groups_of"]

SEEN = "seen"
"""The group in which every axis is as it was taught; the others are named for the one axis held out."""

ROWS = "episodes.jsonl"
"""In the folder of an evaluation: `digest` and `row` of an episode a line."""

_NOT_PLAYED = ("SHA256SUMS", "card.md")


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


def evaluate(
    request: EvalRequest, tell: Callable[[int, int, EvalRow | None], None], interrupts: Interrupts
) -> list[GroupResult]:
    """Play what is missing, and count.

    Args:
        request: what is asked for.
        tell: is told how many episodes are there, of how many, and the last one.
        interrupts: Ctrl-C: what was played is kept.

    Raises:
        BadInputError: if the request cannot be met, or the folder holds another evaluation.
        StoppedError: after Ctrl-C.
        StorageError: if the folder cannot be written.
    """
    orders = list(_orders(request))
    axes = [axis.value for axis in request.axes]
    digest = eval_digest(request.cell, request.policy, request.checkpoint, axes)
    rows = _Rows(request.out, digest)
    missing = [order for order in orders if _key(order) not in rows.kept]
    done = len(orders) - len(missing)
    tell(done, len(orders), None)
    try:
        with closing(done_in_order(play_episode, missing, request.workers, "plays episodes")) as played:
            for row in played:
                if interrupts.cause:
                    break
                rows.add(row)
                done += 1
                tell(done, len(orders), row)
    except KeyboardInterrupt:
        pass
    if done < len(orders):
        raise StoppedError(
            f"{interrupts.cause or 'operator: Ctrl-C'}; {done} of {len(orders)} episodes are kept",
            mend="Run the same command again: it goes on there.",
        )
    halves = (True, False) if request.puppet else (True,)
    wanted = [rows.kept[_key(order)] for order in orders]
    return [GroupResult.of(group, gated, wanted) for group in groups_of(request.axes) for gated in halves]


def _orders(request: EvalRequest) -> Iterator[EvalOrder]:
    """Seeds outermost, so that an evaluation that was cut off has seen a little of everything."""
    cell = evaluated_cell(request.cell, request.checkpoint)
    goals = request.goals or default_goals(cell)
    for episode in range(request.episodes):
        for group, splits in groups_of(request.axes).items():
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


def _key(item: EvalOrder | EvalRow) -> tuple[str, int, bool, str]:
    return item.group, item.seed, item.gated, item.goal


def eval_digest(cell: str, policy: str, checkpoint: str, axes: Sequence[str]) -> str:
    """What a row depends on beside its key: the cell, the policy and its files, what is varied.

    The card is left out: nothing is proposed from it, and the results are written into it afterwards.
    """
    digest = hashlib.sha256(evaluated_cell(cell, "").sha256.encode())
    digest.update(json.dumps([policy, list(axes)]).encode())
    if checkpoint:
        for path in sorted(Path(checkpoint).iterdir()):
            if path.name not in _NOT_PLAYED:
                digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _Rows:
    """`episodes.jsonl`: a line an episode, under the digest of what it was played with."""

    def __init__(self, folder: Path, digest: str) -> None:
        self._path = folder / ROWS
        self._digest = digest
        self.kept: dict[tuple[str, int, bool, str], EvalRow] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        except OSError as error:
            raise self._unwritable(error) from error
        for line in lines:
            row = self._row(line)
            if row is not None and row.outcome != "error":
                self.kept[_key(row)] = row

    def add(self, row: EvalRow) -> None:
        """Keep a row; it is on disk when this returns."""
        self.kept[_key(row)] = row
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"digest": self._digest, "row": asdict(row)}) + "\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def _row(self, line: str) -> EvalRow | None:
        try:
            entry: dict[str, Any] = json.loads(line)
            digest, row = entry["digest"], EvalRow(**entry["row"])
        except (KeyError, TypeError, ValueError):
            return None  # cut off
        if digest != self._digest:
            raise BadInputError(
                "holds episodes of another cell, policy or variation",
                field="out",
                value=str(self._path),
                mend="Name a new folder with --out DIR.",
            )
        return row

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"cannot be written: {error.strerror}",
            field="out",
            value=str(self._path),
            mend="Name a folder that can be written with --out DIR.",
        )
