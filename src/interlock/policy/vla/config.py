"""Everything that decides a model's shape and how it is trained and sampled; no weights, no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from interlock.errors import CheckpointError
from interlock.policy.vla.backbone_shape import BackboneShape
from interlock.policy.vla.decoder_shape import DecoderShape
from interlock.policy.vla.flow_settings import FlowSettings
from interlock.policy.vla.strict_json import came_later, from_json, to_json

__all__ = ["Grounding", "InputKind", "VlaConfig"]

_MOST_HORIZON = 512
"""The gate takes no longer chunk; and as no weight has this shape, nothing else bounds what a file says."""


class InputKind(StrEnum):
    """What the model learns the world from."""

    CAMERA = "camera"  # pictures
    SCENE = "scene"  # typed poses of the task's object and target: the state-conditioned variant


class Grounding(StrEnum):
    """Whether the model also says where the task's object and target are."""

    OFF = "off"  # as published
    LOSS = "loss"  # a loss in training, otherwise unused
    TOKEN = "token"  # and what it says is a token of the decoder's prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class VlaConfig:
    """A Qwen-VLA in numbers.

    Attributes:
        name: name of the preset it came from.
        backbone: the vision-language model.
        decoder: the flow-matching transformer.
        flow: how τ is drawn and integrated.
        channels: width C of an action; a body uses the leading ones, the others are padding.
        horizon: most steps H of a chunk.
        state_width: numbers of proprioceptive state that enter as one token; 0 for none, as published.
        inputs: pictures or typed poses.
        cameras: roles of the cameras, in the order their pictures come in.
        image_size_px: height and width of every picture, [px].
        max_text_tokens: longest prompt, in tokens; a longer one is refused.
        grounding: whether it says where things are.
        grounding_weight: weight of that loss.
        rich_prompt: whether its sentence also names every channel with unit and limits, which is not as
            published (`vla.prompt.write_prompt`); False where a file does not say.
    """

    name: str
    backbone: BackboneShape
    decoder: DecoderShape
    flow: FlowSettings
    channels: int
    horizon: int
    state_width: int
    inputs: InputKind
    cameras: tuple[str, ...]
    image_size_px: int
    max_text_tokens: int
    grounding: Grounding
    grounding_weight: float
    rich_prompt: bool = came_later(False)

    def __post_init__(self) -> None:
        for name in ("channels", "horizon", "image_size_px", "max_text_tokens"):
            if getattr(self, name) < 1:
                raise CheckpointError(
                    "must be positive",
                    field=f"config.{name}",
                    value=getattr(self, name),
                    mend="Take the config.json that the weights were trained with.",
                )
        if self.horizon > _MOST_HORIZON:
            raise CheckpointError(
                f"no chunk has more than {_MOST_HORIZON} steps",
                field="config.horizon",
                value=self.horizon,
                mend="Take the config.json that the weights were trained with.",
            )
        if self.state_width < 0 or self.grounding_weight < 0.0:
            raise CheckpointError(
                "state_width and grounding_weight cannot be negative",
                field="config",
                value=(self.state_width, self.grounding_weight),
                mend="A state_width of 0 leaves the state out, a grounding_weight of 0 that loss.",
            )
        self._check_cameras()

    def _check_cameras(self) -> None:
        wanted = self.inputs is InputKind.CAMERA
        if wanted != bool(self.cameras) or len(set(self.cameras)) != len(self.cameras):
            raise CheckpointError(
                "a camera model names each role once, a scene model none",
                field="config.cameras",
                value=self.cameras,
                mend='Name roles such as "base", "wrist".',
            )
        if self.grounding is not Grounding.OFF and not wanted:
            raise CheckpointError(
                "grounding looks for things in pictures",
                field="config.grounding",
                value=self.grounding.value,
                mend='Set it to "off" for a scene model.',
            )
        cell = self.backbone.vision.patch * self.backbone.vision.merge
        if self.image_size_px % cell:
            raise CheckpointError(
                f"must be a multiple of patch x merge = {cell}",
                field="config.image_size_px",
                value=self.image_size_px,
                mend=f"Set it to {max(1, round(self.image_size_px / cell)) * cell}, or take the config.json "
                "that the weights were trained with.",
            )
        if len(self.backbone.tokens.cameras) < 2 * len(self.cameras):
            raise CheckpointError(
                "each camera needs a token before and one behind its picture",
                field="config.backbone.tokens.cameras",
                value=self.backbone.tokens.cameras,
                mend=f"Name {2 * len(self.cameras)} ids there, or fewer cameras.",
            )

    @property
    def relates(self) -> bool:
        """Whether it is told, or says, where things are as seen from the tool, whose pose it needs."""
        return self.inputs is InputKind.SCENE or self.grounding is not Grounding.OFF

    @property
    def image_cells(self) -> int:
        """Tokens along one side of a picture."""
        return self.image_size_px // (self.backbone.vision.patch * self.backbone.vision.merge)

    @property
    def image_tokens(self) -> int:
        """Tokens that one picture becomes."""
        return self.image_cells**2

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        data: dict[str, Any] = to_json(self)
        return data

    @classmethod
    def from_json(cls, data: object) -> VlaConfig:
        """From plain JSON data.

        Raises:
            CheckpointError: at the first key or value that does not fit.
        """
        return from_json(cls, data, "config")

    @property
    def sha256(self) -> str:
        """SHA-256 over all of it."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
