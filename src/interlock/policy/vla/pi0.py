"""π0, from transformers, in this process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field, ValidationError

from interlock.errors import BadInputError, RemotePolicyError
from interlock.hal.arrays import FloatArray
from interlock.hal.chunk import ActionChunk, Provenance
from interlock.hal.provenance import CODE, INLINE
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.remote.action_map import ActionMap
from interlock.policy.remote.observation_map import ObservationMap
from interlock.policy.remote.options import ActionSection, Key, ObservationSection, Section
from interlock.policy.remote.told import Told
from interlock.policy.vla.pi0_checkpoint import Pi0Checkpoint

__all__ = ["Pi0Policy"]

_KEY = "actions"
_MOST_TOKENS = 512
_VERSION = "1"


class Pi0Options(Section):
    """The options: a checkpoint's folder, and the unit map of docs/remote.md with one key, `actions`."""

    path: Key
    observation: ObservationSection
    actions: ActionSection
    steps: Annotated[int, Field(strict=True, ge=1, le=100)] = 10


class Pi0Policy:
    """Samples a chunk from pictures, words and state; the same seed and observation give the same chunk.

    Pictures are not resized: the cell's cameras take the size that the network sees.

    Args:
        context: what it is built from; the options are `path`, `steps`, `observation` and `actions`.

    Attributes:
        cameras: names of the cell's cameras that the map names.

    Raises:
        BadInputError: for options or a checkpoint that cannot be used, or maps that do not fit the body, the
            cameras or the checkpoint.
    """

    name = "pi0"

    def __init__(self, context: PolicyContext) -> None:
        options = _read(context)
        self._embodiment = context.embodiment
        self._observation = ObservationMap(context.robot, options.observation, {})
        self._observation.check_sizes(context.cameras)
        self.cameras = self._observation.cameras
        self._actions = ActionMap(context.robot, context.embodiment, options.actions)
        self._net = net = Pi0Checkpoint.load(Path(options.path).expanduser())
        _check(options, net, self._actions)
        self._steps, self._seed = options.steps, context.seed
        text = json.dumps(dict(context.options), sort_keys=True, default=str) + net.sha256
        self._provenance = Provenance(
            policy=self.name,
            version=f"{_VERSION} weights {net.sha256[:16]}",
            config_sha256=hashlib.sha256(text.encode()).hexdigest(),
            seed=context.seed,
            files=net.files,
            steps=options.steps,
            question_seed=context.seed,
            code=CODE,
            transport=INLINE,
        )
        self.reset()

    def reset(self) -> None:
        """Count from 0 again."""
        self._seq = 0

    def propose(self, observation: Observation) -> ActionChunk:
        """The chunk for this observation.

        Raises:
            RemotePolicyError: if the observation lacks what the map names, or the network says what may not
                be used.
        """
        told = self._observation.tell(observation)
        steps = self._sample(told)
        chunk = ActionChunk(
            seq=self._seq,
            embodiment=self._embodiment.fingerprint,
            samples=self._actions.read({_KEY: steps}, observation.state),
            t_obs_ns=observation.stamp_ns,
            t_ready_ns=observation.stamp_ns,
            t0_ns=observation.stamp_ns,
            dt_s=1.0 / self._embodiment.rate_hz,
            provenance=replace(self._provenance, prompt_sha256=told.prompt_sha256),
            anchor=self._actions.anchor(observation.state),
        )
        self._seq += 1
        return chunk

    def _sample(self, told: Told) -> FloatArray:
        """Steps in the data's units, shape (T, k)."""
        net, config = self._net, self._net.model.config
        tokens = self._tokens(told)
        random = torch.Generator().manual_seed(self._seed)
        noise = torch.randn(1, config.chunk_size, config.max_action_dim, generator=random)
        with torch.inference_mode():
            sampled = net.model.sample_actions(
                state=self._state(told),
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                pixel_values=_pixels(told),
                pixel_attention_mask=torch.ones(1, len(told.pictures), dtype=torch.bool),
                noise=noise,
                num_steps=self._steps,
            )
        mean, std = net.statistics["actions_mean"], net.statistics["actions_std"]
        steps: FloatArray = sampled[0, :, : len(mean)].double().numpy() * (std + 1e-8) + mean
        return steps

    def _state(self, told: Told) -> torch.Tensor:
        """Scaled by the checkpoint's statistics and padded behind, shape (1, width)."""
        values = np.concatenate([row.astype(np.float64) for row in told.states.values()])
        mean, std = self._net.statistics["state_mean"], self._net.statistics["state_std"]
        padded = np.zeros(self._net.model.config.max_state_dim, np.float32)
        padded[: len(mean)] = (values - mean) / (std + 1e-8)
        return torch.from_numpy(padded)[None]

    def _tokens(self, told: Told) -> torch.Tensor:
        """One token a patch of each picture, then the words, shape (1, length)."""
        net = self._net
        words = "" if told.prompt is None else told.prompt[1]
        text = net.tokenizer.encode(words + "\n", add_special_tokens=False).ids
        if len(text) > _MOST_TOKENS or net.image_token in text or net.start_token in text:
            raise RemotePolicyError(
                f"is longer than {_MOST_TOKENS} tokens, or holds one that is not for words",
                field="observation.task.instruction",
                value=words[:40],
                mend="Say it in a sentence.",
            )
        pictures = [net.image_token] * (net.patches * len(told.pictures))
        return torch.tensor([[*pictures, net.start_token, *text]])


def _pixels(told: Told) -> torch.Tensor:
    """Pictures from -1 to 1, shape (1, cameras, 3, height, width)."""
    stacked = np.stack([picture.transpose(2, 0, 1) for picture in told.pictures.values()])
    return torch.from_numpy(stacked.astype(np.float32) / np.float32(127.5) - np.float32(1.0))[None]


def _read(context: PolicyContext) -> Pi0Options:
    try:
        return Pi0Options.model_validate(dict(context.options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in ("policy.options", *first["loc"]))
        raise BadInputError(
            first["msg"], field=where, mend="docs/remote.md lists path, steps, observation and actions."
        ) from error


def _check(options: Pi0Options, net: Pi0Checkpoint, actions: ActionMap) -> None:
    """The maps against the checkpoint."""
    state = sum(len(field.values) for field in options.observation.state)
    facts: list[tuple[str, Any, Any]] = [
        ("observation.state: values", state, len(net.statistics["state_mean"])),
        ("actions: columns by key", actions.widths, {_KEY: len(net.statistics["actions_mean"])}),
        ("actions.horizon", options.actions.horizon, int(net.model.config.chunk_size)),
        ("observation.prompt", options.observation.prompt is not None, True),
        ("observation.pictures: there are some", len(options.observation.pictures) > 0, True),
    ]
    for picture in options.observation.pictures:
        size = (picture.width_px, picture.height_px)
        facts.append((f"observation.pictures: size of {picture.key}", size, (net.side_px, net.side_px)))
    for what, mine, its in facts:
        if mine != its:
            raise BadInputError(
                f"the checkpoint has {its}",
                field=f"policy.options.{what}",
                value=mine,
                mend="Mend the map, or take a checkpoint for this body.",
            )
