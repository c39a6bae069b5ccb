"""Benchmarks print what they promise, and measuring changes no decision."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from rich.console import Console

from interlock.errors import BadInputError
from interlock.guards.gate import Gate
from interlock.guards.verdict import Rung
from interlock.orchestrator import bench, bench_peer, bench_policy
from interlock.orchestrator.bench_clutter import Clutter, Spent, measure
from interlock.orchestrator.bench_peer import ask_peer
from interlock.orchestrator.bench_run import bench_run
from interlock.orchestrator.bench_table import bench_table
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.gate_maker import build_gate
from interlock.orchestrator.gate_timing import GateStopwatch

PARTS = ("observe_us", "gate_us", "write_us", "report_us", "tick_us")
INSIDE = ("gate_survey_us", "gate_project_us", "gate_verify_us")


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    patch = pytest.MonkeyPatch()
    patch.setattr(bench, "_TICKS", 60)
    patch.setattr(bench, "_REAL_TICKS", 30)
    patch.setattr(bench, "_DECISIONS", 9)
    patch.setattr(bench, "_CHUNKS", 12)
    patch.setattr(bench, "_CURVE", (2, 4))
    for name, value in {
        "_PRESET": "smoke",
        "_ROUNDS": 6,
        "_BATCHES": (2, 4),
        "_STEPS": 1,
        "_LOOP_TICKS": 40,
        "_LOOP_TURNS": 1,
    }.items():
        patch.setattr(bench_policy, name, value)
    try:
        return bench.run(peer=Path("/nowhere/python"))
    finally:
        patch.undo()


def test_every_benchmark_runs_and_its_answer_is_json(measured: dict[str, Any]) -> None:
    assert list(measured) == ["tick", "gate", "chunk", "growth", "program", "realtime", "policy"]
    assert json.loads(json.dumps(measured)) == measured


@pytest.mark.parametrize("policy", ["scripted", "reckless"])
def test_a_tick_is_taken_apart(policy: str, measured: dict[str, Any]) -> None:
    told = measured["tick"][policy]
    assert set(told) == {*PARTS, *INSIDE, "tick_p99_to_period_ratio"}
    assert all(0.0 < told[part]["median"] <= told[part]["p99"] for part in PARTS)
    assert told["gate_us"]["median"] < told["tick_us"]["median"]
    assert told["gate_verify_us"]["median"] < told["gate_us"]["median"]
    period_us = measured["tick"]["period_us"]
    assert told["tick_p99_to_period_ratio"] == pytest.approx(told["tick_us"]["p99"] / period_us, abs=1e-4)


def test_the_projector_is_asked_by_a_reckless_policy_alone(measured: dict[str, Any]) -> None:
    asked = {
        policy: measured["tick"][policy]["gate_project_us"]["in_ticks"] for policy in ("scripted", "reckless")
    }
    assert asked["scripted"] < asked["reckless"] > 0.5


def test_the_gate_is_compared_with_the_programs_it_solved(measured: dict[str, Any]) -> None:
    told = measured["program"]
    assert told["programs"] >= 30
    for ratio, one, other in (
        ("gate_to_raw_solve_ratio", "gate_us", "raw_solve_us"),
        ("cvxpy_to_map_and_solve_ratio", "cvxpy_solve_us", "map_and_solve_us"),
    ):
        assert told[ratio] == pytest.approx(told[one]["median"] / told[other]["median"], rel=0.02)


def test_the_gate_is_measured_among_obstacles(measured: dict[str, Any]) -> None:
    told = measured["gate"]
    assert told["rows"] > 25 * 20
    ratio = told["projector_us"]["median"] / told["raw_solve_us"]["median"]
    assert told["projector_to_raw_solve_ratio"] == pytest.approx(ratio, rel=0.02)
    assert told["verifier_us"]["median"] < told["gate_us"]["median"]


def test_without_cbfpy_there_is_no_ratio_and_the_reason_is_told(measured: dict[str, Any]) -> None:
    told = measured["gate"]
    assert told["cbfpy_ratio"] is None
    assert "there is no python at /nowhere" in told["cbfpy"]["missing"]


def test_an_interpreter_without_cbfpy_says_what_is_missing(questions: list[Spent]) -> None:
    told = ask_peer([spent.program for spent in questions], Path(sys.executable))
    assert isinstance(told, str)
    assert "No module named" in told


# Answers like cbfpy, by the solver that the package has: what is tested is the way there and back.
_STAND_IN = """
import sys
import daqp, numpy as np
asked = np.load(sys.argv[1])
rows, bound = asked["rows"], asked["bound"]
none, plain = np.full(bound.shape[1], -1e30), np.zeros(bound.shape[1], dtype=np.int32)
each = zip(asked["linear"], rows, bound)
x = np.array([daqp.solve(asked["quadratic"], *one, none, plain)[0] for one in each])
us = {name: np.full(len(x), 1000.0 * k) for k, name in enumerate(("filter_us", "solve_us", "elastiqp_us"), 1)}
answers = {name: x + off for name, off in (("filter_x", 0.25), ("tight_x", 0.0), ("elastiqp_x", 0.5))}
np.savez(sys.argv[2], version="9.9", tolerance=0.001, **us, **answers)
"""


@pytest.fixture(scope="module")
def questions() -> list[Spent]:
    return measure(Clutter(Cell.load("panda_tabletop"), 4), 6)


def test_cbfpy_gets_the_very_programs_and_its_answers_are_compared(
    questions: list[Spent], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "stand_in.py"
    script.write_text(_STAND_IN, encoding="utf-8")
    monkeypatch.setattr(bench_peer, "_SCRIPT", script)
    told = bench._beside_cbfpy(questions, Path(sys.executable))
    ours, beside = [spent.given_rows for spent in questions], told["cbfpy"]
    assert told["cbfpy_ratio"]["median"] == pytest.approx(1000.0 / np.median(ours), rel=0.01)
    assert told["cbfpy_ratio"]["p99"] == pytest.approx(1000.0 / np.percentile(ours, 99), rel=0.01)
    assert beside["solve_us"]["median"] == 2000.0
    assert beside["elastiqp_ratio"]["median"] == pytest.approx(3000.0 / np.median(ours), rel=0.01)
    assert beside["largest_difference_when_tight"] < 1e-9
    assert beside["largest_difference"] == pytest.approx(0.25)
    assert beside["elastiqp_largest_difference"] == pytest.approx(0.5)
    assert json.loads(json.dumps(told)) == told


def test_growth_is_told_for_each_number_of_pairs(measured: dict[str, Any]) -> None:
    told = measured["growth"]
    pairs = [int(key.split("_")[0]) for key in told if key.endswith("_pairs_us")]
    assert len(pairs) == 2
    assert told["pairs_ratio"] == pytest.approx(pairs[1] / pairs[0], abs=0.01)


def test_the_obstacles_leave_the_robot_free_and_close() -> None:
    clutter = Clutter(Cell.load("panda_tabletop"), 8)
    outputs = [clutter.gate.decide(given) for given, _, _ in clutter.decisions(120)]
    rungs = {output.verdict.rung for output in outputs}
    assert Rung.PROJECTED in rungs
    assert sum(output.command is not None for output in outputs) > 60


def test_real_time_tells_rate_and_lateness(measured: dict[str, Any]) -> None:
    told = measured["realtime"]
    assert told["wanted_hz"] == 100.0
    assert 0.0 < told["achieved_hz"] <= 100.5
    assert told["ticks"] == 50
    assert told["lateness_us"]["p99"] <= told["worst_lateness_us"]


def test_an_answer_is_compared_with_its_own_backbone_and_with_what_is_asked(measured: dict[str, Any]) -> None:
    told = measured["policy"]
    assert (told["model"], told["weights"]) == ("smoke", "random")
    assert told["chunk_to_backbone_ratio"]["asked_at_most"] == 1.6
    assert told["8_chunks_to_one_ratio"]["asked_at_most"] == 1.5
    assert told["chunk_ms"]["asked_at_most"] == 150.0
    assert told["backbone_ms"]["median"] < told["chunk_ms"]["median"] < told["8_chunks_ms"]["median"]
    assert told["chunk_to_backbone_ratio"]["median"] <= told["chunk_to_backbone_ratio"]["p95"]
    assert "joint_to_cached_ratio" in told


def test_the_loop_is_watched_while_the_policy_thinks(measured: dict[str, Any]) -> None:
    told = measured["policy"]["loop"]
    assert told["answers"] > 0
    assert {"lateness_scripted_us", "lateness_vla_us", "late_ticks_scripted", "late_ticks_vla"} < set(told)


def test_training_is_told_for_each_precision_with_its_growth(measured: dict[str, Any]) -> None:
    told = measured["policy"]["training_frames_per_s"]
    for precision in ("float32", "bfloat16"):
        few, many = (told[f"{precision}_batch_{batch}"] for batch in (2, 4))
        assert told[f"{precision}_growth_2_to_4_ratio"] == pytest.approx(many / few, abs=0.02)


def test_one_benchmark_alone_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_REAL_TICKS", 1)
    assert list(bench.run("realtime")) == ["realtime"]


def test_an_unknown_benchmark_is_bad_input_with_the_nearest_name() -> None:
    with pytest.raises(BadInputError, match="Did you mean 'realtime'") as caught:
        bench.run("real_time")
    assert caught.value.value == "real_time"


def test_the_table_shows_every_figure(measured: dict[str, Any]) -> None:
    sink = io.StringIO()
    Console(file=sink, width=160).print(bench_table(measured))
    text = sink.getvalue()
    for name in (
        "tick",
        "gate",
        "realtime",
        "scripted  gate_us",
        "reckless  tick_us",
        "achieved_hz",
        "≤ 1.6",
    ):
        assert name in text
    assert str(measured["gate"]["gate_us"]["median"]).removesuffix(".0") in text


def test_a_stopwatch_changes_no_decision_and_misses_none(panda_cell: Cell) -> None:
    watches: list[GateStopwatch] = []

    def watched(cell: Cell) -> Gate:
        gate = build_gate(cell)
        watches.append(GateStopwatch(gate))
        return gate

    runs = [bench_run(panda_cell, "reckless", 40, make_gate=make) for make in (build_gate, watched)]
    ends = [[r.verdict.after.tobytes() for r in seen.reports] for seen in runs]
    assert ends[0] == ends[1]
    (watch,) = watches
    assert len(watch.decisions) > 40
    assert watch.programs
    watch.restart()
    assert (watch.decisions, watch.programs) == ([], [])
