"""Live progress for a person: a table that refreshes on a terminal, a line an event elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from interlock.guards.verdict import Decision, Verdict
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.summary import Outcome, RunSummary
from interlock.orchestrator.terminal_text import plain
from interlock.planners.plan import Plan, Task

__all__ = ["RichProgress"]

_REFRESH_NS = 100_000_000
_QUIET_NS = 1_000_000_000


class RichProgress:
    """Shows task, phase, chunk, margin, tool speed and what the guards did.

    Args:
        console: where to write.
        now_ns: monotonic clock of the person watching, [ns]; bounds the refresh to 10 Hz.
    """

    def __init__(self, console: Console, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._console = console
        self._now_ns = now_ns
        self._live: Live | None = None
        self._next_ns = 0
        self._goal = ""
        self._task = "—"
        self._mode = ""
        self._changed: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last_reason = ""
        self._said_ns: dict[str, int] = {}

    def plan(self, plan: Plan) -> None:
        """List the tasks."""
        self._goal = plain(plan.goal)
        self._line(f"plan: {' → '.join(str(task) for task in plan.tasks)}")

    def task(self, task: Task) -> None:
        """Name the task that begins."""
        self._task = plain(f"{task.id} {task}")
        self._line(f"task {self._task}")

    def tick(self, report: TickReport) -> None:
        """Count what the guards did; redraw if the last drawing is old enough."""
        self._count(report)
        if report.mode != self._mode:
            if self._mode:
                self._line(f"{report.stamp_ns * 1e-9:8.2f} s  {report.mode.value}")
            self._mode = report.mode
        if not self._console.is_terminal:
            return
        now = self._now_ns()
        if now < self._next_ns:
            return
        self._next_ns = now + _REFRESH_NS
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._table(report), refresh=True)

    def event(self, text: str) -> None:
        """Write a line."""
        self._line(text)

    def done(self, summary: RunSummary) -> None:
        """Take the table away and write the summary."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        achieved = summary.outcome is Outcome.ACHIEVED
        self._console.print(Text(summary.outcome.value, style="bold green" if achieved else "bold red"))
        for name, value in _facts(summary):
            self._console.print(Text(f"  {name:<16}{plain(value)}"), soft_wrap=True)

    def _count(self, report: TickReport) -> None:
        verdict = report.verdict
        for guard, _ in verdict.refusals:
            self._refused[guard] += 1
        if verdict.decision is Decision.MODIFY:
            self._changed[verdict.guard] += 1
        if verdict.decision is not Decision.ALLOW:
            self._last_reason = plain(f"{verdict.guard}: {verdict.reason}")
            self._say(report.stamp_ns, verdict)

    def _say(self, stamp_ns: int, verdict: Verdict) -> None:
        """A line for an intervention, at most one a guard and simulated second."""
        key = f"{verdict.decision}|{verdict.guard}"
        last_ns = self._said_ns.get(key)
        if last_ns is not None and stamp_ns - last_ns < _QUIET_NS:
            return
        self._said_ns[key] = stamp_ns
        did = "corrected" if verdict.decision is Decision.MODIFY else "refused"
        self._line(f"{stamp_ns * 1e-9:8.2f} s  {did} ({verdict.rung.value})  {self._last_reason}")

    def _line(self, text: str) -> None:
        self._console.print(Text(plain(text)), soft_wrap=True)

    def _table(self, report: TickReport) -> Table:
        margin_m = min(report.margins_m.values(), default=None)
        rows = {
            "goal": self._goal,
            "task": f"{self._task}, {plain(report.phase)}",
            "time": f"{report.stamp_ns * 1e-9:.2f} s, {report.mode.value}",
            "chunk": str(report.chunk_seq) if report.chunk_seq >= 0 else "—",
            "margin": f"{margin_m * 1e3:.1f} mm" if margin_m is not None else "—",
            "tool speed": f"{report.tool_speed_m_s:.3f} m/s",
            "corrected": _tally(self._changed),
            "refused": _tally(self._refused),
            "last reason": self._last_reason or "—",
        }
        table = Table.grid(padding=(0, 2))
        for name, value in rows.items():
            table.add_row(Text(name, style="dim"), Text(value))
        return table


def _tally(counts: Counter[str]) -> str:
    return ", ".join(f"{plain(guard)} {count}" for guard, count in counts.most_common()) or "nothing"


def _facts(summary: RunSummary) -> list[tuple[str, object]]:
    referee, margin_m = summary.referee, summary.min_margin_m
    facts: list[tuple[str, object]] = [("goal", summary.goal)]
    if summary.reason:
        facts.append(("reason", summary.reason))
    facts += [
        ("plan", " → ".join(summary.plan) or "none"),
        ("simulated", f"{summary.sim_time_s:.2f} s, {summary.ticks} ticks"),
        (
            "released",
            f"{100.0 * summary.released_fraction:.1f} % of ticks, {summary.path_length_rad:.2f} rad",
        ),
        ("smallest margin", "none measured" if margin_m is None else f"{margin_m * 1e3:.1f} mm"),
        ("corrected", _tally(Counter(summary.interventions))),
        ("refused", _tally(Counter(summary.refusals))),
        (
            "referee",
            f"{referee.contacts} contacts while moving, {referee.contacts_into_standing_arm} into a "
            f"standing arm, {referee.limit_violations} limit violations, "
            f"tool at most {referee.max_tcp_speed_m_s:.2f} m/s",
        ),
    ]
    facts += [(name, path) for name, path in (("trace", summary.trace), ("report", summary.report)) if path]
    return facts
