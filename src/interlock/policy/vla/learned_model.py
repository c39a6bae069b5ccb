"""A checkpoint as a chunk model: observation in, chunks in physical units out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

import interlock
from interlock.errors import CheckpointError, RefusedError
from interlock.hal.arrays import FloatArray
from interlock.hal.bounds import object_size
from interlock.hal.provenance import CODE, INLINE, Provenance
from interlock.policy.kinematics import ToolKinematics
from interlock.policy.observation import Observation
from interlock.policy.policy import PolicyContext
from interlock.policy.proprioception import state_names, state_numbers
from interlock.policy.stream.chunk_model import Draft
from interlock.policy.stream.prefix import Prefix
from interlock.policy.vla.checkpoint import Checkpoint
from interlock.policy.vla.chunk_guide import ChunkGuide
from interlock.policy.vla.config import InputKind
from interlock.policy.vla.euler_schedule import EulerSchedule
from interlock.policy.vla.grip_profile import GripProfile
from interlock.policy.vla.inputs import Inputs
from interlock.policy.vla.instruction import step_prompt
from interlock.policy.vla.learned_options import LearnedOptions
from interlock.policy.vla.observed import Observed, collate
from interlock.policy.vla.relation import PAST_S, tool_vector
from interlock.policy.vla.rest import RestBand
from interlock.policy.vla.slots import SLOT_WIDTH, SLOTS, slot_vector
from interlock.policy.vla.standing import Standing, standing
from interlock.policy.vla.statistics import BodyStatistics

__all__ = ["LearnedModel"]


class LearnedModel:
    """Implements `interlock.policy.stream.chunk_model.ChunkModel`.

    The same observation and seed give the same chunk bit for bit on one kind of processor.

    Args:
        context: body and cameras of the cell.
        options: which checkpoint, and how it is sampled.

    Attributes:
        name: "vla".
        provenance: hashes of weights, configuration, statistics and tokenizer, and of the options.
        roles: the cameras it looks through.
        weights_sha256: of model.safetensors.
        temperature: factor on the noise that the first sample starts from, as a rule.

    Raises:
        CheckpointError: if the checkpoint cannot be used, or not for this body or these cameras.
    """

    name = "vla"

    def __init__(self, context: PolicyContext, options: LearnedOptions) -> None:
        torch.set_num_threads(options.threads)
        self._options = options
        self._checkpoint = checkpoint = Checkpoint.load(options.checkpoint)
        self._config = checkpoint.config
        self._embodiment = context.embodiment
        self._body = checkpoint.body(context.embodiment)
        _check_state(checkpoint, self._body, context)
        self._kinematics = ToolKinematics(context.robot)
        self._base = np.linalg.inv(context.robot.base_in_world)
        _check_cameras(checkpoint, context)
        self.roles = frozenset(self._config.cameras)
        self.skills = frozenset(self._body.skills)
        flow, decoder = self._config.flow, checkpoint.model.decoder
        decoder.pack()
        self._schedule = EulerSchedule.of(
            decoder, flow.euler_steps if options.steps is None else options.steps
        )
        own = flow.temperature
        self.temperature = own if options.temperature is None else options.temperature
        self.weights_sha256 = checkpoint.sha256["model.safetensors"]
        self._rest = RestBand(context.embodiment, options.rest_m, options.rest_rad)
        self._grip = GripProfile(context.embodiment)
        self.provenance = _provenance(checkpoint, options, context.seed, len(self._schedule.times))
        # Bounded: whoever is served may send another prompt with every question.
        self._tokens = lru_cache(maxsize=64)(checkpoint.tokenizer.encode)

    def reset(self) -> None:
        """Nothing is remembered from one question to the next."""

    def infer(self, observation: Observation, prefix: Prefix | None, samples: int, seed: int) -> Draft | None:
        """Chunks from this observation on.

        What would stand (`RestBand`) does not where the arm has stood for half a second already: the little
        that is missing is worth the way. Where it was hindered, by the gate or by whoever withheld a chunk,
        the first sample starts from all of the noise: the same proposal would be refused the same for ever.

        Raises:
            RefusedError: if it was never taught this skill, a picture is missing, or a number is not finite.
        """
        skill = observation.task.skill
        if skill and self.skills and skill not in self.skills:
            raise RefusedError(
                f"this policy was never taught to {skill}",
                field="observation.task.skill",
                value=skill,
                mend=f"Ask it to {' or to '.join(sorted(self.skills))}.",
            )
        text = self._text(observation)
        observed = self._observed(observation, text)
        inputs = collate(self._config, [observed])
        stood = standing(observation)
        numbers, hidden = self._sampled(inputs, prefix, samples, seed, stood)
        horizon, channels = self._embodiment.horizon, len(self._embodiment.channels)
        chunks = self._body.unscale_actions(numbers[:, :horizon, :channels])
        if not np.isfinite(chunks).all():
            raise RefusedError(
                "what the model says is not finite", field="policy.vla", mend="Train it again."
            )
        settled = (
            chunks if stood is not Standing.NO else self._rest.settle(chunks, observation.state.q_commanded)
        )
        return Draft(
            samples=self._grip.go_on(settled, _asked(observation)),
            # As the model said it, before anything settles; from the first sample on, so that what is the
            # same in all of them spreads by exactly 0.
            spread=(chunks - chunks[0]).std(axis=0) if samples > 1 else None,
            prompt_sha256=hashlib.sha256(text.encode()).hexdigest(),
            embedding=np.concatenate([hidden, *self._beside(observed)]),
        )

    @torch.inference_mode()
    def _sampled(
        self, inputs: Inputs, prefix: Prefix | None, samples: int, seed: int, stood: Standing
    ) -> tuple[FloatArray, FloatArray]:
        """Chunks in the model's numbers, shape (K, H, C), and the mean hidden state, shape (hidden,)."""
        model = self._checkpoint.model
        encoded = model.encode(inputs)
        temperature = max(self.temperature, 1.0) if stood is Standing.HINDERED else self.temperature
        chunks = model.sample(
            inputs,
            torch.Generator().manual_seed(seed),
            samples=samples,
            steps=self._schedule,
            guide=None if prefix is None else self._guide(prefix),
            temperature=temperature,
            encoded=encoded,
        )
        return chunks[0].numpy(), encoded.embedding[0].double().numpy()

    def _beside(self, observed: Observed) -> list[FloatArray]:
        """What the decoder is told past the backbone; a pose that is missing is zeros, as it is there."""
        state = [] if observed.state is None else [observed.state]
        if self._config.inputs is not InputKind.SCENE:
            return state
        return [*state, *(observed.slots.get(name, np.zeros(SLOT_WIDTH)) for name in SLOTS)]

    def _text(self, observation: Observation) -> str:
        task = observation.task
        words, rich = task.step or task.instruction, self._config.rich_prompt
        return step_prompt(self._embodiment, words, task.phase, rich=rich)

    def _observed(self, observation: Observation, text: str) -> Observed:
        scene = self._config.inputs is InputKind.SCENE
        return Observed(
            tokens=self._tokens(text),
            channels=len(self._embodiment.channels),
            horizon=self._embodiment.horizon,
            pictures=self._pictures(observation),
            state=self._body.scale_state(self._state(observation)) if self._config.state_width else None,
            tool=self._tool(observation) if self._config.relates else None,
            slots=self._slots(observation) if scene else {},
        )

    def _pictures(self, observation: Observation) -> Mapping[str, NDArray[np.uint8]]:
        found = {frame.role: frame.rgb for frame in observation.frames if frame.role in self.roles}
        for role in self._config.cameras:
            if role not in found:
                raise RefusedError(
                    "there is no picture of this camera",
                    field="observation.frames",
                    value=role,
                    mend="Look at why the camera sends none; until then nothing is proposed.",
                )
        return found

    def _state(self, observation: Observation) -> FloatArray:
        state = observation.state
        grip = state.gripper if self._embodiment.has_gripper else None
        tool = self._kinematics.tool_in_world(state.q)
        return state_numbers(tool, None if grip is None else grip.width_m, state.q)

    def _tool(self, observation: Observation) -> FloatArray:
        """Where it is and the way it has come; before the first that is known of an arm it stood.

        A client of a served policy tells no history: there the way is what the commanded speed makes it.
        """
        state, executed = observation.state, observation.executed
        q = state.q_commanded - PAST_S * state.v_commanded
        if len(executed):
            q = executed.q_at(observation.stamp_ns - round(PAST_S * 1e9))
        here, there = (self._kinematics.tool_in_world(each)[:3, 3] for each in (state.q_commanded, q))
        way = self._base[:3, :3] @ (here - there)
        return tool_vector(self._base @ self._kinematics.tool_in_world(state.q), way)

    def _slots(self, observation: Observation) -> Mapping[str, FloatArray]:
        task, turn, shift = observation.task, self._base[:3, :3], self._base[:3, 3]
        slots: dict[str, FloatArray] = {}
        thing = observation.scene.find(task.arguments.get("object", ""))
        if thing is not None:
            pose = thing.object_in_world
            place = turn @ pose[:3, 3] + shift
            slots["task_object"] = slot_vector(place, turn @ pose[:3, :3], object_size(thing))
        if task.target_in_world is not None:
            place = turn @ np.array(task.target_in_world) + shift
            slots["target"] = slot_vector(place, np.eye(3), np.zeros(3))
        return slots

    def _guide(self, prefix: Prefix) -> ChunkGuide:
        """What the chunk has to join on to, in the model's numbers."""
        values = np.zeros((1, self._config.horizon, self._config.channels), dtype=np.float32)
        ahead = self._body.scale_actions(prefix.ahead)
        values[0, : ahead.shape[0], : ahead.shape[1]] = ahead
        return ChunkGuide(values=torch.from_numpy(values), frozen=prefix.frozen, overlap=len(ahead))


