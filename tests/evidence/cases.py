"""Every run of the evidence, by table."""

from __future__ import annotations

import hashlib
import math

from case import Case
from family_off import TRIALS
from million import million

__all__ = [
    "CELLS",
    "GOALS",
    "HOSTILE",
    "LIES",
    "PER_SHARD",
    "PLAYED",
    "ROBOTS",
    "STARTS",
    "TABLES",
    "Case",
    "cases_of",
    "chosen",
    "share_of",
]

CELLS = ("panda_tabletop", "xarm6_tabletop")
ROBOTS = (*CELLS, "iiwa", "two_pandas")
SEEDS = range(20)
HOSTILE = ("reckless", "random", "oscillating", "nan", "stale", "frozen", "wrong_unit")
HOSTILE_GOAL = "put the red block in the tray"
HOSTILE_S = 10.0
GOALS = {
    "one": "put the red block in the tray",
    "two": "put the red and the green blocks in the tray",
    "home": "put the yellow block in the tray and then go home",
    "pick": "pick up the blue block",
    "reach": "move above the blue block and then go home",
}
"""The five goals, by a short name. No push: the xArm's fingers topple a block of 8 cm now and then."""

PLAYED = ("expert", "hostile", "gate_off", "families", "gate_cost", "stops", "million")
"""Tables of runs in the simulator."""

TABLES = (*PLAYED, "released", "lying", "retreats", "replay")

PER_SHARD = 250
"""Triples of one row of the search."""

SHARDS = 100
"""Rows of the search for each robot: 25,000 triples."""

LIES = ("wrong", "solved", "nan", "hangs")
LYING_SHARDS = 2

STARTS = 25
"""Starts of one row of `retreats`."""

ESCAPES, PINCHED = 20, 2
"""Rows of `retreats` for each cell: 500 starts with a way out, 50 without."""

STOPPED = {"expert": "scripted", "reckless": "reckless", "random": "random", "oscillating": "oscillating"}
STOP_SEEDS = range(4000, 4008)

REPLAYED = ("scripted", "reckless", "random", "oscillating", "nan")
REPLAYED_S = 11.0


def cases_of(table: str) -> list[Case]:
    """All cases of a table, seeds outermost, so that a run cut short has seen a little of everything."""
    if table == "families":
        return _families()
    if table == "million":
        return million()
    if table not in PLAYED:
        return _shards(table)
    seeds = SEEDS
    rows: list[tuple[str, str, str, str, float | None]]
    if table in ("expert", "gate_cost"):
        gate = "on" if table == "expert" else "off"
        rows = [(kind, "scripted", goal, gate, None) for kind, goal in GOALS.items()]
    elif table == "stops":
        seeds = STOP_SEEDS
        rows = [(kind, policy, HOSTILE_GOAL, "on", HOSTILE_S) for kind, policy in STOPPED.items()]
    else:
        gate = "on" if table == "hostile" else "off"
        rows = [(kind, kind, HOSTILE_GOAL, gate, HOSTILE_S) for kind in HOSTILE]
    return [
        Case(
            table=table,
            kind=kind,
            cell=cell,
            policy=policy,
            goal=goal,
            seed=seed,
            gate=gate,
            sim_time_s=time_s,
        )
        for seed in seeds
        for kind, policy, goal, gate, time_s in rows
        for cell in CELLS
    ]


def _families() -> list[Case]:
    return [
        Case(
            table="families",
            kind=trial.name,
            cell=cell,
            policy=trial.policy,
            goal=trial.goal,
            seed=seed,
            gate=gate,
            sim_time_s=trial.sim_time_s,
        )
        for trial in TRIALS.values()
        for cell in trial.cells
        for seed in trial.seeds
        for gate in (trial.name, "on")
    ]


def _shards(table: str) -> list[Case]:
    if table == "replay":
        return [_case(table, policy, cell, 0) for policy in REPLAYED for cell in CELLS]
    if table == "retreats":
        shards_of = (("escape", ESCAPES), ("pinched", PINCHED))
        return [
            _case(table, kind, cell, shard)
            for kind, shards in shards_of
            for shard in range(shards)
            for cell in CELLS
        ]
    kinds, shards = (LIES, LYING_SHARDS) if table == "lying" else (("random",), SHARDS)
    return [_case(table, kind, robot, shard) for shard in range(shards) for kind in kinds for robot in ROBOTS]


def _case(table: str, kind: str, cell: str, seed: int) -> Case:
    replay = table == "replay"
    return Case(
        table=table,
        kind=kind,
        cell=cell,
        policy=kind if replay else "",
        goal=HOSTILE_GOAL if replay else "",
        seed=seed,
        gate="on",
        sim_time_s=REPLAYED_S if replay else None,
    )


def chosen(table: str, count: int) -> list[Case]:
    """`count` cases of a table, always the same ones, in turn from each cell, kinds before seeds."""
    ordered = sorted(cases_of(table), key=lambda case: hashlib.sha256(case.key.encode()).digest())
    turns: dict[tuple[str, str], int] = {}
    cells: dict[str, int] = {}
    order = list(dict.fromkeys(case.cell for case in cases_of(table)))

    def turn(case: Case) -> tuple[int, int, int]:
        nth = turns[case.cell, case.kind] = turns.get((case.cell, case.kind), -1) + 1
        place = cells[case.cell] = cells.get(case.cell, -1) + 1
        return nth, place, order.index(case.cell)

    return sorted(ordered, key=turn)[: max(0, count)]


def share_of(table: str, share: float) -> list[Case]:
    """That share of a table's cases, at least one."""
    return chosen(table, max(1, math.ceil(share * len(cases_of(table)))))
