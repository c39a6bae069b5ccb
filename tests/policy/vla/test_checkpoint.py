"""A checkpoint comes back as it was, or not at all."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.policy.vla.models import body, lively, micro, observations, seeded

from interlock.errors import CheckpointError, StorageError
from interlock.policy.vla.checkpoint import FILES, Checkpoint
from interlock.policy.vla.prompt import write_prompt
from interlock.policy.vla.statistics import BodyStatistics, StateName, Statistics
from interlock.policy.vla.tokenizer import VlaTokenizer

STATE = tuple(StateName(name=f"joint_{index}", unit="rad") for index in range(6))


def made(*bodies: Any) -> Checkpoint:
    random = np.random.default_rng(0)
    statistics = Statistics(
        bodies=tuple(
            BodyStatistics.measure(
                each, random.normal(size=(50, len(each.channels))), random.normal(size=(50, 6)), STATE, {}
            )
            for each in bodies or (body(),)
        )
    )
    config = micro()
    sentences = [write_prompt(body(), "pick up the red block")]
    return Checkpoint(
        model=lively(config),
        statistics=statistics,
        tokenizer=VlaTokenizer.train(sentences, config),
        card="# Micro\n\nNot trained.\n",
        sha256={},
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "micro"
    made(body(), body("xarm6", channels=6), body("two_arms", channels=10)).save(folder)
    return folder


@pytest.fixture
def copied(saved: Path, tmp_path: Path) -> Path:
    """A copy without its list of hashes, so that what stands in the files is judged."""
    folder = tmp_path / "copy"
    shutil.copytree(saved, folder)
    (folder / "SHA256SUMS").unlink()
    return folder


def test_loaded_model_says_the_same_chunk_bit_for_bit(saved: Path) -> None:
    before, after = made(), Checkpoint.load(saved)
    inputs = observations(before.config)
    assert torch.equal(after.model.sample(inputs, seeded()), before.model.sample(inputs, seeded()))
    assert after.config == before.config
    assert after.card == before.card
    assert not after.model.training
    assert not any(weight.requires_grad for weight in after.model.parameters())


def test_hash_of_each_file_is_told_and_the_same_contents_give_the_same_bytes(
    saved: Path, tmp_path: Path
) -> None:
    loaded = Checkpoint.load(saved)
    assert set(loaded.sha256) == set(FILES)
    for name, told in loaded.sha256.items():
        assert hashlib.sha256((saved / name).read_bytes()).hexdigest() == told
    assert loaded.save(tmp_path / "again").sha256 == loaded.sha256


def test_weights_stored_in_half_come_back_rounded_and_are_written_again_as_they_were(
    saved: Path, tmp_path: Path
) -> None:
    whole = Checkpoint.load(saved)
    half = replace(whole, stored="bfloat16").save(tmp_path / "half")
    assert (tmp_path / "half" / FILES[1]).stat().st_size < 0.6 * (saved / FILES[1]).stat().st_size
    loaded = Checkpoint.load(tmp_path / "half")
    assert (whole.stored, half.stored, loaded.stored) == ("float32", "bfloat16", "bfloat16")
    inputs = observations(whole.config)
    said = loaded.model.sample(inputs, seeded())
    assert torch.equal(half.model.sample(inputs, seeded()), said)
    assert not torch.equal(whole.model.sample(inputs, seeded()), said)
    for name, weight in whole.model.state_dict().items():
        found = loaded.model.state_dict()[name]
        assert found.dtype == torch.float32
        assert torch.equal(found, weight.to(torch.bfloat16).float())
    assert loaded.save(tmp_path / "again").sha256 == loaded.sha256


def test_refuses_weights_of_two_types(copied: Path) -> None:
    tensors = load_file(copied / "model.safetensors")
    name = sorted(tensors)[0]
    tensors[name] = tensors[name].to(torch.bfloat16)
    save_file(tensors, copied / "model.safetensors")
    with pytest.raises(CheckpointError, match="float32") as refused:
        Checkpoint.load(copied)
    assert refused.value.field == f"model.safetensors: {name}"


def test_three_bodies_share_one_checkpoint(saved: Path) -> None:
    loaded = Checkpoint.load(saved)
    for each in (body(), body("xarm6", channels=6), body("two_arms", channels=10)):
        assert loaded.body(each).embodiment == each


@pytest.mark.parametrize(
    "asked",
    [body("ur5"), body(horizon=7), body(rate_hz=50.0), body("xarm6", channels=7)],
    ids=["tag", "horizon", "rate", "channels"],
)
def test_refuses_a_body_that_it_was_not_trained_with(saved: Path, asked: Any) -> None:
    with pytest.raises(CheckpointError) as refused:
        Checkpoint.load(saved).body(asked)
    assert refused.value.field == "embodiment"


def test_refuses_unknown_and_missing_camera_roles(saved: Path) -> None:
    loaded = Checkpoint.load(saved)
    loaded.check_cameras(("wrist", "base"))
    with pytest.raises(CheckpointError, match="not trained with"):
        loaded.check_cameras(("base", "wrist", "head"))
    with pytest.raises(CheckpointError, match="needs a camera"):
        loaded.check_cameras(("base",))


def test_refuses_a_byte_that_changed(saved: Path, tmp_path: Path) -> None:
    for name in FILES:
        folder = tmp_path / name
        shutil.copytree(saved, folder)
        content = bytearray((folder / name).read_bytes())
        content[-3] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(CheckpointError, match="SHA256SUMS") as refused:
            Checkpoint.load(folder)
        assert refused.value.field == name


@pytest.mark.parametrize("name", FILES)
def test_refuses_a_folder_without_one_of_its_files(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        Checkpoint.load(copied)


def _reweigh(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return spoil


WEIGHT = "decoder.blocks.0.qkv.weight"


def _half(tensors: dict[str, torch.Tensor]) -> None:
    tensors[WEIGHT] = tensors[WEIGHT].half()


def _nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors[WEIGHT][0, 0] = torch.nan


def _infinite(tensors: dict[str, torch.Tensor]) -> None:
    tensors[WEIGHT][-1, -1] = -torch.inf


def _extra(tensors: dict[str, torch.Tensor]) -> None:
    tensors["decoder.blocks.2.qkv.weight"] = tensors[WEIGHT].clone()


def _fewer(tensors: dict[str, torch.Tensor]) -> None:
    del tensors[WEIGHT]


def _turned(tensors: dict[str, torch.Tensor]) -> None:
    tensors[WEIGHT] = tensors[WEIGHT].T.contiguous()


@pytest.mark.parametrize("change", [_half, _nan, _infinite, _extra, _fewer, _turned])
def test_refuses_weights_that_are_not_exactly_the_models(copied: Path, change: Any) -> None:
    _reweigh(change)(copied)
    with pytest.raises(CheckpointError, match=r"qkv\.weight"):
        Checkpoint.load(copied)


@pytest.mark.parametrize("keep", [0, 4, 100, -1, -1000])
def test_refuses_a_weight_file_that_was_cut_short(copied: Path, keep: int) -> None:
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="cannot be read"):
        Checkpoint.load(copied)


class _Trap:
    """Unpickling it would be noticed."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was run",))


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "model.pt", "optimizer.PKL"])
def test_refuses_a_pickle_without_running_it(copied: Path, name: str) -> None:
    (copied / name).write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(CheckpointError):
        Checkpoint.load(copied)


