from __future__ import annotations

from pathlib import Path

import pytest

from interlock.errors import StorageError
from interlock.policy.training.curve import Curve


def test_rows_after_the_state_are_dropped_when_a_run_goes_on(tmp_path: Path) -> None:
    curve = Curve(tmp_path)
    for step in (10, 20, 30):
        curve.add({"step": step, "stage": "t2a", "loss": 1.0 / step})
    with (tmp_path / "curve.jsonl").open("a") as file:
        file.write('{"step": 40, "sta')
    assert [row["step"] for row in Curve(tmp_path, from_step=20).rows] == [10, 20]
    assert (tmp_path / "curve.jsonl").read_text().count("\n") == 2
    assert Curve(tmp_path).rows == []


def test_page_draws_each_number_by_stage_and_asks_the_network_for_nothing(tmp_path: Path) -> None:
    curve = Curve(tmp_path)
    curve.add({"step": 1, "stage": "t2a", "loss": 0.5})
    curve.add({"step": 2, "stage": "pretrain", "loss": 0.25, "error_mm": 3.0})
    page = curve.draw()
    assert page is not None
    text = page.read_text()
    assert '"name":"pretrain"' in text
    assert "error_mm" in text
    assert 'src="http' not in text


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        Curve(tmp_path / "nowhere")
