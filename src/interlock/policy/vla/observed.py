"""One observation as plain arrays, and many of them as the model's input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interlock.errors import ShapeError
from interlock.hal.arrays import FloatArray
from interlock.policy.vla.config import InputKind, VlaConfig
from interlock.policy.vla.inputs import Inputs
from interlock.policy.vla.relation import TOOL_WIDTH
from interlock.policy.vla.slots import SLOT_WIDTH, SLOTS

__all__ = ["Observed", "collate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one observation says to the model.

    Attributes:
        tokens: ids of the prompt.
        channels: number of the body's channels.
        horizon: steps of its chunks.
        pictures: RGB by the camera's role, uint8, shape (side, side, 3); a role that is missing is masked.
        state: scaled by the body's statistics, shape (S,).
        tool: what `relation.tool_vector` gave; needed where `config.relates`.
        slots: what `slots.slot_vector` gave, by name in `slots.SLOTS`; one that is missing is masked.
    """

    tokens: Sequence[int]
    channels: int
    horizon: int
    pictures: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    state: FloatArray | None = None
    tool: FloatArray | None = None
    slots: Mapping[str, FloatArray] = field(default_factory=dict)


def collate(config: VlaConfig, observed: Sequence[Observed], *, text_only: bool = False) -> Inputs:
    """Pad and stack; training and running go through here, so that they cannot come apart.

    Raises:
        ShapeError: if something does not fit the model.
    """
    length = max(len(each.tokens) for each in observed)
    tokens = torch.full((len(observed), length), config.backbone.tokens.pad)
    for row, each in zip(tokens, observed, strict=True):
        row[length - len(each.tokens) :] = torch.tensor(each.tokens)
    words = torch.tensor([len(each.tokens) for each in observed])
    extra: dict[str, Tensor] = {}
    if config.inputs is InputKind.CAMERA and not text_only:
        extra |= _pictures(config, observed)
    if config.inputs is InputKind.SCENE:
        extra |= _scene(observed)
    if config.relates:
        extra["tool"] = _tool(observed)
    if config.state_width:
        extra |= _state(config, observed)
    inputs = Inputs(
        tokens=tokens,
        token_mask=torch.arange(length) >= length - words[:, None],
        channel_mask=_leading([each.channels for each in observed], config.channels, "channels"),
        step_mask=_leading([each.horizon for each in observed], config.horizon, "horizon"),
        **extra,
    )
    inputs.check(config, text_only=text_only)
    return inputs


def _leading(counts: Sequence[int], width: int, name: str) -> Tensor:
    if not all(0 < count <= width for count in counts):
        raise ShapeError(f"from 1 to {width} is wanted", field=f"observed.{name}", value=list(counts))
    return torch.arange(width) < torch.tensor(counts)[:, None]


def _pictures(config: VlaConfig, observed: Sequence[Observed]) -> dict[str, Tensor]:
    side = config.image_size_px
    pictures = torch.zeros(len(observed), len(config.cameras), side, side, 3, dtype=torch.uint8)
    mask = torch.zeros(len(observed), len(config.cameras), dtype=torch.bool)
    for row, each in enumerate(observed):
        for role, picture in each.pictures.items():
            if role not in config.cameras or picture.shape != (side, side, 3) or picture.dtype != np.uint8:
                raise ShapeError(
                    f"uint8 pictures of shape {(side, side, 3)} from {', '.join(config.cameras)} are wanted",
                    field=f"observed.pictures.{role}",
                    value=(picture.dtype, picture.shape),
                    mend="Set the camera to that size, and name its role.",
                )
            pictures[row, config.cameras.index(role)] = torch.from_numpy(np.array(picture))
            mask[row, config.cameras.index(role)] = True
    return {"pictures": pictures, "camera_mask": mask}


def _scene(observed: Sequence[Observed]) -> dict[str, Tensor]:
    scene = torch.zeros(len(observed), len(SLOTS), SLOT_WIDTH)
    mask = torch.zeros(len(observed), len(SLOTS), dtype=torch.bool)
    for row, each in enumerate(observed):
        for name, numbers in each.slots.items():
            if name not in SLOTS or numbers.shape != (SLOT_WIDTH,):
                raise ShapeError(
                    f"shape ({SLOT_WIDTH},) for {', '.join(SLOTS)} is wanted",
                    field=f"observed.slots.{name}",
                    value=numbers.shape,
                )
            scene[row, SLOTS.index(name)] = torch.from_numpy(np.array(numbers))
            mask[row, SLOTS.index(name)] = True
    return {"scene": scene, "scene_mask": mask}


def _tool(observed: Sequence[Observed]) -> Tensor:
    for each in observed:
        if each.tool is None or each.tool.shape != (TOOL_WIDTH,):
            raise ShapeError(
                f"shape ({TOOL_WIDTH},) is wanted",
                field="observed.tool",
                value=None if each.tool is None else each.tool.shape,
            )
    return torch.from_numpy(np.array([each.tool for each in observed], dtype=np.float32))


def _state(config: VlaConfig, observed: Sequence[Observed]) -> dict[str, Tensor]:
    state = torch.zeros(len(observed), config.state_width)
    mask = torch.zeros(len(observed), config.state_width, dtype=torch.bool)
    for row, each in enumerate(observed):
        numbers = each.state
        if numbers is None or numbers.ndim != 1 or not 0 < len(numbers) <= config.state_width:
            raise ShapeError(
                f"1 to {config.state_width} numbers are wanted",
                field="observed.state",
                value=None if numbers is None else numbers.shape,
            )
        state[row, : len(numbers)] = torch.from_numpy(np.array(numbers))
        mask[row, : len(numbers)] = True
    return {"state": state, "state_mask": mask}