@pytest.mark.parametrize("name", ["config.json", "statistics.json", "tokenizer.json"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"bodies": NaN}', b"[" * 100_000], ids=range(6)
)
def test_refuses_files_that_are_not_what_their_name_says(copied: Path, name: str, content: bytes) -> None:
    (copied / name).write_bytes(content)
    with pytest.raises(CheckpointError):
        Checkpoint.load(copied)


def test_refuses_a_key_that_stands_twice(copied: Path) -> None:
    text = (copied / "config.json").read_text()
    (copied / "config.json").write_text(text.replace('"horizon": 8', '"horizon": 9, "horizon": 8'))
    with pytest.raises(CheckpointError, match="twice among"):
        Checkpoint.load(copied)


def test_refuses_statistics_that_do_not_say_what_was_taught(copied: Path) -> None:
    """Without it, every skill would pass for one that was."""
    data = json.loads((copied / "statistics.json").read_text())
    del next(iter(data["bodies"].values()))["skills"]
    (copied / "statistics.json").write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match=r"missing key.*skills|skills.*missing key"):
        Checkpoint.load(copied)


def test_refuses_statistics_of_a_body_wider_than_the_model(copied: Path) -> None:
    wide = made(body("octopus", channels=11))
    (copied / "statistics.json").write_text(json.dumps(wide.statistics.to_json()))
    with pytest.raises(CheckpointError, match="octopus has more than the 10"):
        Checkpoint.load(copied)


def test_refuses_statistics_of_a_longer_horizon_than_the_models(copied: Path) -> None:
    far = made(body(horizon=9))
    (copied / "statistics.json").write_text(json.dumps(far.statistics.to_json()))
    with pytest.raises(CheckpointError, match="more than the 8"):
        Checkpoint.load(copied)


def test_refuses_a_configuration_of_another_model(copied: Path) -> None:
    data = json.loads((copied / "config.json").read_text())
    data["decoder"]["mlp_hidden"] = 64
    (copied / "config.json").write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match="expected shape"):
        Checkpoint.load(copied)


def test_refuses_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        Checkpoint.load(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        made().save(tmp_path / "file")
