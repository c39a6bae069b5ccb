"""What goes into the model, as tensors; who fills them needs to know nothing else about it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from interlock.errors import ShapeError
from interlock.policy.vla.config import InputKind, VlaConfig
from interlock.policy.vla.relation import TOOL_WIDTH
from interlock.policy.vla.slots import SLOT_WIDTH, SLOTS

__all__ = ["Batch", "GroundingTarget", "Inputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """B observations. The masks are bool, the other tensors float32 where nothing else is said.

    Attributes:
        tokens: ids of the prompts, padded in front with `config.backbone.tokens.pad`, int64, shape (B, L).
        token_mask: True where `tokens` is no padding, shape (B, L).
        channel_mask: True for the channels that the body has (the leading ones), shape (B, C).
        step_mask: True for the steps of the body's horizon (the first ones), shape (B, H).
        pictures: RGB, uint8, cameras in the order of `config.cameras`, shape (B, cameras, side, side, 3);
            None for a scene model, and in text-to-action pretraining.
        camera_mask: True where a camera gave a picture, shape (B, cameras); None together with `pictures`.
        state: proprioception, scaled by the body's statistics, padded behind with 0, shape (B, state_width);
            None if the model reads none.
        state_mask: True where `state` is no padding, shape (B, state_width); None together with `state`.
        scene: slots as `slots.slot_vector` makes them, shape (B, 2, 12); None for a camera model.
        scene_mask: True for the slots that the task has, shape (B, 2); None together with `scene`.
        tool: the tool as `relation.tool_vector` makes it, shape (B, 12); None if `config.relates` not.
    """

    tokens: Tensor
    token_mask: Tensor
    channel_mask: Tensor
    step_mask: Tensor
    pictures: Tensor | None = None
    camera_mask: Tensor | None = None
    state: Tensor | None = None
    state_mask: Tensor | None = None
    scene: Tensor | None = None
    scene_mask: Tensor | None = None
    tool: Tensor | None = None

    @property
    def count(self) -> int:
        """Number of observations, B."""
        return int(self.tokens.shape[0])

    def to(self, device: torch.device | str) -> Inputs:
        """The same on another device."""
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        return Inputs(**{name: None if each is None else each.to(device) for name, each in moved.items()})

    def check(self, config: VlaConfig, *, text_only: bool = False) -> None:
        """Raise where a shape, a type or an input's presence does not fit the model.

        Args:
            config: of the model.
            text_only: whether a camera model is to be without pictures, as in text-to-action pretraining.

        Raises:
            ShapeError: names the field.
        """
        self._check_pictures(config, text_only)
        batch, length = self.tokens.shape
        _check("tokens", self.tokens, (batch, length), torch.int64)
        _check("token_mask", self.token_mask, (batch, length), torch.bool)
        _check("channel_mask", self.channel_mask, (batch, config.channels), torch.bool)
        _check("step_mask", self.step_mask, (batch, config.horizon), torch.bool)
        if length > config.max_text_tokens:
            raise ShapeError(f"at most {config.max_text_tokens} tokens", field="inputs.tokens", value=length)
        if config.inputs is InputKind.SCENE:
            _check("scene", self.scene, (batch, len(SLOTS), SLOT_WIDTH), torch.float32)
            _check("scene_mask", self.scene_mask, (batch, len(SLOTS)), torch.bool)
        if config.relates:
            _check("tool", self.tool, (batch, TOOL_WIDTH), torch.float32)
        if config.state_width:
            _check("state", self.state, (batch, config.state_width), torch.float32)
            _check("state_mask", self.state_mask, (batch, config.state_width), torch.bool)

    def _check_pictures(self, config: VlaConfig, text_only: bool) -> None:
        if config.inputs is InputKind.SCENE or text_only:
            if self.pictures is not None or self.camera_mask is not None:
                raise ShapeError("a scene model, and text alone, sees no pictures", field="inputs.pictures")
            return
        side, cameras = config.image_size_px, len(config.cameras)
        if self.pictures is None:
            raise ShapeError("a camera model needs pictures", field="inputs.pictures")
        _check("pictures", self.pictures, (self.count, cameras, side, side, 3), torch.uint8)
        _check("camera_mask", self.camera_mask, (self.count, cameras), torch.bool)
        if self.camera_mask is not None and not bool(self.camera_mask.any(dim=1).all()):
            raise ShapeError("at least one camera must have given a picture", field="inputs.camera_mask")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundingTarget:
    """Where the task's object and target really are; slots in the order of `slots.SLOTS`.

    Attributes:
        positions: in the robot's base, [m] / `slots.LENGTH_SCALE_M`, shape (B, 2, 3).
        position_mask: True where known, shape (B, 2).
        pixels: column and row of the middle, 0 to 1 across the picture, shape (B, cameras, 2, 2):
            camera, slot, (column, row).
        pixel_mask: True where the slot is in the picture, shape (B, cameras, 2).
        projections: take a point of the robot's base [m] to column, row and depth, as `Frame.projection` does
            one of the world, shape (B, cameras, 3, 4); all 0 where nobody knows.
        carried: True for a camera that moves with the tool, shape (B, cameras).
    """

    positions: Tensor
    position_mask: Tensor
    pixels: Tensor
    pixel_mask: Tensor
    projections: Tensor
    carried: Tensor

    def to(self, device: torch.device | str) -> GroundingTarget:
        """The same on another device."""
        return GroundingTarget(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def repeat(self, times: int) -> GroundingTarget:
        """Each observation so many times in a row."""
        return GroundingTarget(
            **{f.name: getattr(self, f.name).repeat_interleave(times, 0) for f in fields(self)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Observations and what the expert did.

    Attributes:
        inputs: B observations.
        actions: scaled by each body's statistics, 0 in the padding, shape (B, H, C).
        grounding: where things are; None if not known, and in text-to-action pretraining.
        text_only: whether this is text-to-action pretraining: no pictures, and τ by `config.flow.text_tau`.
        acts: True where `actions` are to be learned, shape (B,); None: everywhere. Stills have none.
    """

    inputs: Inputs
    actions: Tensor
    grounding: GroundingTarget | None = None
    text_only: bool = False
    acts: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """The same on another device."""
        return Batch(
            inputs=self.inputs.to(device),
            actions=self.actions.to(device),
            grounding=None if self.grounding is None else self.grounding.to(device),
            text_only=self.text_only,
            acts=None if self.acts is None else self.acts.to(device),
        )

    def check(self, config: VlaConfig) -> None:
        """Raise where something does not fit the model.

        Raises:
            ShapeError: names the field.
        """
        self.inputs.check(config, text_only=self.text_only)
        _check("actions", self.actions, (self.inputs.count, config.horizon, config.channels), torch.float32)
        if self.acts is not None:
            _check("acts", self.acts, (self.inputs.count,), torch.bool)


def _check(name: str, tensor: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if tensor is None or tuple(tensor.shape) != shape or tensor.dtype != dtype:
        raise ShapeError(
            f"expected {dtype} of shape {shape}",
            field=f"inputs.{name}",
            value=None if tensor is None else (tensor.dtype, tuple(tensor.shape)),
            mend="Fill it as the attribute's description says.",
        )
