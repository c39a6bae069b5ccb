"""A run gets a folder of its own, and leaves none behind if it never started."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.errors import StorageError
from interlock.orchestrator.run_folder import RunFolder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_takes_the_first_free_number() -> None:
    assert [RunFolder.claim(None, "cell-scripted-0").path for _ in range(3)] == [
        Path("runs/cell-scripted-0-1"),
        Path("runs/cell-scripted-0-2"),
        Path("runs/cell-scripted-0-3"),
    ]


def test_a_run_that_never_started_leaves_no_folder() -> None:
    folder = RunFolder.claim(Path("mine"), "x")
    folder.give_up()
    assert not Path("mine").exists()


def test_a_folder_that_was_there_or_was_written_stays() -> None:
    Path("mine").mkdir()
    RunFolder.claim(Path("mine"), "x").give_up()
    assert Path("mine").is_dir()
    made = RunFolder.claim(Path("new"), "x")
    (made.path / "trace").touch()
    made.give_up()
    assert Path("new").is_dir()


@pytest.mark.parametrize("given", ["file", "file/below", "/proc/nowhere", "a\0b"])
def test_a_folder_that_cannot_be_written_names_the_option(given: str) -> None:
    Path("file").touch()
    with pytest.raises(StorageError) as caught:
        RunFolder.claim(Path(given), "x")
    assert caught.value.field == "out"
    assert caught.value.value == given
    assert "--out DIR" in caught.value.mend
