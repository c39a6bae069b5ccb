from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pybullet")

from interlock.errors import BadInputError, CheckpointError
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.demo_run import cell_in_space
from interlock.orchestrator.proposing import proposing
from interlock.orchestrator.run_command import chosen_cell, prepare_run
from interlock.orchestrator.trained_cell import checkpoint_of, trained_cell
from interlock.orchestrator.uncertainty_command import calibration_file
from interlock.policy.uncertainty.options import CALIBRATION
from interlock.policy.vla.learned_options import LearnedOptions
from interlock.policy.vla.shipped_weights import (
    DEFAULT_WEIGHTS,
    SHIPPED,
    name_of,
    shipped_weights,
    weights_at,
)
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
    assert cell.options_of("vla")["checkpoint"] == str(checkpoint)
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


CELLS = ("panda_tabletop", "two_pandas", "xarm6_tabletop")


@pytest.mark.parametrize("name", CELLS)
def test_without_a_word_the_weights_that_ship_propose_in_their_own_space(name: str) -> None:
    plain = Cell.load(name)
    cell, policy = chosen_cell(plain, None, None)
    assert policy == "vla"
    assert checkpoint_of(cell) == SHIPPED / DEFAULT_WEIGHTS
    assert cell.file.policy.action_space == "tool_delta"
    assert cell.options_of("vla")["checkpoint"] == DEFAULT_WEIGHTS  # no folder of this machine


@pytest.mark.parametrize(
    ("name", "named"), [*((name, DEFAULT_WEIGHTS) for name in CELLS), (CELLS[0], "tiny")]
)
def test_weights_that_ship_are_named(name: str, named: str) -> None:
    assert named in shipped_weights()
    cell, policy = chosen_cell(Cell.load(name), None, weights_at(named))
    assert (policy, checkpoint_of(cell)) == ("vla", SHIPPED / named)
    assert cell.options_of("vla")["checkpoint"] == named
    assert checkpoint_of(chosen_cell(cell, None, None)[0]) == SHIPPED / named


def test_weights_that_ship_refuse_a_body_that_they_were_never_taught() -> None:
    with pytest.raises(CheckpointError, match="not trained with that body"):
        chosen_cell(Cell.load("two_pandas"), None, weights_at("tiny"))


def test_a_folder_may_have_the_name_of_weights_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / DEFAULT_WEIGHTS
    assert weights_at(f"./{DEFAULT_WEIGHTS}") == own
    assert LearnedOptions.read({"checkpoint": str(own)}).checkpoint == own
    assert LearnedOptions.read({"checkpoint": Path(DEFAULT_WEIGHTS)}).checkpoint == own
    assert weights_at(DEFAULT_WEIGHTS) == SHIPPED / DEFAULT_WEIGHTS
    assert name_of(SHIPPED / ".." / "shipped" / DEFAULT_WEIGHTS) == DEFAULT_WEIGHTS
    assert name_of(own) is None


def test_home_is_known_and_nothing_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_at("~/mine") == tmp_path / "mine"
    for told in ("", " ", "~nobody-of-this-name/mine"):
        with pytest.raises(BadInputError) as refused:
            weights_at(told)
        assert refused.value.field == "checkpoint"


def test_beside_weights_that_ship_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="--out"):
        calibration_file(SHIPPED / DEFAULT_WEIGHTS, None, "out")
    assert calibration_file(SHIPPED / DEFAULT_WEIGHTS, tmp_path / "c.json", "out") == tmp_path / "c.json"
    assert calibration_file(tmp_path, None, "out") == tmp_path / CALIBRATION


def test_a_name_on_the_command_line_goes_before_the_cells_own(checkpoint: Path) -> None:
    own = own_cell(checkpoint, "  options: {checkpoint: .}")
    cell, _ = chosen_cell(own, None, weights_at(DEFAULT_WEIGHTS))
    assert checkpoint_of(cell) == SHIPPED / DEFAULT_WEIGHTS


