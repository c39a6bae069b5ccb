"""A cell says in which space its policy proposes; the expert gets there in each, others hit nothing."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pybullet")

from tests.orchestrator.session_runner import Runner

from interlock.errors import CellError
from interlock.hal.embodiment import ChannelKind, Reference
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.replay import replay
from interlock.orchestrator.summary import Outcome

CELLS = ("panda_tabletop", "xarm6_tabletop")
SPACES = {
    "tool_pose": (Reference.ABSOLUTE, "world"),
    "tool_delta": (Reference.CHUNK_START, "world"),
    "tool_step": (Reference.PREVIOUS_STEP, "tool"),
}


def cell_in(space: str, name: str, folder: Path) -> str:
    """A cell as it ships, with another action space."""
    text = Cell.load(name).text
    told = "\n  action_space: joint_position "
    assert told in text
    path = folder / f"{name}_{space}.yaml"
    path.write_text(text.replace(told, f"\n  action_space: {space} "))
    return str(path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose chunks of tool poses are changed now and then."""
    folder = tmp_path_factory.mktemp("threads")
    runner = Runner(folder)
    runner.run(cell=cell_in("tool_pose", CELLS[0], folder), seed=5, policy="reckless", sim_time_s=2.5)
    return runner.out


@pytest.mark.parametrize("name", CELLS)
def test_without_a_word_it_is_joint_positions(name: str, tmp_path: Path) -> None:
    plain = Cell.load(name)
    path = tmp_path / "silent.yaml"
    path.write_text(re.sub(r"\n  action_space: .*\n", "\n", plain.text))
    assert "action_space" not in path.read_text()
    assert Cell.load(path).embodiment() == plain.embodiment()
    assert plain.embodiment().tool_reference is None


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("space", SPACES)
def test_the_channels_are_the_pose_of_the_tool_then_the_gripper(
    name: str, space: str, tmp_path: Path
) -> None:
    body = Cell.load(cell_in(space, name, tmp_path)).embodiment()
    kinds = [ChannelKind.TOOL_POSITION] * 3 + [ChannelKind.TOOL_ROTATION] * 3 + [ChannelKind.GRIPPER_WIDTH]
    assert [channel.kind for channel in body.channels] == kinds
    assert {(c.reference, c.frame) for c in body.channels[:6]} == {SPACES[space]}
    assert all(channel.upper == math.pi for channel in body.channels[3:6])
    assert body.fingerprint != Cell.load(name).embodiment().fingerprint


def test_a_space_that_is_none_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(CellError) as caught:
        Cell.load(cell_in("tool", CELLS[0], tmp_path))
    assert caught.value.field == "policy.action_space"
    assert "tool_delta" in f"{caught.value.message} {caught.value.mend}"


@pytest.mark.parametrize(
    ("name", "space"),
    [(CELLS[0], "tool_pose"), (CELLS[1], "tool_delta"), (CELLS[0], "tool_step")],
)
def test_the_expert_puts_the_block_in_the_tray(name: str, space: str, tmp_path: Path) -> None:
    summary = Runner(tmp_path).run(cell=cell_in(space, name, tmp_path), seed=3)
    assert (summary.outcome, summary.reason) == (Outcome.ACHIEVED, "")
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)


@pytest.mark.parametrize("space", SPACES)
def test_every_decision_is_made_again_from_the_trace(space: str, tmp_path: Path) -> None:
    cell = cell_in(space, CELLS[0], tmp_path)
    summary = Runner(tmp_path).run(cell=cell, seed=4, policy="reckless", sim_time_s=2.0)
    result = replay(Path(summary.trace))
    assert (result.holds, result.first_difference) == (True, "")
    assert result.decisions == result.same > 190


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_number_of_threads_gives_the_same_bits(threads: str, recorded: Path) -> None:
    """Of BLAS: its sums are rounded by how many share them."""
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    code = (
        "import sys; from pathlib import Path; from interlock.orchestrator.replay import replay; "
        "sys.exit(not replay(Path(sys.argv[1])).holds)"
    )
    told = subprocess.run([sys.executable, "-c", code, str(recorded)], env=environment, timeout=180)
    assert told.returncode == 0


@pytest.mark.parametrize("policy", ["reckless", "nan", "wrong_unit"])
@pytest.mark.parametrize("space", SPACES)
def test_a_hostile_policy_moves_the_tool_and_touches_nothing(policy: str, space: str, tmp_path: Path) -> None:
    name = CELLS[len(policy) % 2]
    summary = Runner(tmp_path).run(cell=cell_in(space, name, tmp_path), seed=4, policy=policy, sim_time_s=3.0)
    assert (summary.referee.contacts, summary.referee.limit_violations) == (0, 0)
    if policy in ("reckless", "random"):
        assert summary.path_length_rad > 2.0
    if policy in ("nan", "wrong_unit"):
        assert summary.refusals["integrity"] > 0
