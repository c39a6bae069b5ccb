"""A trained policy as a folder of five files; loading refuses, it never warns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlock.errors import CheckpointError, StorageError
from interlock.hal.embodiment import Embodiment
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.statistics import BodyStatistics, Statistics
from interlock.policy.vla.strict_json import parsed, utf8
from interlock.policy.vla.tokenizer import VlaTokenizer
from interlock.policy.vla.weights import read_weights, write_weights

__all__ = ["FILES", "Checkpoint"]

FILES = ("config.json", "model.safetensors", "statistics.json", "tokenizer.json", "card.md")
_MANIFEST = "SHA256SUMS"
_PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Model, statistics, tokenizer and card.

    Attributes:
        model: in evaluation mode after `load`.
        statistics: of every body it knows.
        tokenizer: of its prompts.
        card: what it was trained on and how it did, Markdown.
        sha256: of each file, by name; empty for one that was never written.
        stored: type that the weights are written in, "float32" or "bfloat16".
    """

    model: QwenVla
    statistics: Statistics
    tokenizer: VlaTokenizer
    card: str
    sha256: Mapping[str, str]
    stored: str = "float32"

    @property
    def config(self) -> VlaConfig:
        """The model's shape."""
        return self.model.config

    def body(self, embodiment: Embodiment) -> BodyStatistics:
        """Statistics of the body to drive.

        Raises:
            CheckpointError: if the checkpoint was not trained with exactly this body.
        """
        found = self.statistics.of(embodiment)
        _check_size(found, self.config)
        return found

    def check_cameras(self, roles: tuple[str, ...]) -> None:
        """Refuse cameras that the policy was not trained with, or lacks.

        Raises:
            CheckpointError: names the role.
        """
        for role in roles:
            if role not in self.config.cameras:
                raise CheckpointError(
                    "this policy was not trained with a camera of that role",
                    field="cameras",
                    value=role,
                    mend=f"It knows: {', '.join(self.config.cameras) or 'none'}.",
                )
        for role in self.config.cameras:
            if role not in roles:
                raise CheckpointError(
                    "this policy needs a camera of that role",
                    field="cameras",
                    value=role,
                    mend="Name one in the cell, or take another policy.",
                )

    def save(self, folder: Path) -> Checkpoint:
        """Write the five files and a SHA256SUMS over them; the same contents give the same bytes.

        Returns what `load` would: with weights as rounded as they were written.

        Raises:
            StorageError: if the folder cannot be written.
            CheckpointError: if a weight is too large for the type that they are stored in.
        """
        weights = write_weights(self.model, self.stored)
        model = self.model
        if self.stored != "float32":
            model, _ = read_weights(weights, self.config)
        contents = {
            "config.json": _text(self.config.to_json()),
            "model.safetensors": weights,
            "statistics.json": _text(self.statistics.to_json()),
            "tokenizer.json": self.tokenizer.to_json().encode(),
            "card.md": self.card.encode(),
        }
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        contents[_MANIFEST] = "".join(f"{sums[name]}  {name}\n" for name in FILES).encode()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in contents.items():
                (folder / name).write_bytes(content)
        except OSError as error:
            raise StorageError(
                f"cannot be written: {error}",
                field="checkpoint",
                value=str(folder),
                mend="Free some space or name another folder.",
            ) from None
        return replace(self, model=model, sha256=sums)

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Read and check everything.

        Raises:
            CheckpointError: if a file is missing, foreign or changed, or its contents do not fit each other.
        """
        content = _read(folder)
        sums = {name: hashlib.sha256(each).hexdigest() for name, each in content.items()}
        _check_manifest(folder, sums)
        config = VlaConfig.from_json(parsed(content["config.json"], "config.json"))
        statistics = Statistics.from_json(parsed(content["statistics.json"], "statistics.json"))
        for body in statistics.bodies:
            _check_size(body, config)
        tokenizer = VlaTokenizer.from_json(utf8(content["tokenizer.json"], "tokenizer.json"), config)
        model, stored = read_weights(content["model.safetensors"], config)
        return cls(
            model=model,
            statistics=statistics,
            tokenizer=tokenizer,
            card=utf8(content["card.md"], "card.md"),
            sha256=sums,
            stored=stored,
        )


def _read(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise CheckpointError(
            "no such folder",
            field="checkpoint",
            value=str(folder),
            mend="Name the folder of a checkpoint that `interlock train` has written.",
        )
    for found in sorted(folder.iterdir()):
        if found.suffix.lower() in _PICKLES:
            raise CheckpointError(
                "a pickle runs code when it is read, and is refused unread",
                field="checkpoint",
                value=found.name,
                mend="Convert the weights to model.safetensors and remove this file.",
            )
    content = {}
    for name in FILES:
        try:
            content[name] = (folder / name).read_bytes()
        except OSError:
            raise CheckpointError(
                f"{name} is missing or cannot be read",
                field="checkpoint",
                value=str(folder),
                mend=f"A checkpoint is {', '.join(FILES)}.",
            ) from None
    return content


def _check_manifest(folder: Path, sums: Mapping[str, str]) -> None:
    path = folder / _MANIFEST
    if not path.exists():
        return
    lines = [line.split("  ", 1) for line in utf8(path.read_bytes(), _MANIFEST).splitlines()]
    listed = {line[1]: line[0] for line in lines if len(line) == 2}
    for name, found in sums.items():
        if listed.get(name) != found:
            raise CheckpointError(
                f"is not the file that {_MANIFEST} lists",
                field=name,
                value=found,
                mend="Copy the checkpoint again; after a change on purpose, write it again.",
            )


def _check_size(body: BodyStatistics, config: VlaConfig) -> None:
    for name, found, most in (
        ("channels", len(body.channels), config.channels),
        ("horizon", body.horizon, config.horizon),
        ("state", len(body.state), config.state_width),
    ):
        if found > most:
            raise CheckpointError(
                f"{body.tag} has more than the {most} that the model holds",
                field=f"statistics.{name}",
                value=found,
                mend="config.json and statistics.json belong to different models.",
            )


def _text(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode()
