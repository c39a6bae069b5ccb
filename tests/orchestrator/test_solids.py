"""Among hulls and half-spaces the task is done, nothing is touched, and every decision is made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

from tests.guards.closed_loop import NOW_NS, ask, body_of, hold, node_at_rest, plane, seen_at
from tests.guards.closed_loop import gate_of as rig_gate
from tests.orchestrator.session_runner import Runner, cell_of, gate_of, records
from tests.orchestrator.solids_cell import PILLAR, write_solids_cell

from interlock.errors import ExitCode
from interlock.hal.scene import ConvexHull, HalfSpace, ObjectKind
from interlock.orchestrator import body_check
from interlock.orchestrator.replay import replay
from interlock.orchestrator.summary import Outcome, RunSummary


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_solids_cell(tmp_path_factory.mktemp("cell")))


@pytest.fixture(scope="module")
def achieved(cell: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSummary, Runner]:
    """The expert picks up a hull and carries it past another one."""
    runner = Runner(tmp_path_factory.mktemp("expert"))
    return runner.run(cell=cell, seed=1), runner


@pytest.fixture(scope="module")
def hostile(cell: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSummary, Runner]:
    runner = Runner(tmp_path_factory.mktemp("reckless"))
    return runner.run(cell=cell, policy="reckless", seed=5, sim_time_s=3.0), runner


def test_a_cell_says_hulls_and_half_spaces(cell: str) -> None:
    objects = {thing.name: thing for thing in cell_of(cell).scene_objects(0)}
    pillar, ground = objects["pillar"].parts[0].shape, objects["ground"].parts[0].shape
    assert isinstance(pillar, ConvexHull)
    np.testing.assert_array_equal(pillar.vertices_m, PILLAR)
    assert isinstance(ground, HalfSpace)
    np.testing.assert_array_equal(ground.normal, [0.0, 0.0, 1.0])
    assert objects["ground"].kind is ObjectKind.FIXED


def test_a_hull_is_picked_up_and_carried_past_another_without_a_contact(
    achieved: tuple[RunSummary, Runner],
) -> None:
    summary, runner = achieved
    assert (summary.outcome, summary.reason, summary.exit_code) == (Outcome.ACHIEVED, "", ExitCode.ACHIEVED)
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0), runner.counters


def test_a_hostile_policy_touches_nothing_among_hulls(hostile: tuple[RunSummary, Runner]) -> None:
    summary, runner = hostile
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0), runner.counters
    assert any(report.command is not None for report in runner.notes.reports)


def test_every_decision_among_hulls_is_made_again_to_the_last_bit(
    achieved: tuple[RunSummary, Runner], hostile: tuple[RunSummary, Runner]
) -> None:
    for _, runner in (achieved, hostile):
        result = replay(runner.out, exact=True)
        assert result.holds
        assert result.same == result.decisions >= 250


def test_the_trace_draws_a_hull_as_triangles_and_a_half_space_as_a_board(
    achieved: tuple[RunSummary, Runner],
) -> None:
    update = records(achieved[1].out, "/markers")[0]
    drawn = {entity["id"]: entity for entity in update["entities"]}
    pillar = drawn["pillar"]["triangles"][0]
    assert len(pillar["points"]) == 12
    assert len(pillar["indices"]) == 3 * 20
    ground = drawn["ground"]["cubes"][0]
    assert ground["pose"]["position"]["z"] + ground["size"]["z"] / 2 == pytest.approx(-0.10)


def test_home_among_hulls_is_free_and_inside_a_half_space_it_is_not(cell: str, tmp_path: Path) -> None:
    body = gate_of(cell).body
    free, said = body_check.home(cell_of(cell), body)
    assert free, said
    text = Path(cell).read_text(encoding="utf-8").replace("offset_m: -0.1\n", "offset_m: 0.6\n")
    buried = tmp_path / "buried.yaml"
    buried.write_text(text, encoding="utf-8")
    free, said = body_check.home(cell_of(str(buried)), body)
    assert not free
    assert "ground" in said


def test_nothing_is_released_to_an_arm_that_stands_inside_a_half_space() -> None:
    name = "panda_tabletop"
    node = node_at_rest(body_of(name).robot.home)
    ground = plane("ground", [0.0, 0.0, 0.0], [0.0, 0.0, 1.0], 0.6)
    given = ask(name, node, hold(name, node[0]), seen_at([ground], NOW_NS))
    output = rig_gate(name).decide(given)
    assert output.command is None
    assert "ground overlap already: a person has to free the robot" in output.verdict.reason
