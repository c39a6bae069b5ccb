"""What the tables are to show, as sentences that are true or false of their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from cases import CELLS, ROBOTS, cases_of
from claim import Claim, name_of, none_of, unharmed
from family_off import TRIALS
from gate_cost import cost_claims
from million import LEAST_TICKS
from row import Row
from stops import stop_claims

__all__ = ["Claim", "claims"]

_ACHIEVED = dict(zip(CELLS, (97, 90), strict=True))  # of 100
_LIVELY = ("reckless", "random", "oscillating")
_RELEASED = 0.5
_PATH_RAD = 5.0
_UNGATED = {"reckless": 0.60, "random": 0.20}
_SEARCH_RELEASED = 0.85
_SEARCH_NEAR = 0.01
_LIE_RELEASED = 0.2
_LEAST_RECOVERED = 0.99


def claims(table: str, rows: Sequence[Row]) -> list[Claim]:
    """The claims that `rows` of `table` can bear out; one that none of them speaks of is left out."""
    build: dict[str, Callable[[Sequence[Row]], list[Claim]]] = {
        "expert": _expert,
        "hostile": _hostile,
        "gate_off": _gate_off,
        "families": _families,
        "gate_cost": cost_claims,
        "stops": stop_claims,
        "million": _million,
        "released": _searched,
        "lying": _lied,
        "retreats": _retreats,
        "replay": _replays,
    }
    errors = [row for row in rows if row["outcome"] == "error"]
    return [none_of(errors, "no run broke"), *build[table](rows)]


def _expert(rows: Sequence[Row]) -> list[Claim]:
    found = []
    for cell, least in _ACHIEVED.items():
        mine = [row for row in rows if row["cell"] == cell]
        if not mine:
            continue
        missed = [row for row in mine if row["outcome"] != "achieved"]
        text = f"{cell}: {len(mine) - len(missed)} of {len(mine)} achieved, at least {least} %"
        holds = 100 * len(missed) <= (100 - least) * len(mine)
        found.append(Claim(text=text, holds=holds, against=tuple(name_of(row) for row in missed)))
    return found + unharmed(rows)


def _hostile(rows: Sequence[Row]) -> list[Claim]:
    return unharmed(rows) + _in_traces(rows) + _lively(rows)


def _million(rows: Sequence[Row]) -> list[Claim]:
    found = unharmed(rows) + _in_traces(rows)
    if len(rows) == len(cases_of("million")):
        ticks = sum(row["ticks"] for row in rows)
        found.append(Claim(text=f"{ticks:,} ticks, at least {LEAST_TICKS:,}", holds=ticks >= LEAST_TICKS))
    return found + _lively(rows)


def _in_traces(rows: Sequence[Row]) -> list[Claim]:
    if not all("refused_in_trace" in row for row in rows):  # the committed rows leave it to the totals
        return []
    untold = [row for row in rows if row["refused"] != row["refused_in_trace"]]
    return [none_of(untold, "every refused tick is in the trace")]


def _lively(rows: Sequence[Row]) -> list[Claim]:
    """An arm that is not let move hits nothing."""
    found = []
    for kind in _LIVELY:
        for cell in ROBOTS:
            mine = [row for row in rows if (row["kind"], row["cell"]) == (kind, cell)]
            if mine:
                found += [_released(f"{cell}: {kind}", mine), _moved(f"{cell}: {kind}", mine)]
    return found


def _released(who: str, rows: Sequence[Row]) -> Claim:
    """The share of all ticks of all runs; runs in which it is lower are named."""
    ticks = sum(row["ticks"] for row in rows)
    share = sum(row["released"] * row["ticks"] for row in rows) / max(ticks, 1)
    low = [row for row in rows if row["released"] < _RELEASED]
    text = f"{who}: {share:.1%} of all ticks released, at least {_RELEASED:.0%}"
    return Claim(text=text, holds=share >= _RELEASED, against=tuple(name_of(row) for row in low))


def _moved(who: str, rows: Sequence[Row]) -> Claim:
    paths = [row["path_rad"] for row in rows]
    text = f"{who}: median path {median(paths):.1f} rad, at least {_PATH_RAD:g} (least {min(paths):.1f})"
    return Claim(text=text, holds=median(paths) >= _PATH_RAD)


def _gate_off(rows: Sequence[Row]) -> list[Claim]:
    found = []
    for kind, share in _UNGATED.items():
        mine = [row for row in rows if row["kind"] == kind]
        if not mine:
            continue
        hit = sum(bool(row["contacts"]) for row in mine)
        text = f"{kind} without the gate: contacts in {hit} of {len(mine)} runs, at least {share:.0%}"
        found.append(Claim(text=text, holds=hit >= share * len(mine)))
    return found


def _families(rows: Sequence[Row]) -> list[Claim]:
    found = []
    for trial in TRIALS.values():
        mine = [row for row in rows if row["kind"] == trial.name]
        off = [row for row in mine if row["gate"] != "on"]
        if not off:
            continue
        tripped = [row for row in off if row["counters"].get(trial.counter)]
        text = f"{trial.name} off alone: {trial.counter} trips in {len(tripped)} of {len(off)} runs"
        found.append(Claim(text=text, holds=bool(tripped)))
    on = [row for row in rows if row["gate"] == "on" and row["counters"].get(TRIALS[row["kind"]].counter)]
    return [*found, none_of(on, "the same runs under the whole gate: no such counter trips")]


def _clear(rows: Sequence[Row]) -> list[Claim]:
    return [
        none_of([row for row in rows if row["violations"]], "released motions that come too near: 0"),
        none_of([row for row in rows if row["limits"]], "released motions that exceed a limit: 0"),
    ]


def _searched(rows: Sequence[Row]) -> list[Claim]:
    found = _clear(rows)
    unsteady = [row for row in rows if row["unsteady"]]
    found.append(none_of(unsteady, "asked again, or asked for what was released: the same, always"))
    checks = sum(row["mesh_checks"] for row in rows)
    text = f"on the meshes: {checks} released motions, contacts: 0"
    hit = [row for row in rows if row["mesh_contacts"] or not row["mesh_checks"]]
    found.append(none_of(hit, text))
    for robot in ROBOTS:
        mine = [row for row in rows if row["cell"] == robot]
        if mine:
            found += [_share(robot, mine, _SEARCH_RELEASED), _close(robot, mine)]
    return found


def _share(who: str, rows: Sequence[Row], least: float) -> Claim:
    """A gate that always refuses shows nothing."""
    asked, released = (sum(row[name] for row in rows) for name in ("asked", "released"))
    text = f"{who}: {released} of {asked} triples released, at least {least:.0%}"
    return Claim(text=text, holds=released >= least * asked)


def _close(who: str, rows: Sequence[Row]) -> Claim:
    """A search that comes near nothing shows nothing."""
    near, released = (sum(row[name] for row in rows) for name in ("near", "released"))
    text = f"{who}: {near} of {released} releases come within 1 cm of something, at least {_SEARCH_NEAR:.0%}"
    return Claim(text=text, holds=near >= _SEARCH_NEAR * released)


def _lied(rows: Sequence[Row]) -> list[Claim]:
    found = _clear(rows)
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        found.append(_share(f"solver, {kind}", mine, _LIE_RELEASED))
        acted = sum(row["acted"] for row in mine)
        text = f"solver, {kind}: {acted} releases were not what was proposed"
        found.append(Claim(text=text, holds=acted > 0))
    return found


def _retreats(rows: Sequence[Row]) -> list[Claim]:
    escapes = [row for row in rows if row["kind"] == "escape"]
    pinched = [row for row in rows if row["kind"] == "pinched"]
    found = []
    if escapes:
        starts = sum(row["starts"] for row in escapes)
        short = [row for row in escapes if row["retreated"] != row["starts"]]
        found.append(none_of(short, f"{starts} starts with a way out: retreats in all"))
        whole = sum(row["recovered"] for row in escapes)
        text = f"{whole} of them end with every margin whole, at least {_LEAST_RECOVERED:.0%}"
        short = [row for row in escapes if row["recovered"] != row["starts"]]
        found.append(replace(none_of(short, text), holds=whole >= _LEAST_RECOVERED * starts))
        found.append(none_of([row for row in escapes if row["shrinking"]], "broken distances that shrink: 0"))
        found.append(none_of([row for row in escapes if row["too_fast"]], "retreats above 0.1 m/s: 0"))
    if pinched:
        starts = sum(row["starts"] for row in pinched)
        moved = [row for row in pinched if row["moved"]]
        found.append(none_of(moved, f"{starts} pinched starts: no motion"))
    return found


def _replays(rows: Sequence[Row]) -> list[Claim]:
    decisions = sum(row["decisions"] for row in rows)
    differ = [row for row in rows if row["outcome"] != "same" or row["same"] != row["decisions"]]
    text = f"{decisions} recorded decisions made again in another process: the same, bit for bit"
    quiet = [row for row in rows if row["decisions"] < 1000]
    return [none_of(differ, text), none_of(quiet, "at least 1,000 decisions of every run")]
