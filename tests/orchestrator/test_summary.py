"""The summary is the JSON that the issue of a run promises, and its exit code."""

from __future__ import annotations

import json

import pytest

from interlock.errors import ExitCode, GoalError, LatchedError, LeaseError, PlanRefusedError
from interlock.orchestrator.summary import Outcome, RefereeSummary, RunSummary

KEYS = {
    "outcome", "goal", "plan", "reason", "ticks", "sim_time_s", "interventions", "refusals",
    "released_fraction", "uncertainty", "path_length_rad", "min_margin_m", "referee", "trace", "report",
    "seed", "swaps",
}  # fmt: skip
REFEREE_KEYS = {
    "contacts", "contacts_into_standing_arm", "min_distance_m", "limit_violations", "max_tcp_speed_m_s",
}  # fmt: skip


def test_json_is_one_line_with_exactly_the_promised_keys() -> None:
    text = RunSummary(outcome=Outcome.ACHIEVED, goal='a "quoted"\ngoal', plan=("pick(red_block)",)).to_json()
    assert "\n" not in text
    record = json.loads(text)
    assert set(record) == KEYS
    assert set(record["referee"]) == REFEREE_KEYS
    assert record["plan"] == ["pick(red_block)"]
    assert record["outcome"] == "achieved"


def test_numbers_that_are_none_become_null() -> None:
    referee = RefereeSummary(min_distance_m=float("inf"))
    summary = RunSummary(outcome=Outcome.GAVE_UP, goal="", min_margin_m=float("nan"), referee=referee)
    record = json.loads(summary.to_json())
    assert record["min_margin_m"] is None
    assert record["referee"]["min_distance_m"] is None


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("achieved", 0), ("refused", 3), ("stopped", 4), ("gave_up", 5)],
)
def test_every_outcome_has_its_exit_code(outcome: str, code: int) -> None:
    assert RunSummary(outcome=Outcome(outcome), goal="").exit_code == ExitCode(code)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PlanRefusedError("it may not", rule="zone"), Outcome.REFUSED),
        (LatchedError("a stop is latched"), Outcome.STOPPED),
        (LeaseError("another run"), Outcome.STOPPED),
    ],
)
def test_a_run_that_was_kept_from_starting_has_an_outcome(error: Exception, outcome: Outcome) -> None:
    summary = RunSummary.not_started(error, goal="g", seed=3)  # type: ignore[arg-type]
    assert summary is not None
    assert (summary.outcome, summary.goal, summary.seed) == (outcome, "g", 3)
    assert summary.reason


def test_bad_input_is_no_outcome() -> None:
    assert RunSummary.not_started(GoalError("what?"), goal="g", seed=0) is None
