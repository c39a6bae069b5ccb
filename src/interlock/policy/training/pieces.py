"""The state of a training run on disk, in files small enough to be carried one by one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from interlock.errors import StorageError

__all__ = ["PIECE_BYTES", "latest", "save_state"]

PIECE_BYTES = 15 * 1024 * 1024
"""No file of a state is larger, [B]; a header of safetensors comes on top."""

_PREFIX = "state-"
_KEPT = 2

Tensors = Mapping[str, torch.Tensor]


def save_state(folder: Path, step: int, tensors: Tensors, info: Mapping[str, Any]) -> Path:
    """Write a state whole or not at all, and drop all but the last two.

    Args:
        folder: where states are kept.
        step: number of the step, which names it.
        tensors: tensors by name, on any device.
        info: what else is needed to go on; JSON.

    Raises:
        StorageError: if it cannot be written; the states before stay.
    """
    place = folder / f"{_PREFIX}{step:09d}"
    draft = folder / f".{place.name}.part"
    try:
        for cut_off in folder.glob(f".{_PREFIX}*.part"):
            shutil.rmtree(cut_off, ignore_errors=True)
        draft.mkdir(parents=True)
        names = {}
        for number, piece in enumerate(_pieces(tensors)):
            content = save_tensors(piece)
            name = f"piece-{number:03d}.safetensors"
            _write(draft / name, content)
            names[name] = hashlib.sha256(content).hexdigest()
        shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
        head = {"step": step, "pieces": names, "shapes": shapes, "info": dict(info)}
        _write(draft / "state.json", json.dumps(head).encode())
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
    except OSError as error:
        raise StorageError(
            f"the state of the training cannot be written: {error.strerror}",
            field="out",
            value=str(folder),
            mend="Free some space or name another folder; the same command then goes on from the last state.",
        ) from error
    for old in _states(folder)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def latest(folder: Path) -> tuple[int, dict[str, torch.Tensor], dict[str, Any], tuple[str, ...]] | None:
    """The newest state that is whole: step, tensors, info, and the names of newer ones that are damaged.

    Returns:
        None if there is no whole one.
    """
    damaged: list[str] = []
    for place in reversed(_states(folder)):
        try:
            step, tensors, info = _read(place)
        except (OSError, ValueError, KeyError, RuntimeError):
            damaged.append(place.name)
            continue
        return step, tensors, info, tuple(damaged)
    return None


def _read(place: Path) -> tuple[int, dict[str, torch.Tensor], dict[str, Any]]:
    head = json.loads((place / "state.json").read_text(encoding="utf-8"))
    flat: dict[str, torch.Tensor] = {}
    for name, digest in head["pieces"].items():
        content = (place / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(name)
        flat |= load_tensors(content)
    tensors = {}
    for name, shape in head["shapes"].items():
        parts = [flat[key] for key in _keys(name, flat)]
        tensors[name] = torch.cat(parts).reshape(shape)
    return int(head["step"]), tensors, head["info"]


def _keys(name: str, flat: Tensors) -> list[str]:
    keys, number = [], 0
    while f"{name}#{number}" in flat:
        keys.append(f"{name}#{number}")
        number += 1
    if not keys:
        raise KeyError(name)
    return keys


def _pieces(tensors: Tensors) -> Iterator[dict[str, torch.Tensor]]:
    """Files of at most `PIECE_BYTES`; a tensor that is larger is cut, each part named `name#number`."""
    piece: dict[str, torch.Tensor] = {}
    size = 0
    for name, tensor in tensors.items():
        flat = tensor.detach().to("cpu").contiguous().reshape(-1)
        most = max(1, PIECE_BYTES // flat.element_size())
        for number, part in enumerate(flat.split(most) if flat.numel() else (flat,)):
            nbytes = part.numel() * part.element_size()
            if piece and size + nbytes > PIECE_BYTES:
                yield piece
                piece, size = {}, 0
            piece[f"{name}#{number}"] = part.clone()
            size += nbytes
    yield piece


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _states(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{_PREFIX}*") if path.is_dir())
