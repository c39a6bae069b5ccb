"""Progress shows what happened, on a terminal and in a log, and never lets text command a terminal."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from interlock.guards.verdict import Decision, Rung, Verdict
from interlock.hal.mode import Mode
from interlock.hal.state import RobotState
from interlock.orchestrator.messages import TickReport
from interlock.orchestrator.rich_progress import RichProgress
from interlock.orchestrator.summary import Outcome, RunSummary
from interlock.planners.plan import Plan, Task

TASK = Task(id="t1", skill="pick", arguments={"object": "red_block"}, after=())
PLAN = Plan(goal="take the red block", goal_atoms=(("holding", "red_block"),), tasks=(TASK,))
ZEROS = np.zeros(2)


def report(tick: int, verdict: Verdict, mode: Mode = Mode.AUTO) -> TickReport:
    state = RobotState(
        stamp_ns=tick * 10_000_000,
        q=ZEROS,
        v=ZEROS,
        q_commanded=ZEROS,
        v_commanded=ZEROS,
        a_commanded=ZEROS,
        gripper=None,
        standstill=True,
    )
    optional = {"scene": None} if "scene" in TickReport.__dataclass_fields__ else {}
    return TickReport(
        tick=tick,
        stamp_ns=tick * 10_000_000,
        mode=mode,
        state=state,
        verdict=verdict,
        certificate=None,
        command=None,
        margins_m={"environment": 0.0123, "self_collision": 0.2},
        tool_in_world=(0.0, 0.0, 0.0),
        tool_speed_m_s=0.25,
        given=None,
        preview=None,
        phase="approach",
        chunk_seq=4,
        latch=(),
        part_us={},
        **optional,  # type: ignore[arg-type]
    )


def verdict(decision: Decision, guard: str = "", reason: str = "") -> Verdict:
    return Verdict(
        decision=decision,
        rung=Rung.AS_PROPOSED if decision is Decision.ALLOW else Rung.PROJECTED,
        guard=guard,
        reason=reason,
        refusals=((guard, reason),) if decision is Decision.REFUSE else (),
        before=None,
        after=np.zeros((3, 2)),
    )


ALLOW = verdict(Decision.ALLOW)
CORRECTED = verdict(Decision.MODIFY, "environment", "hand is 7 mm from pillar")
REFUSED = verdict(Decision.REFUSE, "velocity", "joint 2 at 3.0 rad/s")


def log(*, terminal: bool = False) -> tuple[RichProgress, io.StringIO]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100, highlight=False)
    clock = iter(range(0, 10**12, 1_000_000))  # a millisecond a look
    return RichProgress(console, now_ns=lambda: next(clock)), text


def test_a_log_gets_a_line_for_plan_task_and_event() -> None:
    progress, text = log()
    progress.plan(PLAN)
    progress.task(TASK)
    progress.event("planned again")
    assert text.getvalue().splitlines() == [
        "plan: pick(red_block)",
        "task t1 pick(red_block)",
        "planned again",
    ]


def test_a_log_gets_no_line_for_a_tick_that_was_allowed() -> None:
    progress, text = log()
    for tick in range(50):
        progress.tick(report(tick, ALLOW))
    assert text.getvalue() == ""


def test_an_intervention_is_said_once_a_guard_and_simulated_second() -> None:
    progress, text = log()
    for tick in range(150):
        progress.tick(report(tick, CORRECTED if tick % 2 else REFUSED))
    lines = text.getvalue().splitlines()
    assert len(lines) == 4
    assert "corrected (projected)  environment: hand is 7 mm from pillar" in lines[1]
    assert "refused" in lines[0]
    assert "velocity: joint 2 at 3.0 rad/s" in lines[0]


def test_a_change_of_mode_gets_a_line() -> None:
    progress, text = log()
    progress.tick(report(0, ALLOW))
    progress.tick(report(1, ALLOW, Mode.BRAKING))
    assert text.getvalue().splitlines() == ["    0.01 s  braking"]


def test_a_terminal_gets_a_table_at_most_ten_times_a_second() -> None:
    progress, text = log(terminal=True)
    progress.plan(PLAN)
    progress.task(TASK)
    for tick in range(1000):  # a second of the person's clock
        progress.tick(report(tick, CORRECTED if tick == 0 else ALLOW))
    shown = text.getvalue()
    assert 1 <= shown.count("tool speed") <= 11
    for expected in (
        "t1 pick(red_block), approach",
        "12.3 mm",
        "0.250 m/s",
        "environment 1",
        "7 mm from pillar",
    ):
        assert expected in shown


@pytest.mark.parametrize("terminal", [False, True])
def test_the_summary_comes_last(terminal: bool) -> None:
    progress, text = log(terminal=terminal)
    progress.tick(report(0, ALLOW))
    progress.done(
        RunSummary(
            outcome=Outcome.GAVE_UP,
            goal="g",
            reason="never got clear",
            ticks=7,
            sim_time_s=0.07,
            refusals={"environment": 3},
            min_margin_m=0.008,
            trace="runs/x/trace.mcap",
        )
    )
    shown = text.getvalue()
    for expected in ("gave_up", "never got clear", "7 ticks", "8.0 mm", "environment 3", "runs/x/trace.mcap"):
        assert expected in shown


def test_text_from_outside_commands_no_terminal() -> None:
    progress, text = log()
    progress.plan(Plan(goal="\x1b[2Jx", goal_atoms=(), tasks=()))
    progress.event("[bold]\x1b[2J\r\nroot# [/bold]")
    progress.done(RunSummary(outcome=Outcome.ACHIEVED, goal="\x1b]0;owned\x07"))
    shown = text.getvalue()
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]\\x1b[2J\\x0d\\x0aroot# [/bold]" in shown
