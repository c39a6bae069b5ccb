"""How a checkpoint did in one cell, as its card and the evidence tell it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.eval_run import EvalRow
from interlock.orchestrator.policy_eval import ROWS, SEEN, GroupResult, eval_digest
from interlock.policy.vla.checkpoint import Checkpoint

__all__ = ["Judged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One evaluation, counted.

    Attributes:
        preset: shape of the model that was judged.
        weights: SHA-256 of its model.safetensors.
        cell: name or file of the cell.
        digest: SHA-256 over the cell, the checkpoint and what was varied, as each episode was kept under.
        seed: the first episode's; the others follow.
        episodes: how many were played in each group.
        goals: in the order in which they were taken in turn.
        varied: the axes that were varied.
        groups: seen, then each axis held out, if they were; each under the gate and, if it was asked for,
            without.
        code: SHA-256 of the code that played them (`code_digest`); "" if it was not noted.
    """

    preset: str
    weights: str
    cell: str
    digest: str
    seed: int
    episodes: int
    goals: tuple[str, ...]
    varied: tuple[str, ...]
    groups: tuple[GroupResult, ...]
    code: str = ""

    @classmethod
    def read(cls, cell: str, folder: Path, checkpoint: Path) -> Judged:
        """Count what `interlock policy eval` has left.

        Args:
            cell: name or file of the cell that was played in.
            folder: the evaluation's.
            checkpoint: the folder of the checkpoint that must have been judged.

        Raises:
            BadInputError: if the folder holds no evaluation, one of something else, one that is not whole or
                that several versions of the code played, or foreign rows.
            CheckpointError: if the checkpoint cannot be used.
        """
        rows, digests, codes = _rows(folder)
        axes = [group for group in dict.fromkeys(row.group for row in rows) if group != SEEN]
        ways = _ways(rows, axes)
        varied = next((w for w in ways if digests == {eval_digest(cell, "vla", str(checkpoint), w)}), None)
        if varied is None:
            raise BadInputError(
                f"holds no evaluation of this checkpoint in {cell}",
                field="results",
                value=str(folder),
                mend=f"Run `interlock policy eval --cell {cell} --checkpoint {checkpoint}` with a new --out.",
            )
        seeds = sorted({row.seed for row in rows})
        halves = sorted({row.gated for row in rows}, reverse=True)
        whole = len(seeds) * len(halves) * (1 + len(axes))
        if len(rows) != whole or len(axes) not in (0, len(varied)):
            raise BadInputError(
                "the evaluation was cut off",
                field="results",
                value=str(folder),
                mend="Run the command that wrote it again: it goes on.",
            )
        if len(codes) > 1:
            raise BadInputError(
                "several versions of the code played this evaluation",
                field="results",
                value=str(folder),
                mend="Run `interlock policy eval` with a new --out.",
            )
        judged = Checkpoint.load(checkpoint)
        return cls(
            preset=judged.config.name,
            weights=judged.sha256["model.safetensors"],
            cell=cell,
            digest=digests.pop(),
            seed=seeds[0],
            episodes=len(seeds),
            goals=tuple(dict.fromkeys(row.goal for row in sorted(rows, key=lambda row: row.seed))),
            varied=tuple(varied),
            groups=tuple(GroupResult.of(group, gated, rows) for group in (SEEN, *axes) for gated in halves),
            code=codes.pop(),
        )

    def command(self) -> str:
        """The command that plays it again."""
        varied = "all" if self.varied == tuple(Axis) else ",".join(self.varied) or "none"
        words = ["interlock", "policy", "eval", "--cell", self.cell, "--checkpoint", "CHECKPOINT"]
        words += ["--variation", varied, "--episodes", str(self.episodes), "--seed", str(self.seed)]
        for goal in self.goals:
            words += ["--goal", goal]
        if all(group.gated for group in self.groups):
            words.append("--no-puppet")
        if self.varied and {group.group for group in self.groups} == {SEEN}:
            words.append("--no-held-out")
        return shlex.join(words)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Judged:
        """From plain JSON data.

        Raises:
            KeyError: if something is missing.
            TypeError: if something is unknown.
        """
        groups = tuple(
            GroupResult(**{**group, "wilson_95": tuple(group["wilson_95"])}) for group in data["groups"]
        )
        told_code = {"code": "", **data}  # counts from before it was noted do not say it
        plain = {field.name: told_code[field.name] for field in fields(cls)}
        told = {name: tuple(data[name]) for name in ("goals", "varied")}
        return cls(**{**plain, **told, "groups": groups})


def _ways(rows: Iterable[EvalRow], axes: list[str]) -> list[list[str]]:
    """What may have been varied; rows that do not say leave the axes held out, or else none or all."""
    said = {row.varied for row in rows if row.varied}
    if said:
        return [list(varied) for varied in said]
    return [axes] if axes else [[], [axis.value for axis in Axis]]


def _rows(folder: Path) -> tuple[list[EvalRow], set[str], set[str]]:
    """Each episode once, the last word on it, the digests they were kept under, and the code's."""
    path = folder / ROWS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInputError(
            f"there is no evaluation here ({error.strerror})",
            field="results",
            value=str(path),
            mend="Name the folder that `interlock policy eval --out` has written.",
        ) from error
    rows: dict[tuple[str, int, bool, str], EvalRow] = {}
    digests, codes = set(), set()
    for line in lines:
        try:
            entry = json.loads(line)
            digest, told = str(entry["digest"]), dict(entry["row"])
        except (KeyError, TypeError, ValueError):
            continue  # cut off
        row = EvalRow.from_json(told, path)
        digests.add(digest)
        codes.add(str(entry.get("code", "")))
        rows[row.group, row.seed, row.gated, row.goal] = row
    return list(rows.values()), digests, codes
