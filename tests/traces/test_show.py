from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from interlock.errors import StorageError
from interlock.traces.recorder import Recorder, RecorderSummary
from interlock.traces.show import render_text, summarise


def test_summary_counts_what_the_run_did(recorded: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=240, reckless=True, outcome="stopped")
    reports = list(run.reports())
    summary = summarise(recorded)
    refused = sum(r.verdict.decision == "refuse" for r in reports)
    by_guard = {tally.guard: tally for tally in summary.guards}
    assert summary.ticks == summary.messages["/state"] == 240
    assert summary.rungs["braking"] == by_guard["environment"].refused == refused > 0
    assert by_guard["environment"].turned_down == sum(len(r.verdict.refusals) for r in reports)
    assert by_guard["tool_speed"].changed == summary.rungs["projected"] > 0
    assert summary.stops == ((2.4, 2, ("operator pressed Ctrl-C",)),)
    assert summary.duration_s == pytest.approx(2.4)
    assert summary.chain.ok


def test_text_names_outcome_guards_reasons_and_chain(recorded: Path) -> None:
    text = render_text(summarise(recorded))
    for part in ("put the red block in the tray", "stopped: by a person", "environment", "mm", "intact"):
        assert part in text


def test_text_of_a_run_without_refusals_says_so(
    tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path, ticks=5)
    assert "no guard changed or refused anything" in render_text(summarise(tmp_path))


def test_text_says_who_proposed(recorded: Path) -> None:
    summary = summarise(recorded)
    ((origin, count),) = summary.origins.items()
    assert count == 240 // 16
    assert f"proposed  {count} by {origin}" in render_text(summary)
    assert "reckless (version 1" in origin


def test_hostile_goal_cannot_command_the_terminal(
    tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path, ticks=2, goal="\x1b]0;owned\x07\x1b[2J\ud800\nexit")
    text = render_text(summarise(tmp_path))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\\x1b" in text
    text.encode("utf-8")


def test_run_of_no_ticks_can_be_shown(tmp_path: Path, synthetic: ModuleType) -> None:
    Recorder(tmp_path, synthetic.SyntheticRun().info()).close()
    assert "0 ticks" in render_text(summarise(tmp_path))


def test_record_of_another_shape_is_a_storage_error(tmp_path: Path) -> None:
    from interlock.traces.container import TraceFile

    file = TraceFile(tmp_path / "trace.mcap")
    file.add("/verdict", 0, b'{"rung": 3}')
    file.finish(0)
    with pytest.raises(StorageError, match="lacks what it must have"):
        summarise(tmp_path)
