"""Others are told of each new mode, and once of an arm that is stuck."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from interlock.hal.mode import Mode
from interlock.orchestrator.mode_watch import ModeWatch


def report(stamp_ns: int, mode: Mode, *, standstill: bool = True) -> Any:
    verdict = SimpleNamespace(guard="environment", reason="too near")
    state = SimpleNamespace(standstill=standstill)
    return SimpleNamespace(stamp_ns=stamp_ns, mode=mode, state=state, verdict=verdict)


def test_each_new_mode_is_published_and_a_stuck_arm_is_told_once_in_a_row() -> None:
    published: list[Mode] = []
    told: list[tuple[int, str]] = []
    watch = ModeWatch(
        SimpleNamespace(publish=published.append),  # type: ignore[arg-type]
        stuck_after_s=0.03,
        period_s=0.01,
        tell=lambda stamp_ns, text: told.append((stamp_ns, text)),
    )
    modes = [Mode.AUTO, Mode.BRAKING, Mode.BRAKING, Mode.AUTO, *[Mode.BRAKING] * 5]
    for stamp_ns, mode in enumerate(modes):
        watch.add(report(stamp_ns, mode))
    watch.add(report(9, Mode.BRAKING, standstill=False))
    assert published == [Mode.AUTO, Mode.BRAKING, Mode.AUTO, Mode.BRAKING]
    assert told == [(6, "stuck for 0.03 s: environment: too near")]
