"""Qwen-VLA: a vision-language backbone, a flow-matching decoder, and what ties them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interlock.errors import ShapeError
from interlock.policy.vla.backbone import Backbone
from interlock.policy.vla.chunk_guide import ChunkGuide
from interlock.policy.vla.config import Grounding, InputKind, VlaConfig
from interlock.policy.vla.decoder import ActionDecoder
from interlock.policy.vla.euler_schedule import EulerSchedule
from interlock.policy.vla.flow import between, draw_noise, draw_tau, masked_error
from interlock.policy.vla.grounding_head import Found, GroundingHead
from interlock.policy.vla.inputs import Batch, Inputs
from interlock.policy.vla.layout import Layout, lay_out
from interlock.policy.vla.prefix import Prefix
from interlock.policy.vla.relation import OFFSET_WIDTH, POSE_WIDTH, TURN_WIDTH, WAY_WIDTH, offsets, turns
from interlock.policy.vla.slots import SLOT_WIDTH, SLOTS
from interlock.policy.vla.two_layers import TwoLayers

__all__ = ["Encoded", "LossParts", "QwenVla"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossParts:
    """`total` is what to differentiate; `action` and `grounding` are its parts without weights, detached."""

    total: Tensor
    action: Tensor
    grounding: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Observations behind the backbone.

    Attributes:
        prefix: what the decoder reads.
        found: where things are, if the model says so and had pictures.
        embedding: mean of the backbone's hidden states, shape (B, hidden): how unlike what was trained on
            an observation is can be told from it.
    """

    prefix: Prefix
    found: Found | None
    embedding: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the backbone made of observations: hidden states, shape (B, N, hidden), and where things are."""

    layout: Layout
    hidden: Tensor
    found: Found | None


class QwenVla(nn.Module):
    """The whole model.

    Proprioceptive state is a token of its own behind the hidden states: scaled numbers and their mask through
    one linear layer; with it goes the way that the tool has just come. (Published models leave state out: it
    gained them at most 1.3 points with several cameras, Qwen-VLA's table 12. `state_width` 0 is that.)
    """

    def __init__(self, config: VlaConfig) -> None:
        super().__init__()
        self.config = config
        hidden, width = config.backbone.text.hidden, config.decoder.width
        self.backbone = Backbone(config.backbone, sees=config.inputs is InputKind.CAMERA)
        self.decoder = ActionDecoder(config.decoder, channels=config.channels, hidden=hidden)
        way = WAY_WIDTH if config.relates else 0
        self.from_state = nn.Linear(2 * config.state_width + way, width) if config.state_width else None
        self.from_scene = None
        if config.inputs is InputKind.SCENE:
            self.from_scene = TwoLayers(SLOT_WIDTH + OFFSET_WIDTH + TURN_WIDTH, width, width)
        self.grounding = self.from_found = None
        cameras = len(config.cameras)
        if config.grounding is not Grounding.OFF:
            self.grounding = GroundingHead(hidden=hidden, cameras=cameras, cells=config.image_cells)
        if config.grounding is Grounding.TOKEN:
            self.from_found = TwoLayers(3 + 2 * cameras + OFFSET_WIDTH, width, width)
        named = self.from_scene is not None or self.from_found is not None
        self.slot_names = nn.Parameter(0.02 * torch.randn(len(SLOTS), width)) if named else None

    def loss(self, batch: Batch, generator: torch.Generator, *, draws: int = 1) -> LossParts:
        """Flow-matching loss, and that of grounding where positions are known.

        Args:
            batch: expert's chunks.
            generator: on the CPU; draws τ and noise.
            draws: how many τ and noises for each chunk; the backbone runs once for all of them.

        Raises:
            ShapeError: if the batch does not fit the model.
        """
        batch.check(self.config)
        encoded = self.encode(batch.inputs)
        action = self._action_loss(encoded.prefix, batch, generator, draws)
        grounding = action.new_zeros(())
        if self.grounding is not None and encoded.found is not None and batch.grounding is not None:
            grounding = self.grounding.loss(encoded.found, batch.grounding)
        total = action + self.config.grounding_weight * grounding
        return LossParts(total=total, action=action.detach(), grounding=grounding.detach())

    def _action_loss(self, told: Prefix, batch: Batch, generator: torch.Generator, draws: int) -> Tensor:
        inputs, flow = batch.inputs, self.config.flow
        law = flow.text_tau if batch.text_only else flow.main_tau
        count = draws * inputs.count
        tau = draw_tau(law, flow, count, generator).to(batch.actions.device)
        noise = draw_noise(count, self.config.horizon, self.config.channels, generator)
        mask = inputs.step_mask[:, :, None] & inputs.channel_mask[:, None, :]
        mask = mask.repeat_interleave(draws, 0)
        noise = noise.to(batch.actions.device) * mask
        clean = batch.actions.repeat_interleave(draws, 0)
        prefix = self.decoder.open(told)
        velocity = self.decoder.velocity(
            between(clean * mask, noise, tau),
            self.decoder.conditions(tau),
            prefix.repeat(draws) if isinstance(prefix, Prefix) else prefix,
            _unless_all(inputs.step_mask.repeat_interleave(draws, 0)),
        )
        return _mean_of(masked_error(velocity, noise - clean, mask), batch.acts, draws)

    def action_parameters(self) -> list[nn.Parameter]:
        """What learns from `action_losses`: the decoder and what is put into words for it."""
        sees = {id(each) for part in (self.backbone, self.grounding) if part for each in part.parameters()}
        return [each for each in self.parameters() if id(each) not in sees]

    def action_losses(
        self, batch: Batch, generator: torch.Generator, times: int, *, draws: int = 1
    ) -> Iterator[LossParts]:
        """Flow-matching losses of the same observations; what sees and reads does not learn.

        Most of what a step of `loss` costs goes through the backbone, and a decoder is not done when its
        backbone is. Here that looks once, and keeps nothing for gradients.

        Args:
            batch: expert's chunks.
            generator: on the CPU; draws τ and noise, others each time.
            times: how many losses; whoever iterates may learn from one before asking for the next.
            draws: how many τ and noises for each chunk, each time.

        Raises:
            ShapeError: if the batch does not fit the model.
        """
        batch.check(self.config)
        with torch.no_grad():
            seen = self._see(batch.inputs)
        for _ in range(times):
            total = self._action_loss(self._prefix(batch.inputs, seen), batch, generator, draws)
            yield LossParts(total=total, action=total.detach(), grounding=total.new_zeros(()))

    def geometry_parameters(self) -> list[nn.Parameter]:
        """What learns from `geometry_losses`."""
        return [] if self.grounding is None else list(self.grounding.place.parameters())

    def geometry_losses(self, batch: Batch, generator: torch.Generator, times: int) -> Iterator[LossParts]:
        """Losses of which place a pixel means (`GroundingHead.loss_elsewhere`); nothing else learns.

        Args:
            batch: with pictures, and where things are; looked at once.
            generator: on the CPU; draws the places, others each time.
            times: how many losses; whoever iterates may learn from one before asking for the next.

        Raises:
            ShapeError: if the batch does not fit the model, or the model says of no picture where things are.
        """
        batch.check(self.config)
        with torch.no_grad():
            found = self.encode(batch.inputs).found
        mask, tool = batch.inputs.camera_mask, batch.inputs.tool
        if self.grounding is None or found is None or batch.grounding is None or mask is None or tool is None:
            raise ShapeError("it has no pictures in which things are found", field="batch.grounding")
        for _ in range(times):
            total = self.grounding.loss_elsewhere(found, batch.grounding, mask, tool, generator)
            yield LossParts(total=total, action=total.new_zeros(()), grounding=total.detach())

    @torch.inference_mode()
    def sample(
        self,
        inputs: Inputs,
        generator: torch.Generator,
        *,
        samples: int = 1,
        steps: int | EulerSchedule | None = None,
        guide: ChunkGuide | None = None,
        temperature: float | None = None,
        encoded: Encoded | None = None,
    ) -> Tensor:
        """Chunks for B observations; the backbone and the prefix run once, whatever `samples` and `steps`.

        Args:
            inputs: the observations.
            generator: on the CPU; the same seed gives the same chunk bit for bit on the same CPU.
            samples: chunks for each observation, K.
            steps: Euler steps, or their schedule where that is made already; None for
                `config.flow.euler_steps`.
            guide: what the chunks begin with; its values for B observations.
            temperature: factor on the noise that the first sample starts from; None for
                `config.flow.temperature`.
            encoded: what `encode` gave for these inputs, if it was asked already.

        Returns:
            The model's numbers, 0 in the padding, shape (B, K, H, C).

        Raises:
            ShapeError: if the inputs do not fit the model.
        """
        inputs.check(self.config)
        noise = draw_noise(inputs.count * samples, self.config.horizon, self.config.channels, generator).to(
            inputs.tokens.device
        )
        schedule = self.config.flow.euler_steps if steps is None else steps
        seen = self.encode(inputs) if encoded is None else encoded
        noise[::samples] *= self.config.flow.temperature if temperature is None else temperature
        return self.integrate(seen, inputs, noise, steps=schedule, guide=guide)

    @torch.inference_mode()
    def integrate(
        self,
        encoded: Encoded,
        inputs: Inputs,
        noise: Tensor,
        *,
        steps: int | EulerSchedule,
        guide: ChunkGuide | None = None,
    ) -> Tensor:
        """From noise, shape (B · K, H, C), to chunks, shape (B, K, H, C), by Euler steps from τ = 1 to 0."""
        samples = noise.shape[0] // inputs.count
        schedule = steps if isinstance(steps, EulerSchedule) else EulerSchedule.of(self.decoder, steps)
        prefix = self.decoder.open(encoded.prefix, schedule.clean)
        if isinstance(prefix, Prefix):
            prefix = prefix.repeat(samples)
        mask = (inputs.step_mask[:, :, None] & inputs.channel_mask[:, None, :]).repeat_interleave(samples, 0)
        step_mask = _unless_all(inputs.step_mask.repeat_interleave(samples, 0))
        repeated = None if guide is None else _repeat(guide, samples)
        chunk = noise * mask
        setting = self.decoder.setting(prefix, step_mask, *chunk.shape[:2])
        for now, tau in zip(schedule.conditions, schedule.times, strict=True):
            velocity = self.decoder.velocity(chunk, now, prefix, step_mask, setting)
            if repeated is not None:
                velocity = repeated.guide(chunk, velocity, tau)
            chunk = (chunk - velocity / len(schedule.times)) * mask
        return chunk.unflatten(0, (inputs.count, samples))

    def encode(self, inputs: Inputs) -> Encoded:
        """Run the backbone and put the prefix together."""
        seen = self._see(inputs)
        return Encoded(
            prefix=self._prefix(inputs, seen),
            found=seen.found,
            embedding=_mean(seen.hidden, seen.layout.mask),
        )

    def _see(self, inputs: Inputs) -> _Seen:
        layout = lay_out(self.config, inputs.tokens, inputs.token_mask, inputs.camera_mask)
        hidden = self.backbone(layout, inputs.pictures)
        if layout.mask is not None:
            # What stands in the padding is undefined and may be NaN, which would spread even with weight 0.
            hidden = torch.where(layout.mask[..., None], hidden, 0.0)
        found = None
        if self.grounding is not None and inputs.pictures is not None:
            found = self.grounding(self._pictures(hidden, layout), inputs.camera_mask, inputs.tool)
        return _Seen(layout=layout, hidden=hidden, found=found)

    def _pictures(self, hidden: Tensor, layout: Layout) -> Tensor:
        """Hidden states of the pictures' tokens, shape (B, cameras, cells², hidden)."""
        each = self.config.image_tokens + 2
        return hidden[:, layout.text :].unflatten(1, (len(self.config.cameras), each))[:, :, 1:-1]

    def _prefix(self, inputs: Inputs, seen: _Seen) -> Prefix:
        layout, hidden, found = seen.layout, seen.hidden, seen.found
        tokens = [self.decoder.from_backbone(hidden)]
        masks = [layout.mask if layout.mask is not None else inputs.token_mask.new_ones(hidden.shape[:2])]
        if self.from_scene is not None and inputs.scene is not None and inputs.scene_mask is not None:
            tokens.append(self.from_scene(_related(inputs).to(hidden.dtype)) + self.slot_names)
            masks.append(inputs.scene_mask)
        if self.from_found is not None and found is not None and inputs.tool is not None:
            # Detached: what it says stays a position, and does not drift into a code for the decoder.
            away = offsets(found.positions.detach(), inputs.tool)
            numbers = torch.cat([found.flat.detach(), away], dim=2).to(hidden.dtype)
            tokens.append(self.from_found(numbers) + self.slot_names)
            masks.append(inputs.token_mask.new_ones(inputs.count, len(SLOTS)))
        if self.from_state is not None and inputs.state is not None and inputs.state_mask is not None:
            known = [inputs.state * inputs.state_mask, inputs.state_mask.to(inputs.state)]
            if inputs.tool is not None:
                known.append(inputs.tool[:, POSE_WIDTH:])
            numbers = torch.cat(known, dim=1)
            tokens.append(self.from_state(numbers.to(hidden.dtype))[:, None])
            masks.append(inputs.token_mask.new_ones(inputs.count, 1))
        return Prefix(
            tokens=torch.cat(tokens, dim=1),
            positions=_extended(layout.positions, sum(each.shape[1] for each in tokens[1:])),
            mask=_unless_all(torch.cat(masks, dim=1)),
        )


def _related(inputs: Inputs) -> Tensor:
    """The slots' numbers, and how they stand to the tool; 0 where there is none."""
    scene, tool, mask = inputs.scene, inputs.tool, inputs.scene_mask
    if scene is None or tool is None or mask is None:
        raise ShapeError("a scene model needs slots and the tool's pose", field="inputs.scene")
    all_numbers = [scene, offsets(scene[..., :3], tool), turns(scene[..., 3:9], tool)]
    return torch.cat(all_numbers, dim=2) * mask[..., None]


def _extended(positions: Tensor, more: int) -> Tensor:
    start = positions.amax(dim=(0, 2)) + 1
    behind = start[:, None] + torch.arange(more, device=positions.device)
    return torch.cat([positions, behind.expand(3, -1, -1)], dim=2)


def _mean(hidden: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return hidden.mean(dim=1)
    return hidden.sum(dim=1) / mask.sum(dim=1, keepdim=True)


def _mean_of(errors: Tensor, acts: Tensor | None, draws: int) -> Tensor:
    """Mean over the chunks that are to be learned; 0 if none is.

    Several processes each take that of their own: with stills among them that is not quite the mean over all.
    """
    if acts is None:
        return errors.mean()
    acts = acts.repeat_interleave(draws, 0)
    return torch.where(acts, errors, 0.0).sum() / acts.sum().clamp_min(1)


def _unless_all(mask: Tensor) -> Tensor | None:
    """None if the mask masks nothing: attention without one takes a faster path."""
    return None if bool(mask.all()) else mask


def _repeat(guide: ChunkGuide, samples: int) -> ChunkGuide:
    return ChunkGuide(
        values=guide.values.repeat_interleave(samples, 0), frozen=guide.frozen, overlap=guide.overlap
    )