def test_a_cell_may_name_weights_that_ship(tmp_path: Path) -> None:
    own = own_cell(tmp_path, f"  options: {{checkpoint: {DEFAULT_WEIGHTS}}}")
    assert checkpoint_of(own) == SHIPPED / DEFAULT_WEIGHTS


@pytest.mark.parametrize("name", CELLS)
def test_another_policy_proposes_as_the_cell_says(name: str) -> None:
    plain = Cell.load(name)
    cell, policy = chosen_cell(plain, "scripted", None)
    assert (cell is plain, policy) == (True, "scripted")
    assert cell.file.policy.action_space == "joint_position"


def test_the_cell_tells_each_policy_its_own_options() -> None:
    cell = Cell.load("xarm6_tabletop")
    assert cell.options_of("scripted")["grasp_depth_m"] == 0.02
    assert cell.options_of("vla") == {}
    assert cell.options_of("reckless") == {}
    learned, _ = chosen_cell(cell, None, None)
    assert learned.options_of("scripted") == cell.options_of("scripted")


def own_cell(folder: Path, section: str) -> Cell:
    """The Panda's cell with another policy section."""
    text, told = Cell.load("panda_tabletop").text, "\n  options: {}\n"
    assert told in text
    path = folder / "own.yaml"
    path.write_text(text.replace(told, f"\n{section}\n"))
    return Cell.load(path)


@pytest.mark.parametrize("absolute", [True, False])
def test_the_checkpoint_that_a_cell_names_is_looked_for_from_the_cells_folder_on(
    absolute: bool,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    named = checkpoint if absolute else "."
    own = own_cell(checkpoint, f"  options: {{checkpoint: {named}}}")
    assert checkpoint_of(own).resolve() == checkpoint
    cell, _ = chosen_cell(own, None, None)
    assert cell.options_of("vla")["checkpoint"] == str(checkpoint)


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ("  others: {scriptd: {}}", "scripted"),
        ("  others: {vla: {steps: 3}}", "policy.options"),
    ],
)
def test_options_of_no_policy_and_of_the_cells_own_are_refused(
    section: str, named: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=named):
        chosen_cell(own_cell(tmp_path, section), None, None)


def test_another_policy_takes_nothing_away_from_what_the_cells_own_is_told() -> None:
    cell = proposing(Cell.load("xarm6_tabletop"), "tool_delta", policy="scripted", options={"a": 1})
    assert cell.options_of("scripted") == {"a": 1}
    back = proposing(cell, "tool_delta", policy="vla", options={})
    assert back.options_of("scripted") == {"a": 1}


def test_a_body_that_differs_is_told_in_what(checkpoint: Path, tmp_path: Path) -> None:
    text = Cell.load("panda_tabletop").text
    path = tmp_path / "narrow.yaml"
    path.write_text(text.replace("0.0778]", "0.07]"))
    assert path.read_text() != text
    with pytest.raises(CheckpointError, match="channel gripper_width differs"):
        trained_cell(Cell.load(path), checkpoint)


def test_a_run_may_choose_the_space_but_not_for_the_learned_policy(tmp_path: Path) -> None:
    def prepared(policy: str, action_space: str) -> Cell:
        told: dict[str, Any] = {"seed": 0, "real_time": False, "gui": False, "telemetry": "none"}
        request, folder = prepare_run(
            "go home",
            cell="panda_tabletop",
            policy=policy,
            out=tmp_path / f"{policy}-{action_space}",
            state_dir=tmp_path / "state",
            action_space=action_space,
            **told,
        )
        folder.give_up()
        return request.cell

    assert prepared("scripted", "tool_delta").file.policy.action_space == "tool_delta"
    with pytest.raises(BadInputError, match="trained in"):
        prepared("vla", "tool_delta")
    with pytest.raises(BadInputError, match="tool_pose"):
        prepared("scripted", "tool_pos")
