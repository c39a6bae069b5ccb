"""What a training is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlock.policy.training.stage import Stage
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.preset import preset

__all__ = ["NOTED_LATER", "TrainRequest"]

NOTED_LATER: dict[str, Any] = {"rich_prompt": False, "attention": None}
"""What `TrainRequest.decisive` says of options that came later than states which are still gone on from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What decides a training; the same request on the same data gives the same weights on one CPU.

    Attributes:
        data: folders of the sets.
        out: folder of the run: states, curves, and `checkpoint/` at the end.
        preset: name of the model's shape.
        stages: in their order.
        batch: frames a step, over all processes.
        rate: peak learning rate.
        seed: decides weights, order and noise.
        draws: τ and noises for each frame.
        weight_decay: of AdamW, on matrices.
        average: decay of the weights' average.
        precision: "float32", or "bfloat16" for the matrix products alone.
        device: "auto", "cpu", "cuda" or "cuda:N".
        threads: of a process on the CPU.
        held_out: share of the episodes that is only evaluated on.
        save_every: steps between states.
        evaluate_every: steps between evaluations.
        max_minutes: stop before that, with a state; None for no bound.
        begin_from: a checkpoint's folder to begin from instead of random weights.
        decoder_from: a checkpoint's folder whose decoder is begun with (`vla.adopted_decoder`), if any.
        constants: channels and states that never move, by name, and their value.
        store: type of the weights in the checkpoint, "float32" or "bfloat16"; decides nothing before its end.
        max_read_mib: what the columns that are read may take in the files, compressed, over all sets, [MiB];
            decides nothing of the weights.
        rich_prompt: whether a new model's sentence also names every channel with unit and limits.
        attention: mode of a new model's decoder; None for the preset's.
    """

    data: tuple[Path, ...]
    out: Path
    stages: tuple[Stage, ...]
    preset: str = "tiny"
    batch: int = 64
    rate: float = 1e-3
    seed: int = 0
    draws: int = 4
    weight_decay: float = 0.01
    average: float = 0.999
    precision: str = "float32"
    device: str = "auto"
    threads: int = 1
    held_out: float = 0.05
    save_every: int = 500
    evaluate_every: int = 500
    max_minutes: float | None = None
    begin_from: Path | None = None
    decoder_from: Path | None = None
    constants: tuple[tuple[str, float], ...] = ()
    store: str = "float32"
    max_read_mib: float = 60.0
    rich_prompt: bool = False
    attention: AttentionMode | None = None

    def new_config(self) -> VlaConfig:
        """A new model's, which begins from no checkpoint.

        Raises:
            CheckpointError: if there is no such preset.
        """
        config = replace(preset(self.preset), rich_prompt=self.rich_prompt)
        if self.attention is None:
            return config
        return replace(config, decoder=replace(config.decoder, attention=self.attention))

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> tuple[int, Stage, int]:
        """Number of the stage at a step, the stage, and the step's number inside it."""
        for number, stage in enumerate(self.stages):
            if step < stage.steps:
                return number, stage, step
            step -= stage.steps
        return len(self.stages) - 1, self.stages[-1], self.stages[-1].steps

    def decisive(self) -> dict[str, Any]:
        """All but the data that a state must have been made with for the run to go on from it; JSON.

        Reads the weights that are begun from.
        """
        return {
            "preset": self.preset,
            "stages": [str(stage) for stage in self.stages],
            "batch": self.batch,
            "rate": self.rate,
            "seed": self.seed,
            "draws": self.draws,
            "weight_decay": self.weight_decay,
            "average": self.average,
            "precision": self.precision,
            "held_out": self.held_out,
            "begin_from": None if self.begin_from is None else _weights_of(self.begin_from),
            "decoder_from": None if self.decoder_from is None else _weights_of(self.decoder_from),
            "constants": dict(self.constants),
            "rich_prompt": self.rich_prompt,
            "attention": None if self.attention is None else self.attention.value,
        }


def _weights_of(folder: Path) -> str:
    """SHA-256 of a checkpoint's weights; "" if there are none, which loading refuses."""
    path = folder / "model.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
