"""Two arms on one base run like one: the left one works, the right one stands, and neither is hit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import Runner, cell_of, records
from tests.orchestrator.test_action_space import SPACES, cell_in

from interlock.guards.body import BodyModel
from interlock.guards.standing import standing_margin
from interlock.hal.embodiment import ChannelKind
from interlock.hal.scene import Scene
from interlock.orchestrator import body_check
from interlock.orchestrator.replay import replay
from interlock.orchestrator.summary import Outcome, RunSummary
from interlock.policy.expert_options import ExpertOptions
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.policy import PolicyContext
from interlock.policy.scripted import ScriptedPolicy
from interlock.policy.surroundings import Surroundings
from interlock.policy.tool_pose import pose_down

NAME = "two_pandas"
LEFT, RIGHT = slice(0, 7), slice(7, 14)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.build(cell_of(NAME).robot_spec())


@pytest.fixture(scope="module")
def achieved(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSummary, Path]:
    """The expert puts a block in the tray."""
    runner = Runner(tmp_path_factory.mktemp("expert"))
    return runner.run(cell=NAME, seed=1), runner.out


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSummary, Path]:
    """A policy that throws both arms about."""
    runner = Runner(tmp_path_factory.mktemp("random"))
    return runner.run(cell=NAME, policy="random", seed=4, sim_time_s=3.0), runner.out


def commanded(run: Path) -> np.ndarray:
    """Joint positions that were commanded, shape (ticks, 14), [rad]."""
    return np.array([state["q_commanded"] for state in records(run, "/state")])


@pytest.mark.parametrize("check", ["kinematics", "capsule_cover", "unjudged_pairs"])
def test_the_body_passes_the_self_test(check: str, body: BodyModel) -> None:
    ok, detail = getattr(body_check, check)(body)
    assert ok, detail


def test_limits_and_home_pass_the_self_test(body: BodyModel) -> None:
    for check in (body_check.limits, body_check.home):
        ok, detail = check(cell_of(NAME), body)
        assert ok, detail


def test_both_arms_have_the_limits_of_the_single_one() -> None:
    two, one = cell_of(NAME).robot_spec(), cell_of("panda_tabletop").robot_spec()
    for field in ("q_min", "q_max", "v_max", "a_max", "j_max"):
        np.testing.assert_array_equal(
            getattr(two.limits, field), np.tile(getattr(one.limits, field), 2), err_msg=field
        )
    assert two.limits.names == tuple(f"{side}_{n}" for side in ("left", "right") for n in one.limits.names)


def test_joint_positions_have_a_channel_for_each_joint_and_the_gripper() -> None:
    kinds = [channel.kind for channel in cell_of(NAME).embodiment().channels]
    assert kinds == [ChannelKind.JOINT_POSITION] * 14 + [ChannelKind.GRIPPER_WIDTH]


def test_the_left_arm_puts_the_block_in_the_tray_and_the_right_one_rests(
    achieved: tuple[RunSummary, Path],
) -> None:
    summary, run = achieved
    assert (summary.outcome, summary.reason) == (Outcome.ACHIEVED, "")
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
    q, home = commanded(run), cell_of(NAME).robot_spec().home
    assert np.abs(q[:, LEFT] - home[LEFT]).max() > 0.5
    assert np.abs(q[:, RIGHT] - home[RIGHT]).max() < 1e-9


def test_a_hostile_policy_moves_both_arms_and_hits_nothing(hostile: tuple[RunSummary, Path]) -> None:
    summary, run = hostile
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
    q = commanded(run)
    for arm in (LEFT, RIGHT):
        assert np.abs(q[:, arm] - q[0, arm]).max() > 0.05


def test_the_gate_keeps_the_arms_off_each_other(hostile: tuple[RunSummary, Path]) -> None:
    corrected = [r["reason"] for r in records(hostile[1], "/verdict") if r["guard"] == "self_collision"]
    assert any("left_" in reason and "right_" in reason for reason in corrected)


def test_a_trace_is_replayed_where_the_robot_was_never_composed(
    hostile: tuple[RunSummary, Path], tmp_path: Path
) -> None:
    """In another process with an empty cache: all it has is the text of the cell."""
    command = [sys.executable, "-m", "interlock", "trace", "replay", str(hostile[1]), "--exact", "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["same"] == told["decisions"] >= 300
    assert told["exact"]
    assert list(tmp_path.glob("interlock/robots/*/composed.urdf"))


@pytest.mark.parametrize("space", SPACES)
def test_what_is_said_of_the_tool_leaves_the_right_arm_where_it_is(space: str, tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    summary = runner.run(cell=cell_in(space, NAME, tmp_path), seed=4, policy="reckless", sim_time_s=2.0)
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
    q = commanded(runner.out)
    assert np.abs(q[:, LEFT] - q[0, LEFT]).max() > 0.05
    assert np.abs(q[:, RIGHT] - q[0, RIGHT]).max() < 1e-6
    assert replay(Path(summary.trace)).holds


def test_inverse_kinematics_turns_no_joint_of_the_other_arm() -> None:
    robot = cell_of(NAME).robot_spec()
    kinematics = ToolKinematics(robot)
    assert kinematics.chain == tuple(range(7))
    seed = np.array(robot.home)
    seed[RIGHT] += 0.2
    for x, y in ((0.45, 0.0), (0.5, 0.3), (0.42, 0.7)):
        q = kinematics.solve(pose_down(np.array([x, y, 0.1]), 0.3), seed)
        assert q is not None
        np.testing.assert_array_equal(q[RIGHT], seed[RIGHT])


def test_the_expert_goes_around_an_arm_that_stands_beside(body: BodyModel) -> None:
    """Its right hand reaches over to where the left one has to pass; blind to it the way is not free."""
    cell, one = cell_of(NAME), cell_of("panda_tabletop").robot_spec()
    context = PolicyContext(robot=body.robot, embodiment=cell.embodiment(), seed=0, options={})
    expert, table = ScriptedPolicy(context), cell.scene_objects(0)[:1]
    q = np.array(body.robot.home)
    over = ToolKinematics(one).solve(pose_down(np.array([0.35, 0.45, 0.2]), 0.0), one.home)
    assert over is not None
    q[RIGHT] = over
    start = expert._kinematics.solve(pose_down(np.array([0.3, 0.4, 0.15]), 0.0), q)
    assert start is not None
    centres, radius_m = expert._skeleton.beside(start)
    margins = []
    for seen in (centres, centres[:0]):
        around = Surroundings(
            scene=Scene(stamp_ns=0, objects=table),
            ignored=frozenset(),
            trail=np.zeros((0, 3)),
            trail_radius_m=0.1,
            held=None,
            beside=seen,
            beside_radius_m=radius_m,
            options=ExpertOptions(),
        )
        found = expert._planner.transit(
            start, [pose_down(np.array([0.6, 0.25, 0.15]), 0.0)], around, expert._fast
        )
        assert found is not None
        places = np.linspace(0.0, found[0].length_m, 40)
        margins.append(
            min(standing_margin(body, cell.gate_config(), table, found[0].at(s))[0] for s in places)
        )
        np.testing.assert_allclose(found[0].goal[RIGHT], over, atol=1e-12)
    assert margins[0] > 0.0 > margins[1]


def test_a_single_arm_has_none_beside() -> None:
    assert ToolKinematics(cell_of("panda_tabletop").robot_spec()).beside() == ()
