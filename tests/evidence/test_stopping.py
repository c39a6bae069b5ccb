"""A stop is measured in the physics, and its figures tell what was too short and what too long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case, cases_of
from play import play
from row import blank
from stops import StopFigures, stop_claims

from interlock.guards import gate as gate_module


def case_of(kind: str, cell: str, sim_time_s: float) -> Case:
    case = next(case for case in cases_of("stops") if (case.kind, case.cell) == (kind, cell))
    return replace(case, sim_time_s=sim_time_s)


@pytest.mark.parametrize(("kind", "cell"), [("oscillating", "panda_tabletop"), ("random", "xarm6_tabletop")])
def test_a_stop_goes_about_as_far_as_its_certificate_says(kind: str, cell: str, tmp_path: Path) -> None:
    row = play(case_of(kind, cell, 2.5), tmp_path / "run")
    assert (row["outcome"], row["contacts"], row["violations"]) == ("gave_up", 0, 0)
    assert len(row["stops"]) >= 2
    for predicted, measured in row["stops"]:
        assert 0.0 < measured <= predicted < 1.3 * measured


def test_the_last_stop_of_a_run_is_a_latched_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stopping._LATCH_FROM_NS", 0)
    row = play(case_of("oscillating", "xarm6_tabletop", 3.0), tmp_path / "run")
    assert (row["outcome"], row["reason"]) == ("stopped", "a stop of the evidence")
    assert len(row["stops"]) == 1
    assert row["ticks"] < 200


def test_a_prediction_that_forgets_something_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(nodes: Any, period_s: float) -> float:
        return 0.5 * float(np.abs(np.diff(nodes[:, 0], axis=0)).sum())

    monkeypatch.setattr(gate_module, "stop_distance", halved)
    row = play(case_of("oscillating", "panda_tabletop", 2.0), tmp_path / "run")
    assert row["stops"]
    assert all(predicted < measured for predicted, measured in row["stops"])
    assert not all(claim.holds for claim in stop_claims([row]))


def test_figures_by_hand() -> None:
    row = blank(cases_of("stops")[0], "stopped") | {
        "stops": [[0.11, 0.1], [0.12, 0.1], [0.26, 0.2], [0.004, 0.002], [0.0009, 0.001]]
    }
    found = StopFigures.of([row])
    assert found is not None
    assert (found.stops, found.short, found.long) == (5, 1, 3)
    assert found.least_left_rad == pytest.approx(-1e-4)
    assert found.median_rad == 0.1
    assert found.ratios == pytest.approx((1.2, 2.0, 2.0))
    assert (found.within, found.long_within) == (0.8, 1.0)
    assert StopFigures.of([row | {"stops": []}]) is None
