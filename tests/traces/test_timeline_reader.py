from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from interlock.errors import StorageError
from interlock.traces.container import TraceFile
from interlock.traces.recorder import Recorder, RecorderSummary
from interlock.traces.timeline_reader import read_timeline


def test_arrays_hold_what_was_measured(recorded: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=240, reckless=True, outcome="stopped")
    reports = list(run.reports())
    timeline = read_timeline(recorded)
    assert timeline.t_s.shape == (240,)
    assert timeline.q.shape == timeline.v.shape == (240, 7)
    assert np.array_equal(timeline.q, np.stack([r.state.q for r in reports]))
    assert timeline.rungs == [r.verdict.rung for r in reports]
    assert np.isnan(timeline.stop_time).sum() == sum(r.certificate is None for r in reports) > 0
    assert np.isnan(timeline.margins["held_object"]).any()


def test_tool_limit_falls_while_a_contact_is_allowed(recorded: Path) -> None:
    timeline = read_timeline(recorded)
    grasp = next(p for p in timeline.phases if p.name == "grasp")
    inside = (timeline.t_s > grasp.start_s) & (timeline.t_s < grasp.end_s)
    before = timeline.t_s < grasp.start_s
    assert set(timeline.tool_limit[inside]) == {0.1}
    assert set(timeline.tool_limit[before]) == {0.5}


def test_phases_follow_each_other_to_the_end(recorded: Path) -> None:
    timeline = read_timeline(recorded)
    ends = [p.end_s for p in timeline.phases]
    starts = [p.start_s for p in timeline.phases]
    assert ends[:-1] == starts[1:]
    assert ends[-1] == timeline.t_s[-1]


def test_a_spread_of_the_pictures_is_kept(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun()
    with Recorder(tmp_path, run.info()) as recorder:
        for tick in range(200):
            recorder.frame(run.frame(tick))
    pictures = read_timeline(tmp_path).pictures
    assert 12 <= len(pictures) <= 24
    gaps = np.diff([p.at_s for p in pictures])
    assert gaps.max() == pytest.approx(gaps.min(), abs=0.011)


def test_time_begins_at_the_start_of_the_run(
    tmp_path: Path, synthetic: ModuleType, record: Callable[..., RecorderSummary]
) -> None:
    from dataclasses import replace

    run = synthetic.SyntheticRun(ticks=3)
    with Recorder(tmp_path, replace(run.info(), start_ns=-500_000_000)) as recorder:
        run.feed(recorder)
    assert read_timeline(tmp_path).t_s[0] == 0.5


def test_run_without_its_first_record_is_a_storage_error(tmp_path: Path) -> None:
    TraceFile(tmp_path / "trace.mcap").finish(0)
    with pytest.raises(StorageError, match="lacks"):
        read_timeline(tmp_path)
