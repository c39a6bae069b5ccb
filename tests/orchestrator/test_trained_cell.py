from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

from interlock.errors import BadInputError, CheckpointError
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demo_run import cell_in_space
from interlock.orchestrator.run_command import prepare_run
from interlock.orchestrator.trained_cell import trained_cell
from interlock.policy.vla.statistics import BodyStatistics, StateName, Statistics


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """The statistics of a checkpoint for the Panda in changes of the tool's pose."""
    draw = np.random.default_rng(0)
    body = BodyStatistics.measure(
        cell_in_space("panda_tabletop", "tool_delta").embodiment(),
        draw.uniform(-1.0, 1.0, (50, 7)),
        draw.uniform(-1.0, 1.0, (50, 1)),
        (StateName(name="q", unit="rad"),),
        {},
    )
    (tmp_path / "statistics.json").write_text(json.dumps(Statistics(bodies=(body,)).to_json()))
    return tmp_path


def test_cell_proposes_in_the_space_that_the_checkpoint_was_trained_in(checkpoint: Path) -> None:
    cell = trained_cell(Cell.load("panda_tabletop"), checkpoint)
    assert (cell.policy, cell.file.policy.action_space) == ("vla", "tool_delta")
    assert cell.policy_options["checkpoint"] == str(checkpoint)
    assert cell.robot_spec().limits.names == Cell.load("panda_tabletop").robot_spec().limits.names


def test_checkpoint_of_another_body_is_refused_by_name(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="franka_panda"):
        trained_cell(Cell.load("xarm6_tabletop"), checkpoint)


def test_folder_without_a_checkpoint_is_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="interlock train"):
        trained_cell(Cell.load("panda_tabletop"), tmp_path)


def test_run_takes_the_policy_from_the_checkpoint_and_refuses_another(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def prepared(policy: str | None) -> str:
        request, folder = prepare_run(
            "go home",
            cell="panda_tabletop",
            policy=policy,
            seed=0,
            real_time=False,
            gui=False,
            out=None,
            state_dir=tmp_path / "state",
            telemetry="none",
            checkpoint=checkpoint,
        )
        folder.give_up()
        return request.policy

    assert prepared(None) == prepared("vla") == "vla"
    with pytest.raises(BadInputError, match="--policy"):
        prepared("scripted")
