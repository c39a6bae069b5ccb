"""The report in a real headless browser."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from interlock.traces.recorder import Recorder, RecorderSummary
from interlock.traces.report import build_report

pytestmark = pytest.mark.browser

_HAND = """<script>(async () => {
  const later = (ms) => new Promise((done) => setTimeout(done, ms));
  const plot = (name) => document.getElementById(`plot-${name}`);
  const ranges = () => new Set([...document.querySelectorAll(".graph")]
    .map((g) => g._fullLayout.xaxis.range.map((x) => x.toFixed(2)).join(" to ")));
  while (document.body.dataset.ready !== "1") await later(20);
  const whole = ranges();
  await Plotly.relayout(plot("tool-speed"), { "xaxis.range[0]": 1, "xaxis.range[1]": 2 });
  await later(200);
  document.body.dataset.zoomed = [...ranges()].join(", ");
  const drag = plot("tool-speed").querySelector(".nsewdrag");
  const box = drag.getBoundingClientRect();
  const at = { bubbles: true, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
  for (const kind of ["mouseover", "mousemove"]) drag.dispatchEvent(new MouseEvent(kind, at));
  await later(200);
  document.body.dataset.cursors = [...document.querySelectorAll(".cursor")].filter((c) => !c.hidden).length;
  await Plotly.relayout(plot("lanes"), { "xaxis.autorange": true });
  await later(200);
  document.body.dataset.back = String(ranges().size === 1 && [...ranges()][0] === [...whole][0]);
})();</script></body>"""
_PLOTS = ["lanes", "margins", "tool-speed", "joint-speeds", "joint-positions", "stop-time"]


def _open(chromium: str, page: Path, profile: Path, *more: str) -> tuple[str, str]:
    """The page's document after its scripts ran, without scripts, and what the console said."""
    done = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=20000",
            "--enable-logging=stderr",
            "--v=0",
            "--dump-dom",
            *more,
            page.as_uri(),
        ],
        capture_output=True,
        timeout=180,
        check=True,
    )
    dom = re.sub(r"<script.*?</script>", "", done.stdout.decode("utf-8", "replace"), flags=re.DOTALL)
    return dom, "\n".join(line for line in done.stderr.decode().splitlines() if "CONSOLE" in line)


def _body(dom: str) -> dict[str, str]:
    found = re.search(r"<body([^>]*)>", dom)
    assert found is not None
    return dict(re.findall(r'data-([\w-]+)="([^"]*)"', found[1]))


def _drawn(dom: str) -> dict[str, int]:
    """Plot name to the number of traces in its drawing."""
    parts = re.split(r'(?=<div class="plot">)', dom)[1:]
    drawn = {}
    for part in parts:
        name = re.search(r'id="plot-([\w-]+)"', part)
        assert name is not None
        assert "js-plotly-plot" in part
        assert "main-svg" in part
        drawn[name[1]] = len(re.findall(r'<g class="trace (?:scatter|bars)', part))
    return drawn


@pytest.mark.parametrize(
    "goal", ["put the red block in the tray", "</script><img src=x onerror=alert(1)>\x00"]
)
def test_every_plot_is_drawn_and_the_console_is_silent(
    chromium: str, tmp_path: Path, record: Callable[..., RecorderSummary], goal: str
) -> None:
    record(tmp_path / "run", ticks=400, reckless=True, goal=goal)
    dom, console = _open(chromium, build_report(tmp_path / "run"), tmp_path / "profile")
    body = _body(dom)
    drawn = _drawn(dom)
    assert console == ""
    assert (body["ready"], body["errors"], body["plots"]) == ("1", "0", "6")
    assert list(drawn) == _PLOTS
    assert drawn["joint-speeds"] == drawn["joint-positions"] == 7
    assert drawn["lanes"] >= 4
    assert min(drawn.values()) >= 1
    assert "onerror=" not in re.sub(r">[^<]*<|\"[^\"]*\"", "", dom)


def test_dark_page_draws_every_plot_too(
    chromium: str, tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path / "run", ticks=100)
    page = build_report(tmp_path / "run")
    dom, console = _open(chromium, page, tmp_path / "profile", "--blink-settings=preferredColorScheme=0")
    assert (console, _body(dom)["ready"], _body(dom)["errors"]) == ("", "1", "0")
    assert list(_drawn(dom)) == _PLOTS


def test_zoom_and_cursor_of_one_plot_are_those_of_all(
    chromium: str, tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path / "run", ticks=300)
    page = build_report(tmp_path / "run")
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text(encoding="utf-8"))
    page.write_text(text.replace("</body>", _HAND), encoding="utf-8")
    body = _body(_open(chromium, page, tmp_path / "profile")[0])
    assert (body["zoomed"], body["cursors"], body["back"]) == ("1.00 to 2.00", "5", "true")
    assert body["errors"] == "0"


def test_report_of_no_ticks_is_ready_with_no_plot(
    chromium: str, tmp_path: Path, synthetic: ModuleType
) -> None:
    Recorder(tmp_path / "run", synthetic.SyntheticRun().info()).close()
    dom, console = _open(chromium, build_report(tmp_path / "run"), tmp_path / "profile")
    body = _body(dom)
    assert (console, body["ready"], body["errors"], body["plots"]) == ("", "1", "0", "0")


def test_page_that_fails_to_draw_says_so(
    chromium: str, tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path / "run", ticks=20)
    page = build_report(tmp_path / "run")
    spoilt = page.read_text(encoding="utf-8").replace('id="plot-margins"', 'id="plot-gone"')
    page.write_text(spoilt, encoding="utf-8")
    body = _body(_open(chromium, page, tmp_path / "profile")[0])
    assert int(body["errors"]) > 0
    assert "ready" not in body


def test_script_that_was_changed_does_not_run(
    chromium: str, tmp_path: Path, record: Callable[..., RecorderSummary]
) -> None:
    record(tmp_path / "run", ticks=20)
    page = build_report(tmp_path / "run")
    text = page.read_text(encoding="utf-8")
    page.write_text(
        text.replace("</body>", "<script>document.title='owned'</script></body>"), encoding="utf-8"
    )
    dom, console = _open(chromium, page, tmp_path / "profile")
    assert "owned</title>" not in dom
    assert "Content Security Policy" in console
