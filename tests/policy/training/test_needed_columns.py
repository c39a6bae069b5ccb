"""A training reads of its sets what its model looks at, says how much that is, and is refused too much."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.policy.training.taught import write_set

from interlock.errors import BadInputError
from interlock.policy.dataset.reader import Demonstrations
from interlock.policy.training.command import main
from interlock.policy.training.material import Material
from interlock.policy.training.needed_columns import needed_columns
from interlock.policy.training.request import TrainRequest
from interlock.policy.training.stage import Stage
from interlock.policy.training.train import train
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.preset import preset


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("sets") / "numbers")


def request_for(data: Path, out: Path, name: str) -> TrainRequest:
    stages = (Stage.parse("pretrain:2"),)
    return TrainRequest(
        data=(data,), out=out, preset=name, stages=stages, batch=4, draws=1, held_out=0.2, device="cpu"
    )


def read_by(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the columns that are read from now on."""
    seen: set[str] = set()
    read = pq.ParquetFile.read

    def noted(self: pq.ParquetFile, columns: list[str]) -> object:
        seen.update(columns)
        return read(self, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read", noted)
    return seen


def test_a_model_that_is_told_where_things_are_reads_no_picture(
    numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = read_by(monkeypatch)
    assert train(request_for(numbers, tmp_path, "tiny-scene")).done
    assert seen == needed_columns(preset("tiny-scene"))
    assert not any("images" in name or "projection" in name for name in seen)


def test_a_model_that_looks_reads_the_pictures_of_its_own_cameras_alone() -> None:
    config = replace(preset("smoke"), cameras=("wrist",))
    seen = {name for name in needed_columns(config) if "images" in name or "projection" in name}
    assert seen == {"observation.images.wrist", "observation.projection.wrist"}


def test_what_was_read_is_said_and_stands_on_the_card(numbers: Path, tmp_path: Path) -> None:
    said: list[str] = []
    summary = train(request_for(numbers, tmp_path, "smoke"), say=said.append)
    columns = needed_columns(preset("smoke"))
    read_mib = Demonstrations(numbers, columns).compressed_bytes / 2**20
    assert 0.0 < read_mib < Demonstrations(numbers).compressed_bytes / 2**20
    assert f"{read_mib:.1f} MiB of compressed data read" in said[0]
    card = Checkpoint.load(Path(summary.checkpoint)).card
    assert f"What was read takes {read_mib:.1f} MiB in the files, compressed." in card
    assert "--max-read-mib 60.0" in card


def test_more_than_may_be_read_is_refused_before_a_column_is(
    numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_set(tmp_path / "other", seed=7)
    columns = needed_columns(preset("tiny-scene"))
    each = [Demonstrations(folder, columns).compressed_bytes for folder in (numbers, other)]
    exactly = sum(each) / 2**20
    seen = read_by(monkeypatch)
    with pytest.raises(BadInputError, match=r"--max-read-mib 1\.") as refused:
        Material.load((numbers, other), 0.0, 0, columns, max_read_mib=exactly * (1.0 - 1e-9))
    assert refused.value.field == "max_read_mib"
    assert not seen
    assert Material.load((numbers, other), 0.0, 0, columns, max_read_mib=exactly).read_mib == exactly


def test_a_training_goes_on_when_it_may_read_more(
    numbers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(numbers), "--out", str(tmp_path / "out"), "--preset", "smoke", "--json"]
    options += ["--stage", "t2a:2", "--batch", "4", "--draws", "1", "--device", "cpu"]
    assert main([*options, "--max-read-mib", "1e-6"]) == 2
    assert "Leave a set out" in capsys.readouterr().err
    assert main([*options, "--max-read-mib", "1"]) == 0
    capsys.readouterr()
    assert main([*options, "--max-read-mib", "2"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["steps"] == 2
    assert "goes on from step 2" in told.err
    assert main([*options, "--max-read-mib", "0"]) == 2
    assert main([*options, "--max-read-mib", "nan"]) == 2
