"""A π0 checkpoint in transformers' form, loaded whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import PI0Config, PI0ForConditionalGeneration

from interlock.errors import BadInputError
from interlock.hal.arrays import FloatArray

__all__ = ["Pi0Checkpoint"]

_FIELD = "policy.options.path"
_NEEDED = ("config.json", "processor_config.json", "tokenizer.json")
_PICKLES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
_LEAST_STD = 1e-6
_STATISTICS = ("state_mean", "state_std", "actions_mean", "actions_std")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pi0Checkpoint:
    """What a folder holds.

    Attributes:
        model: the network, in evaluation mode, float32.
        tokenizer: of the words.
        image_token: token that stands for a patch of a picture.
        start_token: token before the words.
        patches: how many patches a picture has.
        side_px: width and height of a picture, [px].
        statistics: mean and standard deviation of state and actions, each shape (k,), in the data's units.
        files: name and SHA-256 of every file that counts.
    """

    model: Any
    tokenizer: Any
    image_token: int
    start_token: int
    patches: int
    side_px: int
    statistics: dict[str, FloatArray]
    files: tuple[tuple[str, str], ...]

    @property
    def sha256(self) -> str:
        """Over the SHA-256 of every file that counts."""
        text = "".join(f"{name} {sha256}\n" for name, sha256 in self.files)
        return hashlib.sha256(text.encode()).hexdigest()

    @staticmethod
    def load(folder: Path) -> Pi0Checkpoint:
        """Read a folder that transformers' `save_pretrained` wrote, for model and processor.

        Raises:
            BadInputError: if a file is missing, a pickle lies there, weights do not fit the configuration, or
                the statistics cannot be used.
        """
        for name in _NEEDED:
            if not (folder / name).is_file():
                raise _bad(f"holds no {name}", folder, "Name a folder with model and processor.")
        files = sorted(path for path in folder.iterdir() if path.is_file())
        pickles = [path.name for path in files if path.suffix in _PICKLES]
        if pickles:
            raise _bad(f"holds pickles ({', '.join(pickles)})", folder, "Keep the .safetensors files alone.")
        statistics = _statistics(folder)
        model = _model(folder)
        config = model.config
        if max(len(row) for row in statistics.values()) > min(config.max_state_dim, config.max_action_dim):
            raise _bad("has statistics of more values than its configuration", folder, "Take its own.")
        tokenizer = _tokenizer(folder)
        vision = config.vlm_config.vision_config
        start = tokenizer.token_to_id("<bos>")
        if start is None:
            raise _bad("has a tokenizer without <bos>", folder, "Take the checkpoint's own tokenizer.")
        return Pi0Checkpoint(
            model=model,
            tokenizer=tokenizer,
            image_token=int(config.vlm_config.image_token_id),
            start_token=int(start),
            patches=(vision.image_size // vision.patch_size) ** 2,
            side_px=int(vision.image_size),
            statistics=statistics,
            files=tuple(_hashed(path) for path in files if path.suffix in (".json", ".safetensors")),
        )


def _model(folder: Path) -> Any:
    try:
        config = PI0Config.from_pretrained(folder, local_files_only=True)
        model, report = PI0ForConditionalGeneration.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    except Exception as error:  # transformers has no error of its own for a file that is broken
        raise _bad(
            f"cannot be loaded ({type(error).__name__}: {error})", folder, "Take a whole one."
        ) from error
    wrong = {name: sorted(map(str, rows))[:3] for name, rows in report.items() if rows}
    if wrong:
        raise _bad(f"has weights that do not fit its configuration ({wrong})", folder, "Take a whole one.")
    return model.eval()


def _tokenizer(folder: Path) -> Any:
    try:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises plain Exception
        raise _bad(
            f"has no tokenizer that is read ({error})", folder, "Take the checkpoint's own."
        ) from error


def _statistics(folder: Path) -> dict[str, FloatArray]:
    try:
        told = json.loads((folder / "processor_config.json").read_text(encoding="utf-8"))
        rows = {name: np.array(told[name], dtype=np.float64) for name in _STATISTICS}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _bad(f"has no statistics ({type(error).__name__}: {error})", folder, "Add them.") from error
    for what in ("state", "actions"):
        mean, std = rows[f"{what}_mean"], rows[f"{what}_std"]
        if mean.ndim != 1 or not len(mean) or mean.shape != std.shape:
            raise _bad(f"has statistics of {what} of different lengths", folder, "Mend them.")
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and std.min() >= _LEAST_STD):
            raise _bad(f"has a standard deviation of {what} below {_LEAST_STD:g}", folder, "Mend them.")
    for name, want in (("image_mean", 0.5), ("image_std", 0.5), ("rescale_factor", 1.0 / 255.0)):
        given = (told.get("image_processor") or {}).get(name, want)
        if not all(math.isclose(value, want) for value in (given if isinstance(given, list) else [given])):
            raise _bad(f"scales pictures by another {name} than {want:g}", folder, "This is not supported.")
    return rows


def _hashed(path: Path) -> tuple[str, str]:
    with path.open("rb") as stream:
        return path.name, hashlib.file_digest(stream, "sha256").hexdigest()


def _bad(what: str, folder: Path, mend: str) -> BadInputError:
    return BadInputError(what, field=_FIELD, value=str(folder), mend=mend)
