"""What the gate costs is counted on the episodes that both halves tell of."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from cases import cases_of, chosen
from gate_cost import CostFigures, beside_the_expert, cost_claims
from ledger import Ledger, source_digest, write_table
from row import Row, blank


def off(**told: object) -> Row:
    row = blank(cases_of("gate_cost")[0], "achieved")
    return row | {"ticks": 1000, "on_outcome": "achieved", "on_ticks": 1100} | told


def test_an_episode_with_a_contact_or_without_success_is_not_free() -> None:
    rows = [off(), off(contacts=1), off(outcome="gave_up"), off(on_outcome="gave_up"), off(ticks=2000)]
    found = CostFigures.of(rows)
    assert (len(found.free), len(found.lost)) == (3, 1)
    assert found.total == pytest.approx(2200 / 3000)
    assert found.ratios == pytest.approx((0.55, 0.55, 0.55, 1.1, 1.1))


def test_nothing_free_shows_nothing() -> None:
    rows = [off(contacts=1)]
    assert math.isnan(CostFigures.of(rows).total)
    assert [claim.holds for claim in cost_claims(rows)] == [True, False, False, False]


def test_only_expert_rows_of_the_same_sources_stand_beside(tmp_path: Path) -> None:
    mine = [blank(case, "achieved") | {"ticks": 6} for case in chosen("gate_cost", 2)]
    one, two = chosen("expert", 2)
    Ledger("expert", source_digest("expert"), tmp_path).add(blank(one, "achieved") | {"ticks": 7})
    Ledger("expert", "of other sources", tmp_path / "other").add(blank(two, "achieved"))
    both = [(folder / "expert.jsonl").read_text() for folder in (tmp_path, tmp_path / "other")]
    (tmp_path / "expert.jsonl").write_text("".join(both))
    joined = beside_the_expert(mine, tmp_path, tmp_path)
    assert [(row["on_outcome"], row["on_ticks"]) for row in joined] == [("achieved", 7), ("missing", 0)]
    assert not cost_claims(joined)[0].holds


def test_a_committed_expert_table_stands_beside_too(tmp_path: Path) -> None:
    rows = [blank(case, "achieved") | {"ticks": 9} for case in cases_of("expert")]
    write_table("expert", rows, 1.0, tmp_path)
    mine = [blank(case, "achieved") for case in cases_of("gate_cost")]
    assert {row["on_ticks"] for row in beside_the_expert(mine, tmp_path / "runs", tmp_path)} == {9}
