"""How many parameters a model has and where they sit, without any memory for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from interlock.errors import CheckpointError
from interlock.policy.vla.config import VlaConfig
from interlock.policy.vla.model import QwenVla
from interlock.policy.vla.preset import PRESETS, preset

__all__ = ["Description", "Row", "describe", "find_config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One count: its key, the number of parameters, how it comes about, and the published figure or ""."""

    key: str
    count: int
    how: str
    published: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Counts of a model, each once as a row."""

    name: str
    rows: tuple[Row, ...]
    config: VlaConfig

    def to_json(self) -> dict[str, Any]:
        """Plain integers by key; then name and configuration."""
        counts: dict[str, Any] = {row.key: row.count for row in self.rows}
        return counts | {"name": self.name, "config": self.config.to_json()}


def find_config(name: str) -> VlaConfig:
    """The configuration of a preset or of a checkpoint's folder.

    Raises:
        CheckpointError: if there is neither, or the folder's config.json cannot be read.
    """
    path = Path(name) / "config.json"
    if name in PRESETS:
        return preset(name)
    if not path.is_file():
        raise CheckpointError(
            "neither a preset nor a checkpoint's folder",
            field="name",
            value=name,
            mend=f"Presets are: {', '.join(PRESETS)}.",
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"is no JSON: {error}",
            field="config.json",
            value=str(path),
            mend="Copy the checkpoint again.",
        ) from None
    return VlaConfig.from_json(data)


def describe(config: VlaConfig) -> Description:
    """Build the model on the meta device and count."""
    with torch.device("meta"):
        model = QwenVla(config)
    decoder, shape = model.decoder, config.decoder
    one = _count(decoder.blocks[0])
    hidden = config.backbone.text.hidden
    published = _PUBLISHED if config.name == "qwen-vla-4b" else {}
    per = 6 + 4 + 3 * shape.mlp_hidden / shape.width
    names = 0 if model.slot_names is None else model.slot_names.numel()
    scene = _count(model.from_scene) + (names if model.from_scene is not None else 0)
    grounding = _count(model.grounding) + _count(model.from_found)
    grounding += names if model.from_found is not None else 0
    rows = [
        ("backbone", _count(model.backbone), f"{config.backbone.family.value}, hidden {hidden}"),
        ("dit_block", one, f"{per:g} d² for d = {shape.width}: AdaLN 6, attention 4, gated MLP {per - 10:g}"),
        ("dit_blocks", _count(decoder.blocks), f"{shape.blocks} blocks"),
        (
            "action_mlps",
            _count(decoder.action_in) + _count(decoder.action_out),
            f"{config.channels} channels to d and back, two layers each",
        ),
        ("backbone_to_dit", _count(decoder.from_backbone), f"linear {hidden} to d"),
        ("time_embedding", _count(decoder.time_embedding), f"{shape.time_features} sines to d, two layers"),
        ("output_adaln", _count(decoder.output_modulation), "linear d to 2 d"),
        ("expert_total", _count(decoder), "all from dit_blocks on"),
        ("state_token", _count(model.from_state), "scaled state and its mask to d; not published"),
        ("scene_tokens", scene, "object and target to d; not published"),
        ("grounding", grounding, "where object and target are; not published"),
        ("total", _count(model), "everything above"),
    ]
    return Description(
        name=config.name,
        rows=tuple(
            Row(key=key, count=count, how=how, published=published.get(key, "")) for key, count, how in rows
        ),
        config=config,
    )


_PUBLISHED = {
    "backbone": "Qwen3.5-4B",
    "dit_block": "70.8 M",
    "dit_blocks": "1.13 B",
    "action_mlps": "4.9 M",
    "backbone_to_dit": "3.9 M",
    "time_embedding": "2.8 M",
    "output_adaln": "4.7 M",
    "expert_total": "1.15 B",
}
"""Qwen-VLA §2.2, arXiv 2605.30280."""


def _count(module: nn.Module | None) -> int:
    return 0 if module is None else sum(each.numel() for each in module.parameters())
