"""A goal becomes guarded motion on both cells, and the same seed gives the same trace."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import Runner, cell_of, records

from interlock.errors import BadInputError, ExitCode, LatchedError, LeaseError, PlanRefusedError
from interlock.hal.chunk import ActionChunk
from interlock.hal.latch import StopLatch
from interlock.hal.lease import Lease, is_held, read_epoch
from interlock.orchestrator.summary import Outcome, RunSummary
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.scripted import ScriptedPolicy
from interlock.traces.chain import ChainState, content_digest, verify_chain

CELLS = ("panda_tabletop", "xarm6_tabletop")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture(scope="module", params=CELLS)
def achieved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunSummary, Runner]:
    runner = Runner(tmp_path_factory.mktemp("achieved"))
    return runner.run(cell=request.param), runner


def test_the_expert_puts_the_red_block_in_the_tray(achieved: tuple[RunSummary, Runner]) -> None:
    summary, runner = achieved
    assert (summary.outcome, summary.reason, summary.exit_code) == (Outcome.ACHIEVED, "", ExitCode.ACHIEVED)
    assert summary.plan == ("pick(red_block)", "place(red_block, tray)")
    assert runner.notes.tasks == list(summary.plan)
    assert runner.notes.summaries == [summary]


def test_the_referee_saw_no_contact_and_no_broken_limit(achieved: tuple[RunSummary, Runner]) -> None:
    summary, runner = achieved
    seen = summary.referee
    assert (seen.contacts, seen.limit_violations) == (0, 0), runner.counters
    assert seen.max_tcp_speed_m_s <= cell_of("panda_tabletop").robot_spec().max_tool_speed_m_s
    assert summary.min_margin_m is not None
    assert summary.min_margin_m >= 0.0


def test_the_robot_stands_at_the_end(achieved: tuple[RunSummary, Runner]) -> None:
    _, runner = achieved
    assert runner.notes.reports[-1].state.standstill
    assert runner.notes.reports[-1].command is None


def test_most_of_the_expert_is_released_as_it_is(achieved: tuple[RunSummary, Runner]) -> None:
    summary, _ = achieved
    assert summary.released_fraction > 0.9
    assert summary.path_length_rad > 3.0


def test_the_trace_is_whole_and_tells_the_same(achieved: tuple[RunSummary, Runner]) -> None:
    summary, runner = achieved
    assert verify_chain(runner.out).state is ChainState.INTACT
    (outcome,) = records(runner.out, "/outcome")
    told = json.loads(summary.to_json())
    assert {k: outcome[k] for k in ("outcome", "ticks", "refusals", "referee")} == {
        k: told[k] for k in ("outcome", "ticks", "refusals", "referee")
    }
    assert len(records(runner.out, "/verdict")) == summary.ticks
    commands = records(runner.out, "/command")
    assert len(commands) == round(summary.released_fraction * summary.ticks)
    assert [c["seq"] for c in commands] == list(range(len(commands)))


def test_a_run_leaves_no_latch_and_gives_the_lease_back(achieved: tuple[RunSummary, Runner]) -> None:
    _, runner = achieved
    assert not StopLatch(runner.state_dir).latched
    assert not is_held(runner.state_dir)
    assert read_epoch(runner.state_dir) == 1


@pytest.mark.parametrize("policy", ["scripted", "reckless"])
def test_the_same_seed_gives_the_same_trace_and_another_seed_another(policy: str, runner: Runner) -> None:
    digests = []
    for seed in (3, 3, 4):
        runner.run(seed=seed, sim_time_s=2.0, policy=policy)
        digests.append(content_digest(runner.out))
        runner.state_dir = runner.folder / f"state{len(digests)}"
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_time_that_is_up_ends_a_run_at_standstill(runner: Runner) -> None:
    summary = runner.run(sim_time_s=1.0)
    assert (summary.outcome, summary.reason) == (Outcome.GAVE_UP, "time is up")
    assert summary.exit_code is ExitCode.GAVE_UP
    assert runner.notes.reports[-1].state.standstill
    assert not StopLatch(runner.state_dir).latched


def test_a_goal_that_is_true_already_moves_nothing(runner: Runner) -> None:
    summary = runner.run("put the red block on the table")
    assert (summary.outcome, summary.plan, summary.path_length_rad) == (Outcome.ACHIEVED, (), 0.0)


def test_every_refusal_of_a_hostile_policy_is_in_the_trace(runner: Runner) -> None:
    summary = runner.run(policy="nan", sim_time_s=1.5)
    refused = [r for r in records(runner.out, "/verdict") if r["decision"] == "refuse"]
    assert len(refused) == sum(summary.refusals.values()) > 0
    assert all(r["guard"] and r["reason"] for r in refused)


NOT_STARTED: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "an unknown object": ({"goal": "put the purple block in the tray"}, BadInputError),
    "an unknown policy": ({"policy": "recklss"}, BadInputError),
    "a forbidden zone": ({"goal": "push the red block into the operator side zone"}, PlanRefusedError),
}


@pytest.mark.parametrize("name", NOT_STARTED)
def test_what_cannot_start_takes_no_lease_and_leaves_no_trace(name: str, runner: Runner) -> None:
    changed, error = NOT_STARTED[name]
    with pytest.raises(error):
        runner.run(**changed)
    assert read_epoch(runner.state_dir) is None
    assert not list(runner.folder.rglob("*.mcap"))


def test_a_latched_robot_does_not_start_until_it_is_reset(runner: Runner) -> None:
    StopLatch(runner.state_dir).latch("the cat", 0)
    with pytest.raises(LatchedError, match="the cat"):
        runner.run(sim_time_s=0.1)
    StopLatch(runner.state_dir).reset("me")
    assert runner.run(sim_time_s=0.1).outcome is Outcome.GAVE_UP


def test_a_second_run_on_the_same_robot_is_refused(runner: Runner) -> None:
    with Lease(runner.state_dir, "panda"), pytest.raises(LeaseError, match="owns this robot"):
        runner.run(sim_time_s=0.1)


def test_a_latch_that_comes_while_the_lease_is_waited_for_keeps_the_run_from_starting(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire = Lease.acquire

    def latched_meanwhile(lease: Lease) -> int:
        StopLatch(runner.state_dir).latch("the run before", 0)
        return acquire(lease)

    monkeypatch.setattr(Lease, "acquire", latched_meanwhile)
    with pytest.raises(LatchedError, match="the run before"):
        runner.run(sim_time_s=0.1)


class Trembling:
    """The expert, that does not keep its hand still while it grasps."""

    name = "trembling"

    def __init__(self, context: PolicyContext) -> None:
        self._expert = ScriptedPolicy(context)
        self._asked = 0

    def reset(self) -> None:
        self._expert.reset()

    def propose(self, observation: Observation) -> ActionChunk | None:
        chunk = self._expert.propose(observation)
        if chunk is None or observation.task.phase != "grasp":
            return chunk
        self._asked += 1
        samples = chunk.samples.copy()
        samples[..., 6] += 0.01 * (-1) ** self._asked  # the last joint turns to and fro
        return replace(chunk, samples=samples)


def test_a_grant_that_runs_out_in_the_grip_is_no_contact_of_the_stop(runner: Runner) -> None:
    summary = runner.run(make_policy=Trembling)
    assert summary.outcome is Outcome.GAVE_UP
    assert "phase grasp took longer" in summary.reason
    assert summary.referee.contacts == 0
