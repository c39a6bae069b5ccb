"""The evidence can fail: without the gate, or without one family of it, the referee's counters trip."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from asking_again import ask_again
from cases import CELLS, PER_SHARD, PLAYED, ROBOTS, STARTS, TABLES, Case, cases_of, chosen, share_of
from claims import claims
from compare import differences
from crew import Crew
from family_off import TRIALS
from ledger import (
    Ledger,
    columns_of,
    fingerprint,
    read_table,
    source_digest,
    table_path,
    wilson,
    write_table,
)
from play import play
from retreating import retreat
from row import Row, blank
from run import compare_slice, make_tables
from search import search
from tables import print_tables, text_of

from interlock.orchestrator import session
from interlock.orchestrator.rig import Rig, build_rig

SPACES = ("joint_position", "tool_pose", "tool_delta", "tool_step")
ROOT = Path(__file__).resolve().parents[2]


def case_of(table: str, kind: str, cell: str, seed: int = 0, *, on: bool = True) -> Case:
    """One case; `on` chooses between the two runs of a family."""
    return next(
        case
        for case in cases_of(table)
        if (case.kind, case.cell, case.seed) == (kind, cell, seed)
        and (table != "families" or (case.gate == "on") == on)
    )


def most_bytes(table: str) -> int:
    """A committed table is small: for each of its runs a line."""
    return max(100_000, 160 * len(cases_of(table)))


def made_up(table: str) -> list[Row]:
    """Rows with which every claim about a table holds."""
    rows = []
    shown: Row = {"asked": 250, "released": 240, "acted": 200, "near": 20, "least_mm": 1.5, "mesh_checks": 5}
    shown |= {"starts": 25, "retreated": 25, "recovered": 25, "decisions": 1100, "same": 1100}
    for case in cases_of(table):
        if table not in PLAYED:
            row = blank(case, "same" if table == "replay" else "done")
            rows.append(row | {name: shown[name] for name in row.keys() & shown.keys()} | {"gate": case.gate})
            continue
        row = blank(case, "achieved") | {
            "released": 0.9,
            "path_rad": 12.345,
            "ticks": 1000,
            "gate": case.gate,
        }
        if table == "gate_off":
            row |= {"contacts": 2, "counters": {"contact_environment": 2}}
        if table == "gate_cost":
            row |= {"on_outcome": "achieved", "on_ticks": 1050}
        if table == "stops":
            row["stops"] = [[0.11, 0.1]] * 10
        if table == "families" and case.gate != "on":
            row["counters"] = {TRIALS[case.kind].counter: 3}
        rows.append(row)
    return rows


@pytest.mark.parametrize("kind", ["jerk", "environment"])
def test_counter_trips_only_without_its_family(kind: str, tmp_path: Path) -> None:
    counter = TRIALS[kind].counter
    off, on = (
        play(
            replace(case_of("families", kind, "panda_tabletop", on=gated), sim_time_s=5.0),
            tmp_path / str(gated),
        )
        for gated in (False, True)
    )
    assert off["counters"].get(counter, 0) > 0, off
    assert (on["outcome"], on["counters"], on["contacts"]) == ("gave_up", {}, 0), on
    assert on["released"] > 0.5


def test_reckless_policy_hits_something_once_the_gate_is_off(tmp_path: Path) -> None:
    case = replace(case_of("gate_off", "reckless", "panda_tabletop"), sim_time_s=4.0)
    row = play(case, tmp_path / "run")
    assert row["contacts"] > 0, row
    assert row["violations"] > 0, row


def test_trace_tells_of_every_refusal(tmp_path: Path) -> None:
    kept: list[Path] = []

    def keep(row: Row) -> Path:
        kept.append(tmp_path / "kept")
        return kept[0]

    row = play(
        replace(case_of("hostile", "wrong_unit", "xarm6_tabletop"), sim_time_s=1.0), tmp_path / "run", keep
    )
    assert row["refused"] == row["refused_in_trace"] == row["ticks"] > 0
    assert (kept[0] / "out/trace.mcap").is_file()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("robot", ROBOTS)
def test_shard_of_the_search_counts_what_was_asked_and_what_came_of_it(
    robot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.PER_SHARD", 20)
    row = search(case_of("released", "random", robot))
    assert (row["asked"], row["outcome"], row["reason"]) == (20, "done", "")
    assert 10 <= row["released"] <= 20
    assert row["mesh_checks"] > 0
    assert row["samples"] > 20 * row["released"]
    harm = ("violations", "limits", "unsteady", "mesh_contacts")
    assert [row[name] for name in harm] == [0] * len(harm)


def test_shard_of_the_search_tells_of_a_gate_that_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    from interlock.guards.verifier import Finding, Verifier

    clear = Finding(clear=True, family="", reason="", margins=())
    monkeypatch.setattr(Verifier, "_sweep", lambda self, nodes, around, keep_in: clear)
    monkeypatch.setattr("search.PER_SHARD", 40)
    row = search(case_of("released", "random", "panda_tabletop"))
    assert row["violations"] > 4
    assert row["mesh_contacts"] > 0
    assert row["reason"].startswith("world ")


@pytest.mark.parametrize("lie", ["solved", "nan"])
def test_shard_under_a_lie_is_clear_too(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.PER_SHARD", 20)
    row = search(case_of("lying", lie, "xarm6_tabletop"))
    assert (row["asked"], row["violations"], row["limits"]) == (20, 0, 0)
    assert row["acted"] > 0


@pytest.mark.parametrize("kind", ["escape", "pinched"])
def test_shard_of_retreats_counts_starts(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retreating.STARTS", 3)
    row = retreat(case_of("retreats", kind, "panda_tabletop"))
    wanted = 3 if kind == "escape" else 0
    assert (row["starts"], row["retreated"], row["recovered"]) == (3, wanted, wanted)
    assert (row["shrinking"], row["too_fast"], row["moved"], row["reason"]) == (0, 0, 0, "")
    assert row["ticks"] > 3


def test_decisions_of_a_run_are_made_again_by_another_process(tmp_path: Path) -> None:
    case = replace(case_of("replay", "random", "xarm6_tabletop"), sim_time_s=0.5)
    row = ask_again(case, tmp_path / "run")
    assert (row["outcome"], row["same"], row["reason"]) == ("same", row["decisions"], "")
    assert row["decisions"] == row["ticks"] > 40


def test_run_that_breaks_is_a_row(tmp_path: Path) -> None:
    case = replace(case_of("hostile", "nan", "panda_tabletop"), policy="no_such_policy")
    row = play(case, tmp_path / "run")
    assert row["outcome"] == "error"
    assert "there is no such policy" in row["reason"]


def test_run_that_a_signal_stopped_is_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def signalled(*arguments: Any, **options: Any) -> Rig:
        os.kill(os.getpid(), signal.SIGTERM)
        return build_rig(*arguments, **options)

    monkeypatch.setattr(session, "build_rig", signalled)
    row = play(case_of("hostile", "nan", "panda_tabletop"), tmp_path / "run")
    assert row["outcome"] == "error", row
    assert row["reason"].startswith("operator: SIGTERM")


def test_every_family_that_has_a_counter_is_tried_on_both_cells() -> None:
    from interlock.hal.simulator.referee_report import COUNTERS

    tried = {trial.counter for trial in TRIALS.values()}
    # No family stands for these: a standing arm cannot help being hit and pushed, and no driver takes a jump.
    assert tried == set(COUNTERS) - {"contact_standing", "pushed", "discontinuity"}
    assert all(trial.cells == CELLS for trial in TRIALS.values())


def test_product_has_no_way_to_turn_the_gate_off() -> None:
    words = ("ungated", "family_off", "gate_off", "no_gate", "without_gate", "skip_gate", "disable_gate")
    for path in (ROOT / "src/interlock").rglob("*.py"):
        text = path.read_text(encoding="utf-8").lower().replace("-", "_")
        assert not [word for word in words if word in text], path


@pytest.mark.parametrize("table", TABLES)
def test_keys_are_unique_and_a_slice_is_the_same_each_time(table: str) -> None:
    cases = cases_of(table)
    assert len({case.key for case in cases}) == len(cases)
    assert share_of(table, 0.01) == share_of(table, 0.01)
    assert len(share_of(table, 0.01)) == -(-len(cases) // 100)
    assert {case.cell for case in chosen(table, 4)} == {case.cell for case in cases}
    assert {case.key for case in chosen(table, len(cases))} == {case.key for case in cases}


def test_numbers_of_cases_are_those_of_the_claim() -> None:
    assert [len(cases_of(table)) for table in TABLES[:3]] == [200, 280, 280]
    shards = cases_of("released")
    assert len(shards) * PER_SHARD == 100_000
    assert {case.cell for case in shards} == set(ROBOTS)
    assert {(case.cell, case.space) for case in cases_of("million")} == set(product(ROBOTS, SPACES))
    assert not {case.seed for case in cases_of("million")} & {case.seed for case in cases_of("hostile")}
    assert [case.key for case in cases_of("gate_cost")] == [case.key for case in cases_of("expert")]
    retreats = [case.kind for case in cases_of("retreats")]
    assert (retreats.count("escape") * STARTS, retreats.count("pinched") * STARTS) == (1000, 100)
    assert sum(case.sim_time_s * 100 for case in cases_of("replay")) >= 10_000


def test_interrupted_table_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[str] = []

    def fake(self: Crew, cases: list[Case]) -> object:
        for case in cases:
            played.append(case.key)
            yield case, blank(case, "gave_up") | {"released": 0.9}
            if len(played) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(Crew, "play", fake)
    with pytest.raises(KeyboardInterrupt):
        make_tables(["hostile"], 1, runs=tmp_path, committed=tmp_path)
    with (tmp_path / "hostile.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"digest": "cut o')
    make_tables(["hostile"], 1, limit=None, runs=tmp_path, committed=tmp_path)
    assert len(played) == len(set(played)) == len(cases_of("hostile"))
    content = read_table("hostile", tmp_path)
    assert content is not None
    assert len(content["rows"]) == len(played)


def test_rows_of_other_sources_and_errors_are_played_again(tmp_path: Path) -> None:
    one, two = cases_of("hostile")[:2]
    ledger = Ledger("hostile", "a", tmp_path)
    ledger.add(blank(one, "gave_up"))
    ledger.add(blank(two, "error", "it broke"))
    assert set(Ledger("hostile", "a", tmp_path).rows) == {one.key}
    assert not Ledger("hostile", "b", tmp_path).rows


def test_real_worker_answers_and_a_dead_one_becomes_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    case = replace(case_of("hostile", "nan", "panda_tabletop"))
    ghost = replace(case, kind="ghost")  # no worker knows it: it dies of a KeyError
    rows = [row for _, row in Crew(1).play([ghost, case])]
    assert [row["outcome"] for row in rows] == ["error", "gave_up"]
    assert "KeyError" in rows[0]["reason"]


@pytest.mark.parametrize("table", TABLES)
def test_table_is_written_read_printed_and_compared(table: str, tmp_path: Path) -> None:
    rows = made_up(table)
    path = write_table(table, rows, 1.0, tmp_path)
    content = read_table(table, tmp_path)
    assert content is not None
    assert path.stat().st_size < most_bytes(table)
    assert all(claim.holds for claim in claims(table, content["rows"]))
    text = text_of(table, content)
    assert "FAILS" not in text
    assert CELLS[0] in text
    played = [(case, blank(case, "achieved") | rows[k]) for k, case in enumerate(cases_of(table)[:3])]
    assert differences(played, content) == []
    figure = "ticks" if table not in ("released", "lying") else "samples"
    played[1][1]["outcome"], played[1][1][figure] = "gave_up", 999
    assert len(differences(played, content)) == 2
    content["fingerprint"]["cpu"] = "another"
    assert [line.split(": ")[1][:8] for line in differences(played, content)] == ["outcome "]


def test_claims_fail_when_they_should() -> None:
    for table, change in (
        ("expert", {"outcome": "gave_up"}),
        ("expert", {"contacts": 1}),
        ("hostile", {"violations": 1}),
        ("hostile", {"released": 0.4}),
        ("hostile", {"path_rad": 0.1}),
        ("hostile", {"refused": 7}),
        ("gate_off", {"contacts": 0}),
        ("families", {"counters": {}}),
        ("hostile", {"outcome": "error"}),
        ("gate_cost", {"on_outcome": "gave_up"}),
        ("gate_cost", {"on_outcome": "missing"}),
        ("gate_cost", {"on_ticks": 1200}),
        ("gate_cost", {"outcome": "gave_up"}),
        ("gate_cost", {"contacts": 1}),
        ("stops", {"stops": [[0.1, 0.11]] * 10}),
        ("stops", {"stops": [[0.2, 0.1]] * 10}),
        ("stops", {"stops": [[1e-5, 0.0]] * 10}),
        ("stops", {"stops": [[0.11, 0.1]]}),
        ("stops", {"violations": 1}),
        ("million", {"contacts": 1}),
        ("million", {"violations": 1}),
        ("million", {"ticks": 900}),
        ("million", {"released": 0.4}),
        ("million", {"path_rad": 0.1}),
        ("released", {"violations": 1}),
        ("released", {"limits": 1}),
        ("released", {"unsteady": 1}),
        ("released", {"mesh_contacts": 1}),
        ("released", {"mesh_checks": 0}),
        ("released", {"released": 10}),
        ("released", {"near": 0}),
        ("lying", {"violations": 1}),
        ("lying", {"limits": 1}),
        ("lying", {"acted": 0}),
        ("lying", {"released": 0}),
        ("retreats", {"retreated": 24}),
        ("retreats", {"recovered": 24}),
        ("retreats", {"shrinking": 1}),
        ("retreats", {"too_fast": 1}),
        ("retreats", {"moved": 1}),
        ("replay", {"same": 1099}),
        ("replay", {"decisions": 0, "same": 0}),
    ):
        rows = [row | change for row in made_up(table)]
        assert not all(claim.holds for claim in claims(table, rows)), (table, change)


def test_missing_table_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_slice(["expert"], 0.01, 1, committed=tmp_path) == 1
    assert not print_tables("expert", tmp_path)
    said = capsys.readouterr()
    assert (said.out + said.err).count("expert.json is not there") == 2


def test_slice_that_differs_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = made_up("expert")
    write_table("expert", rows, 1.0, tmp_path)
    outcome = {"now": "achieved"}

    def fake(self: Crew, cases: list[Case]) -> object:
        by_key = {row["key"]: row for row in rows}
        yield from ((case, by_key[case.key] | {"outcome": outcome["now"]}) for case in cases)

    monkeypatch.setattr(Crew, "play", fake)
    assert compare_slice(["expert"], 0.01, 1, committed=tmp_path) == 0
    outcome["now"] = "gave_up"
    assert compare_slice(["expert"], 0.01, 1, committed=tmp_path) == 1
    assert "outcome was 'achieved' and is 'gave_up'" in capsys.readouterr().out


def test_slice_of_several_tables_is_compared_with_each_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {table: made_up(table) for table in ("expert", "hostile")}
    for table, each in rows.items():
        write_table(table, each, 1.0, tmp_path)
    changed: dict[str, object] = {}
    lost = 0

    def fake(self: Crew, cases: list[Case]) -> object:
        known = {(table, row["key"]): row for table, each in rows.items() for row in each}
        for case in cases[: len(cases) - lost]:
            row = known[case.table, case.key]
            yield case, row | (changed if case.table == "hostile" else {})

    monkeypatch.setattr(Crew, "play", fake)
    tables = ["gate_off", "expert", "hostile"]
    assert compare_slice(tables, 0.01, 1, committed=tmp_path) == 1
    assert capsys.readouterr().out.count("\n") == 1  # the table that is not there
    assert compare_slice(tables[1:], 0.01, 1, committed=tmp_path) == 0
    changed["outcome"] = "gave_up"
    assert compare_slice(tables[1:], 0.01, 1, committed=tmp_path) == 1
    said = capsys.readouterr().out.splitlines()
    assert said
    assert all(line.startswith("hostile ") for line in said)
    changed.clear()
    lost = 1
    assert compare_slice(tables[1:], 0.01, 1, committed=tmp_path) == 1
    assert "hostile: 2 of 3 runs came back" in capsys.readouterr().out


def test_wilson_interval_is_the_published_one() -> None:
    low, high = wilson(97, 100)
    assert (round(low, 4), round(high, 4)) == (0.9155, 0.9897)


@pytest.mark.parametrize("table", TABLES)
def test_committed_table_is_whole_small_and_shows_what_it_should(table: str) -> None:
    content = read_table(table)
    assert content is not None, f"{table_path(table).name} is not there: `make evidence` makes it"
    assert table_path(table).stat().st_size < most_bytes(table)
    assert set(content) >= {"command", "seeds", "commit", "fingerprint", "totals", "columns", "rows"}
    assert content["columns"] == columns_of(table)
    wanted = {(case.kind, case.cell, case.seed, case.gate) for case in cases_of(table)}
    gate = "off" if table in ("gate_off", "gate_cost") else "on"
    got = {(row["kind"], row["cell"], row["seed"], row.get("gate", gate)) for row in content["rows"]}
    assert got == wanted
    assert [claim.text for claim in claims(table, content["rows"]) if not claim.holds] == []


def test_digest_follows_the_sources_and_nothing_else() -> None:
    assert source_digest("hostile") == source_digest("hostile") == source_digest("expert")
    assert source_digest("released") == source_digest("retreats") != source_digest("hostile")
    assert json.dumps(fingerprint()) == json.dumps(fingerprint())
