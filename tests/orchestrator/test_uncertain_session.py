"""A policy that is unsure: slowed, held and brought to the planner, in the loop and in a whole run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.orchestrator.session_runner import Runner
from tests.orchestrator.stream_models import Double

from interlock.guards.verdict import Decision
from interlock.hal.mode import Mode
from interlock.orchestrator import session
from interlock.orchestrator.replay import replay
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.registry import create
from interlock.policy.stream.chunk_model import Draft
from interlock.policy.stream.chunk_stream import ChunkStream
from interlock.policy.stream.prefix import Prefix
from interlock.policy.uncertainty.calibration import Calibration
from interlock.policy.uncertainty.likeness import Likeness
from interlock.policy.uncertainty.options import UncertaintyOptions
from interlock.policy.uncertainty.stage import Stage
from interlock.policy.uncertainty.watched_model import WatchedModel

pytest.importorskip("pybullet")

STAGES = ("pick/approach", "pick/grasp", "pick/lift", "place/carry")


class Doubted(Double):
    """The scripted expert in four equal samples; from the question `since` on its embedding is `far` off."""

    def __init__(self, context: PolicyContext, far: Callable[[int], float]) -> None:
        super().__init__(create("scripted", context))
        self._far = far
        self._generator = np.random.default_rng(0)

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        draft = super().infer(observation, prefix, samples, seed)
        if draft is None:
            return None
        drawn = np.repeat(draft.samples[:1], samples, axis=0)
        drawn[1:, :, 0] += 1e-6 * np.arange(1, samples)[:, None]
        embedding = np.full(3, self._far(len(self.asked)))
        return Draft(samples=drawn, spread=(drawn - drawn[0]).std(axis=0), embedding=embedding)


def calibration(channels: int) -> Calibration:
    """Distances up to 1 are trusted, up to 2 slowed."""
    from tests.policy.uncertainty.likely import MADE_FOR, PLAYED

    likeness = Likeness(
        stages=dict.fromkeys(
            STAGES,
            Stage(mean=np.zeros(3), spread=np.eye(channels)[0], units=np.array([1.0, np.sqrt(3.0)])),
        ),
        directions=np.eye(3)[:1],
        variances=np.ones(1),
        residual=1.0,
    )
    return Calibration(
        made_for=MADE_FOR,
        played=PLAYED,
        samples=4,
        slow_share=0.3,
        doubt_share=0.1,
        slow=1.0,
        doubt=2.0,
        likeness=likeness,
    )


class Doubtful(ChunkStream):
    def __init__(self, context: PolicyContext, far: Callable[[int], float]) -> None:
        model = WatchedModel(
            Doubted(context, far),
            calibration(len(context.embodiment.channels)),
            UncertaintyOptions(asks=1, holds=2),
        )
        self.uncertainty = model.uncertainty
        super().__init__(model, context)


@pytest.fixture
def doubtful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Runner, Any]]:
    runner = Runner(tmp_path)

    def run(far: Callable[[int], float], sim_time_s: float) -> tuple[Runner, Any]:
        monkeypatch.setattr(session, "create", lambda name, context: Doubtful(context, far))
        return runner, runner.run(sim_time_s=sim_time_s)

    return run


def test_doubt_that_lasts_stops_the_arm_and_the_goal_is_planned_anew_and_the_trace_repeats(
    doubtful: Callable[..., tuple[Runner, Any]],
) -> None:
    runner, summary = doubtful(lambda count: 9.0 if 5 <= count < 9 else 0.0, 3.0)
    assert summary.uncertainty["ask_again"] == 1
    assert summary.uncertainty["hold"] == 2
    assert summary.uncertainty["ask_planner"] == 1
    assert summary.uncertainty["trust"] > 8
    told = "\n".join(runner.notes.events)
    assert told.count("planned again after: pick(red_block) was given up") == 1
    assert "unlike its successful rollouts" in told
    reports = runner.notes.reports
    held = [report for report in reports if 0.85 < report.stamp_ns * 1e-9 < 1.1]
    assert all(report.verdict.decision is Decision.REFUSE for report in held)
    moved_on = [report for report in reports if 2.0 < report.stamp_ns * 1e-9 < 2.9]
    assert all(report.mode is Mode.AUTO for report in moved_on)
    result = replay(runner.out, exact=True)
    assert result.holds
    assert result.same == result.decisions


def test_slow_chunks_move_the_arm_less_far_in_the_same_time_and_inside_every_limit(
    doubtful: Callable[..., tuple[Runner, Any]],
) -> None:
    ways = {}
    for name, far in (("trust", 0.0), ("slow", 1.5)):
        runner, summary = doubtful(lambda count, far=far: far, 1.0)  # type: ignore[misc]
        assert summary.reason == "time is up"
        assert summary.uncertainty[name] == sum(summary.uncertainty.values()) > 4
        assert summary.referee.limit_violations == 0
        moving = [report for report in runner.notes.reports if report.stamp_ns * 1e-9 < 0.95]
        assert sum(report.mode is Mode.AUTO for report in moving) > 0.9 * len(moving)
        ways[name] = summary.path_length_rad
    assert 0.02 < ways["slow"] / ways["trust"] < 0.8