def _asked(observation: Observation) -> float | None:
    """The gripper's width that was asked for last, [m]."""
    widths = observation.executed.widths_m
    return float(widths[-1]) if widths is not None and len(widths) else None


def _check_state(checkpoint: Checkpoint, body: BodyStatistics, context: PolicyContext) -> None:
    """Numbers in another order than the one that they were scaled by would be taken for each other."""
    joints, has_gripper = context.robot.limits.names, context.embodiment.has_gripper
    known = tuple(each.name for each in body.state)
    if checkpoint.config.state_width and known != state_names(joints, has_gripper=has_gripper):
        raise CheckpointError(
            f"this policy was trained to be told other things of {body.tag}, or in another order",
            field="statistics.state",
            value=known,
            mend=f"Here they are {', '.join(state_names(joints, has_gripper=has_gripper))}. Train it again.",
        )


def _check_cameras(checkpoint: Checkpoint, context: PolicyContext) -> None:
    side = checkpoint.config.image_size_px
    known = {camera.role: camera for camera in context.cameras if camera.role in checkpoint.config.cameras}
    checkpoint.check_cameras(tuple(known))
    for role, camera in known.items():
        if (camera.width_px, camera.height_px) != (side, side):
            raise CheckpointError(
                f"this policy was trained with pictures of {side} × {side} pixels",
                field=f"cameras.{camera.name}",
                value=(camera.width_px, camera.height_px),
                mend=f"Set width_px and height_px of the camera with role {role} to {side}.",
            )


def _provenance(checkpoint: Checkpoint, options: LearnedOptions, seed: int, steps: int) -> Provenance:
    facts = {"files": dict(checkpoint.sha256), "options": options.decisive()}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    weights = checkpoint.sha256["model.safetensors"]
    version = f"{interlock.__version__}, weights {weights[:16]}"
    return Provenance(
        policy="vla",
        version=version,
        config_sha256=digest,
        seed=seed,
        files=tuple(checkpoint.sha256.items()),
        steps=steps,
        code=CODE,
        transport=INLINE,
    )
