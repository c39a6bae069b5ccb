from __future__ import annotations

from pathlib import Path

import pytest
import torch

from interlock.errors import StorageError
from interlock.policy.training import pieces
from interlock.policy.training.pieces import latest, save_state

TENSORS = {
    "weight": torch.arange(1000, dtype=torch.float32).reshape(10, 100),
    "moment": torch.ones(7, dtype=torch.bfloat16),
    "empty": torch.zeros(0),
    "count": torch.tensor(5, dtype=torch.int64),
}


def test_state_comes_back_bit_for_bit_in_small_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1000)
    place = save_state(tmp_path, 12, TENSORS, {"stage": "t2a"})
    files = list(place.glob("piece-*.safetensors"))
    assert len(files) > 3
    found = latest(tmp_path)
    assert found is not None
    step, tensors, info, damaged = found
    assert (step, info, damaged) == (12, {"stage": "t2a"}, ())
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_damaged_state_is_named_and_the_one_before_is_used(tmp_path: Path) -> None:
    save_state(tmp_path, 1, TENSORS, {})
    newer = save_state(tmp_path, 2, TENSORS, {})
    piece = newer / "piece-000.safetensors"
    content = bytearray(piece.read_bytes())
    content[-1] ^= 1
    piece.write_bytes(bytes(content))
    found = latest(tmp_path)
    assert found is not None
    assert found[0] == 1
    assert found[3] == (newer.name,)


@pytest.mark.parametrize("gone", ["state.json", "piece-000.safetensors"])
def test_state_that_lacks_a_file_is_no_state(gone: str, tmp_path: Path) -> None:
    (save_state(tmp_path, 1, TENSORS, {}) / gone).unlink()
    assert latest(tmp_path) is None


def test_only_the_last_two_states_are_kept(tmp_path: Path) -> None:
    for step in range(5):
        save_state(tmp_path, step, TENSORS, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state-000000003", "state-000000004"]


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        save_state(tmp_path / "file", 1, TENSORS, {})
