"""One shard of the property search: so many (state, proposal, scene) triples, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import count, islice

import root  # noqa: F401  (makes `tests` importable)
from cases import PER_SHARD, Case
from row import Row, blank
from tests.properties.lies import lying
from tests.properties.meshes import mesh_contacts
from tests.properties.released import Situation, changes_when_asked_again, judge, triples

__all__ = ["search"]

MESHES = 5
"""Released motions of a shard that are judged on the meshes too."""

_PER_WORLD = 5
_WORLDS = 1000  # from one shard's first world to the next one's: more than a shard uses up
_NEAR_M = 0.01
_MUTE = ("nan", "hangs")  # no answer at all: every other time, or the arm would never be on the move


def search(case: Case) -> Row:
    """Draw worlds until there are enough triples, ask the gate, and judge all that it released."""
    share = 0.5 if case.kind in _MUTE else 1.0
    with lying(case.kind, case.seed, share) if case.table == "lying" else nullcontext():
        return _searched(case)


def _searched(case: Case) -> Row:
    row = blank(case, "done")
    told: list[str] = []
    for where, asked in islice(_drawn(case), PER_SHARD):
        row["asked"] += 1
        told += [f"{where}: {what}" for what in _count(case, asked, row)]
    row["reason"] = told[0] if told else ""
    return row


def _drawn(case: Case) -> Iterator[tuple[str, Situation]]:
    """The triples of a shard's worlds, each with a name that says how to make it again."""
    for world in count(_WORLDS * case.seed):
        for nth, asked in enumerate(triples(world, case.cell, _PER_WORLD)):
            yield f"world {world} triple {nth}", asked


def _count(case: Case, asked: Situation, row: Row) -> list[str]:
    """Add one triple to the row; what is wrong with it, in words."""
    wrong = []
    if case.table == "released":
        change = changes_when_asked_again(asked)
        row["unsteady"] += bool(change)
        wrong += [change] if change else []
    if asked.output.command is None:
        return wrong
    judged = judge(asked)
    row["released"] += 1
    row["acted"] += asked.output.verdict.rung != "as_proposed"
    row["samples"] += judged.samples
    row["near"] += judged.least_m < _NEAR_M
    if judged.least_m < 1.0:
        least = round(1e3 * judged.least_m, 3)
        row["least_mm"] = least if row["least_mm"] is None else min(row["least_mm"], least)
    row["violations"] += bool(judged.near or judged.broken)
    row["limits"] += bool(judged.limits)
    wrong += [*judged.near, *judged.broken, *judged.limits]
    every = PER_SHARD // (2 * MESHES)
    if case.table == "released" and row["mesh_checks"] < MESHES and row["released"] % every == 0:
        met = mesh_contacts(asked)
        row["mesh_checks"] += 1
        row["mesh_contacts"] += bool(met)
        wrong += [f"meshes: {pair}" for pair in met]
    return wrong
