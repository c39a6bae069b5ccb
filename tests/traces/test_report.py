from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from interlock.errors import StorageError
from interlock.traces.figures import figures
from interlock.traces.read import trace_path
from interlock.traces.recorder import Recorder, RecorderSummary
from interlock.traces.report import build_report
from interlock.traces.timeline_reader import read_timeline

_HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt;\x00\u202e\ud800"


class _Page(HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._skip = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skip = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._skip = ""

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.text += data


def _page(run: Path) -> str:
    return build_report(run).read_text(encoding="utf-8")


@pytest.fixture
def hostile(tmp_path: Path, record: Callable[..., RecorderSummary]) -> Path:
    folder = tmp_path / "run"
    record(folder, ticks=160, goal=_HOSTILE, reckless=True)
    return folder


def test_report_tells_goal_outcome_referee_gate_guards_events_and_limits_of_proof(
    tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path, reckless=True)
    text = _Page(_page(tmp_path)).text
    for part in (
        "Goal achieved",
        "put the red block in the tray",
        "panda_tabletop",
        "reckless",
        "Contacts while moving",
        "Contacts into the standing arm",
        "in(red_block, tray)",
        "mm left at full speed",
        "operator pressed Ctrl-C",
        "The hash chain over",
        "What this report does not prove",
        "not an emergency stop",
    ):
        assert part in text


def test_report_fetches_nothing(tmp_path: Path, record: Callable[..., RecorderSummary]) -> None:
    record(tmp_path)
    page = _Page(_page(tmp_path))
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
        assert tag not in {"link", "iframe", "object", "embed", "form", "base"}
    (policy,) = (a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]


def test_hostile_text_stays_text_everywhere(hostile: Path) -> None:
    page = _Page(_page(hostile))
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert len(scripts) == 4
    assert not [a for t, a in page.tags if t == "img" and not (a["src"] or "").startswith("data:")]
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]
    assert "</script><script>alert(1)</script>" in page.text
    assert "\x00" not in page.text
    assert "\u202e" not in page.text


def test_hostile_guard_and_phase_names_are_escaped_for_plotly(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=30)
    name = '<a href="javascript:alert(1)">x</a>'
    with Recorder(tmp_path, run.info()) as recorder:
        recorder.phase(replace(synthetic._phase("t", name, name, 0), task_id=name), 0)
        for report in run.reports():
            verdict = replace(report.verdict, guard=name, reason=name, refusals=((name, name),))
            recorder.tick(replace(report, verdict=verdict, phase=name, margins_m={name: 0.1}))
    drawn = repr(figures(read_timeline(tmp_path)))
    assert "<a" not in drawn
    assert "&lt;a href" in drawn


def test_run_that_never_closed_is_reported_as_such(tmp_path: Path, synthetic: ModuleType) -> None:
    run = synthetic.SyntheticRun(ticks=60, outcome=None)
    recorder = Recorder(tmp_path, run.info())
    run.feed(recorder)
    assert recorder.flush()
    text = _Page(_page(tmp_path)).text
    recorder.close()
    assert "ends without an outcome" in text
    assert "without closing its trace" in text


def test_run_of_no_ticks_has_a_report(tmp_path: Path, synthetic: ModuleType) -> None:
    with Recorder(tmp_path, synthetic.SyntheticRun().info()) as recorder:
        recorder.outcome({"outcome": "refused", "reason": "the goal contradicts itself"})
    text = _Page(_page(tmp_path)).text
    assert "Refused before anything moved" in text
    assert "nothing moved" in text


@pytest.mark.parametrize(
    "outcome",
    [
        {},
        {"outcome": None, "referee": None, "released_fraction": "NaN", "min_margin_m": None},
        {"outcome": "<b>", "referee": {"contacts": "many", "limit_violations": {"speed": 2, "jerk": 1}}},
        {"referee": [1, 2], "path_length_rad": True, "sim_time_s": float("inf"), "plan": 3},
    ],
)
def test_report_survives_an_outcome_of_any_shape(
    tmp_path: Path, synthetic: ModuleType, outcome: dict[str, object]
) -> None:
    run = synthetic.SyntheticRun(ticks=5, outcome=None)
    with Recorder(tmp_path, run.info()) as recorder:
        run.feed(recorder)
        recorder.outcome(outcome)
    assert "What this report does not prove" in _Page(_page(tmp_path)).text


def test_violations_of_the_referee_are_shown_as_bad(tmp_path: Path, synthetic: ModuleType) -> None:
    with Recorder(tmp_path, synthetic.SyntheticRun().info()) as recorder:
        recorder.outcome({"outcome": "achieved", "referee": {"contacts": 2, "limit_violations": 0}})
    page = _page(tmp_path)
    assert re.search(r'<li class="bad"><span>Contacts while moving</span><b>2', page)
    assert re.search(r'<li class="good"><span>Limit violations</span><b>0', page)


def test_ticks_that_are_all_nan_are_drawn_as_gaps(tmp_path: Path, synthetic: ModuleType) -> None:
    import numpy as np

    run = synthetic.SyntheticRun(ticks=20)
    nan = np.full(7, np.nan)
    with Recorder(tmp_path, run.info()) as recorder:
        for report in run.reports():
            state = replace(report.state, q=nan, v=nan)
            recorder.tick(
                replace(report, state=state, tool_speed_m_s=float("nan"), margins_m={"zones": float("inf")})
            )
    assert "NaN" not in repr([f.data for f in figures(read_timeline(tmp_path))])
    build_report(tmp_path)


def test_every_limit_is_drawn_into_its_plot(recorded: Path) -> None:
    drawn = {figure.name: figure for figure in figures(read_timeline(recorded))}

    def levels(name: str) -> set[float]:
        lines = [s for s in drawn[name].layout["shapes"] if s["type"] == "line" and s.get("xref") == "paper"]
        return {shape["y0"] for shape in lines}

    assert levels("margins") == {0.0}
    assert levels("joint-speeds") == levels("joint-positions") == {-1.0, 1.0}
    limit = next(trace for trace in drawn["tool-speed"].data if trace["name"] == "limit")
    assert set(limit["y"]) == {0.5, 0.1}
    assert list(drawn) == [
        "lanes",
        "margins",
        "tool-speed",
        "joint-speeds",
        "joint-positions",
        "stop-time",
    ]


def test_same_trace_gives_the_same_report(recorded: Path, tmp_path: Path) -> None:
    pages = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trace.mcap").write_bytes(trace_path(recorded).read_bytes())
        pages.append(_page(tmp_path / name))
    assert pages[0] == pages[1]


@pytest.mark.slow
def test_report_of_ten_minutes_stays_below_eight_megabytes(
    tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path, ticks=60_000, reckless=True)
    assert build_report(tmp_path).stat().st_size < 8_000_000


def test_missing_run_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        build_report(tmp_path / "nowhere")
    assert caught.value.field == "run"


def test_report_that_cannot_be_written_is_a_storage_error(
    tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path, ticks=3)
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StorageError, match="cannot be written") as caught:
        build_report(tmp_path)
    assert caught.value.field == "report"
