"""Weights that cannot be used, at the command line: the reason, how to mend it, code 2, and nothing moves."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("pybullet")
pytest.importorskip("torch")

from interlock.__main__ import main
from interlock.policy.vla.shipped_weights import DEFAULT_WEIGHTS, SHIPPED


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def holding(name: str, content: bytes) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return put


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def without_a_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors.pop(next(name for name in tensors if name.startswith("decoder.blocks.0")))
    save_file(tensors, path)


def with_nan(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    save_file(tensors, path)


def of_other_bodies(folder: Path) -> None:
    path = folder / "statistics.json"
    told = json.loads(path.read_text())
    told["bodies"] = {name: body for name, body in told["bodies"].items() if body["tag"] != "franka_panda"}
    path.write_text(json.dumps(told))


def signed(folder: Path) -> None:
    """Sums of the files as they are now, as whoever changes weights on purpose writes them."""
    sums = folder / "SHA256SUMS"
    names = [line.split(maxsplit=1)[1] for line in sums.read_text().splitlines()]
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    sums.write_text("\n".join(lines) + "\n")


ROWS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no folder": (shutil.rmtree, "checkpoint"),
    "no weights": (without("model.safetensors"), "model.safetensors"),
    "no statistics": (without("statistics.json"), "there is no checkpoint here"),
    "text in place of weights": (holding("model.safetensors", b"hello"), "model.safetensors"),
    "a pickle in place of weights": (
        holding("model.safetensors", pickle.dumps({"a": 1})),
        "model.safetensors",
    ),
    "a pickle beside the weights": (
        holding("pytorch_model.bin", pickle.dumps({"a": 1})),
        "pytorch_model.bin",
    ),
    "weights cut short": (cut_short, "SHA256SUMS"),
    "a weight too few": (without_a_weight, "decoder.blocks.0"),
    "a weight that is NaN": (with_nan, "NaN or infinity"),
    "a configuration that is none": (holding("config.json", b"{}"), "config"),
    "weights of other bodies": (of_other_bodies, "franka_panda"),
}


@pytest.mark.parametrize("name", ROWS)
def test_weights_that_cannot_be_used_are_refused_before_anything_moves(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, said = ROWS[name]
    folder, out = tmp_path / "weights", tmp_path / "out"
    shutil.copytree(SHIPPED / DEFAULT_WEIGHTS, folder)
    spoil(folder)
    if spoil in (without_a_weight, with_nan, of_other_bodies):
        signed(folder)
    command = ["interlock", "run", "put the red block in the tray", "--checkpoint", str(folder), "--json"]
    command += ["--out", str(out), "--state-dir", str(tmp_path / "state")]
    monkeypatch.setattr(sys, "argv", command)
    try:
        ended = main()
    except SystemExit as leaving:
        ended = leaving.code
    spoken = capsys.readouterr()
    text = spoken.out + spoken.err
    assert ended == 2, text
    assert said in text
    assert "Traceback" not in text
    assert not (out / "trace.mcap").exists()
