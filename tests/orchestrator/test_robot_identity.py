"""Which robot a command means, even when its cell file cannot be used."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from interlock.errors import CellError, StorageError
from interlock.hal import state_dir
from interlock.hal.lease import Lease
from interlock.orchestrator.robot_identity import known_state_dir, robot_state_dir, user_name
from interlock.orchestrator.robot_status import living_beside, who_is_stopping


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(state_dir.platformdirs, "user_state_dir", lambda *_, **__: str(tmp_path / "root"))
    return tmp_path / "root"


def test_a_folder_that_is_given_needs_no_cell(tmp_path: Path) -> None:
    assert robot_state_dir("no such cell", tmp_path) == tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "robot: {name: panda}\nrates: nonsense\n",
        "robot:\n  name: panda\n  limits: [.nan]\nunknown: 1\n",
    ],
)
def test_a_stop_needs_no_more_of_a_cell_than_the_robots_name(text: str, tmp_path: Path, root: Path) -> None:
    cell = tmp_path / "cell.yaml"
    cell.write_text(text)
    assert robot_state_dir(str(cell), None) == root / "panda"


@pytest.mark.parametrize("text", ["", "robot: {name: [a]}", "robot: {name: ../x}", "{", "robot: 1"])
def test_a_cell_that_names_no_robot_is_told(text: str, tmp_path: Path) -> None:
    cell = tmp_path / "cell.yaml"
    cell.write_text(text)
    with pytest.raises(CellError):
        robot_state_dir(str(cell), None)


def test_what_is_asked_about_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such state folder"):
        known_state_dir("panda_tabletop", tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert user_name().startswith("user ")


def test_a_run_is_alive_by_its_lock_not_by_what_it_published(root: Path) -> None:
    assert who_is_stopping(root / "panda").startswith("No run is alive")
    with Lease(root / "panda", "panda"):
        assert who_is_stopping(root / "panda").startswith("Process ")
        (root / "panda" / "status.json").unlink()
        assert "process is not known" in who_is_stopping(root / "panda")


def test_other_robots_that_run_are_named(root: Path) -> None:
    assert living_beside(root / "panda") == []
    with Lease(root / "panda", "panda"), Lease(root / "xarm6", "xarm6"):
        (root / "notes.txt").touch()
        assert living_beside(root / "panda") == [root / "xarm6"]
    assert living_beside(root / "panda") == []
