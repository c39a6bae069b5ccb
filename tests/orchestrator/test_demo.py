"""The demo takes away nothing but what an earlier demo left, and ends with code 4 if it was stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import ExitCode
from interlock.hal.latch import StopLatch
from interlock.hal.lease import Lease
from interlock.orchestrator import demo
from interlock.orchestrator.request import RunRequest
from interlock.orchestrator.summary import Outcome, RefereeSummary, RunSummary

SUMMARY = RunSummary(
    outcome=Outcome.ACHIEVED,
    goal="put the red block in the tray",
    plan=(),
    reason="",
    ticks=1,
    sim_time_s=1.0,
    interventions={"environment": 1},
    refusals={"environment": 1},
    released_fraction=1.0,
    path_length_rad=1.0,
    min_margin_m=0.1,
    referee=RefereeSummary(
        contacts=0,
        contacts_into_standing_arm=0,
        min_distance_m=0.1,
        limit_violations=0,
        max_tcp_speed_m_s=0.1,
    ),
    trace="",
    report=None,
    seed=1,
)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The demo is the last thing its process does, and ignores signals then; this process goes on."""
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """How each act ends, by policy; both are recorded in an instant."""
    ends = {"vla": Outcome.ACHIEVED, "reckless": Outcome.GAVE_UP}

    def played(request: RunRequest, display: Any, *, interrupts: Any) -> RunSummary:
        assert not (request.out / "trace.mcap").exists()
        (request.out / "trace.mcap").touch()
        return replace(SUMMARY, outcome=ends[request.policy])

    monkeypatch.setattr(demo, "run", played)
    return ends


def test_it_plays_again_over_what_it_left(acts: dict[str, Outcome], tmp_path: Path) -> None:
    for _ in range(2):
        assert demo.main(["--out", str(tmp_path / "demo")]) == 0


def test_what_is_not_its_own_stays(acts: dict[str, Outcome], tmp_path: Path) -> None:
    kept = [tmp_path / "precious", tmp_path / "act1_shipped" / "notes.txt"]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    assert demo.main(["--out", str(tmp_path)]) == 0
    assert [path.read_text() for path in kept] == ["mine", "mine"]


@pytest.mark.parametrize("policy", ["vla", "reckless"])
def test_a_stop_in_either_act_is_the_exit_code(policy: str, acts: dict[str, Outcome], tmp_path: Path) -> None:
    acts[policy] = Outcome.STOPPED
    assert demo.main(["--out", str(tmp_path / "demo")]) == ExitCode.STOPPED


def test_a_latched_stop_outlives_the_next_demo(
    acts: dict[str, Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "demo" / "state"
    StopLatch(state).latch("the cat", 0)
    assert demo.main(["--out", str(tmp_path / "demo")]) == ExitCode.STOPPED
    assert f"interlock reset --state-dir {state}" in capsys.readouterr().err
    assert [c.cause for c in StopLatch(state).causes] == ["the cat"]


def test_the_trace_of_a_demo_that_still_runs_stays(
    acts: dict[str, Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "act1_shipped" / "trace.mcap"
    trace.parent.mkdir()
    trace.write_text("being written")
    with Lease(tmp_path / "state", "panda"):
        assert demo.main(["--out", str(tmp_path)]) == ExitCode.STOPPED
    assert trace.read_text() == "being written"
    assert "process" in capsys.readouterr().err


def test_a_trace_that_cannot_be_removed_is_told(
    acts: dict[str, Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "act1_shipped" / "trace.mcap").mkdir(parents=True)
    assert demo.main(["--out", str(tmp_path)]) == ExitCode.BAD_INPUT
    assert "--out" in capsys.readouterr().err
