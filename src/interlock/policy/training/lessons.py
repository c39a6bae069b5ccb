"""Demonstrations as batches for the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from interlock.errors import BadInputError, GoalError
from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import ChannelKind, Reference
from interlock.policy.dataset.reader import Demonstrations
from interlock.policy.proprioception import TOOL_NAMES
from interlock.policy.training.photometry import Photometry
from interlock.policy.training.word_noise import WordNoise
from interlock.policy.vla.config import InputKind, VlaConfig
from interlock.policy.vla.inputs import Batch, GroundingTarget
from interlock.policy.vla.instruction import step_prompt
from interlock.policy.vla.observed import Observed, collate
from interlock.policy.vla.relation import PAST_S, tool_vector
from interlock.policy.vla.slots import LENGTH_SCALE_M, SLOTS, slot_vector
from interlock.policy.vla.statistics import BodyStatistics, Statistics
from interlock.policy.vla.tokenizer import VlaTokenizer
from interlock.policy.wording import names_in

__all__ = ["Lesson", "Lessons", "prompts_of"]

_SAME_S = 1e-3
"""Stamps this near are the same: a control period is longer."""

_WAITED = 1.5
"""Frames further apart than so many times `PAST_S` have a policy between them that waited."""

_LOOKED_AT = 12
_ALIKE = 0.05  # of its norm: a camera that the tool carries has one matrix from the tool, but for the timing

_WAYS = (ChannelKind.TOOL_POSITION, ChannelKind.JOINT_POSITION)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One frame: which set, and its index there."""

    demos: int
    frame: int


def prompts_of(demos: Demonstrations, *, rich: bool) -> list[str]:
    """The prompt of every frame, in the form that `VlaConfig.rich_prompt` says."""
    words = zip(demos.words("step"), demos.words("phase"), strict=True)
    return [step_prompt(demos.embodiment, step, phase, rich=rich) for step, phase in words]


class Lessons:
    """Batches of frames of one or more sets.

    Args:
        sets: the sets.
        config: of the model.
        tokenizer: of the model.
        statistics: with every set's body.

    Raises:
        BadInputError: if a set's sentence is longer than the model reads.
    """

    def __init__(
        self,
        sets: Sequence[Demonstrations],
        config: VlaConfig,
        tokenizer: VlaTokenizer,
        statistics: Statistics,
    ) -> None:
        rich = config.rich_prompt
        self._sets = tuple(_Set(demos, tokenizer, statistics.of(demos.embodiment), rich) for demos in sets)
        self._config = config

    def batch(
        self,
        lessons: Sequence[Lesson],
        *,
        text_only: bool = False,
        light: Photometry | None = None,
        words: WordNoise | None = None,
    ) -> Batch:
        """The batch of these frames.

        Args:
            lessons: the frames.
            text_only: leave pictures and grounding out (text-to-action pretraining).
            light: changes colours and brightness of the pictures; None leaves them.
            words: changes how the step is said; None leaves it.
        """
        config = self._config
        picks = [(self._sets[lesson.demos], lesson.frame) for lesson in lessons]
        cameras = () if text_only or config.inputs is InputKind.SCENE else config.cameras
        observed = [each.observed(frame, cameras, config, light, words) for each, frame in picks]
        actions = np.zeros((len(picks), config.horizon, config.channels), dtype=np.float32)
        for row, (each, frame) in zip(actions, picks, strict=True):
            chunk = each.actions[frame]
            row[: chunk.shape[0], : chunk.shape[1]] = chunk
        return Batch(
            inputs=collate(config, observed, text_only=text_only),
            actions=torch.from_numpy(actions),
            grounding=_grounding(picks, cameras) if cameras else None,
            text_only=text_only,
            acts=torch.tensor([not each.demos.still for each, _ in picks]),
        )

    def errors(self, lesson: Lesson, chunk: FloatArray) -> tuple[float, float]:
        """How far a chunk ends from the expert's.

        Args:
            lesson: the frame.
            chunk: the model's numbers, shape (H, C).

        Returns:
            Distance of the tool's position [mm] or, with joint channels, of the joints [mrad]; and of the
            width [mm], 0 without a gripper.
        """
        return self._sets[lesson.demos].errors(lesson.frame, chunk)


class _Set:
    """One set, with everything scaled that is cheap to keep."""

    def __init__(
        self, demos: Demonstrations, tokenizer: VlaTokenizer, body: BodyStatistics, rich: bool
    ) -> None:
        self.demos = demos
        self._body = body
        kinds = [channel.kind for channel in demos.embodiment.channels]
        self._way = [k for k, kind in enumerate(kinds) if kind in _WAYS]
        self._width = [k for k, kind in enumerate(kinds) if kind is ChannelKind.GRIPPER_WIDTH]
        references = [channel.reference for channel in demos.embodiment.channels]
        self._chained = np.array([each is Reference.PREVIOUS_STEP for each in references])
        self._tokenizer = tokenizer
        self._rich = rich
        self._names = names_in(demos.words("step"), demos.words("skill"))
        self._said = list(zip(demos.words("step"), demos.words("phase"), strict=True))
        self._encoded = {said: self._fitting(*said) for said in set(self._said)}
        self._state = body.scale_state(demos.state)
        self.actions: FloatArray = body.scale_actions(demos.chunk)
        self._base_in_world: FloatArray = np.reshape(demos.head.base_in_world, (4, 4))
        self._base = np.linalg.inv(self._base_in_world)
        self._come = _ways(demos) @ self._base[:3, :3].T
        self._object, self._has_object = demos.task_object
        self._size = demos.task_object_size
        self._target, self._has_target = demos.task_target
        self._carried: dict[str, bool] = {}

    def observed(
        self,
        frame: int,
        cameras: Sequence[str],
        config: VlaConfig,
        light: Photometry | None,
        words: WordNoise | None,
    ) -> Observed:
        """The frame as the model is shown it."""
        pictures: dict[str, NDArray[np.uint8]] = {}
        for role in cameras:
            picture = self.demos.picture(role, frame)
            pictures[role] = picture if light is None else light.change(picture)
        return Observed(
            tokens=self._tokens(frame, words),
            channels=self.actions.shape[2],
            horizon=self.actions.shape[1],
            pictures=pictures,
            state=self._state[frame],
            tool=self._tool(frame) if config.relates else None,
            slots=self._slots(frame) if config.inputs is InputKind.SCENE else {},
        )

    def _tokens(self, frame: int, words: WordNoise | None) -> Sequence[int]:
        plain = step, phase = self._said[frame]
        said = plain if words is None else (words.change(step, self._names), phase)
        if said in self._encoded:
            return self._encoded[said]
        try:
            return self._encode(*said)
        except GoalError:  # longer with noise than the model reads: a training does not end over that
            return self._encoded[plain]

    def _encode(self, step: str, phase: str) -> Sequence[int]:
        return self._tokenizer.encode(self._sentence(step, phase))

    def _sentence(self, step: str, phase: str) -> str:
        return step_prompt(self.demos.embodiment, step, phase, rich=self._rich)

    def _fitting(self, step: str, phase: str) -> Sequence[int]:
        """The set's own sentence, refused before anything is learned if the model cannot read all of it."""
        text = self._sentence(step, phase)
        try:
            return self._tokenizer.encode(text)
        except GoalError as error:
            shorter = "without --rich-prompt, whose sentence is shorter, or " if self._rich else ""
            raise BadInputError(
                f"a sentence of this set cannot be read: {error.what}",
                field=f"data {self.demos.folder.name}",
                value=error.value,
                mend=f"Train a new model {shorter}of a preset that reads more tokens (max_text_tokens).",
            ) from None

    def errors(self, frame: int, chunk: FloatArray) -> tuple[float, float]:
        """As in `Lessons.errors`."""
        horizon, channels = self.actions.shape[1:]
        away = 1e3 * (self._body.unscale_actions(chunk[:horizon, :channels]) - self.demos.chunk[frame])
        # Where each step starts from the one before, the chunk ends where all of them together lead.
        away = np.where(self._chained, away.sum(axis=0), away[-1])
        return float(np.linalg.norm(away[self._way])), float(np.abs(away[self._width]).sum())

    def _tool(self, frame: int) -> FloatArray:
        return tool_vector(self._base @ self._tool_in_world(frame), self._come[frame])

    def _tool_in_world(self, frame: int) -> FloatArray:
        place, first, second = np.reshape(self.demos.state[frame, : len(TOOL_NAMES)], (3, 3))
        tool = np.eye(4)
        tool[:3] = np.column_stack([first, second, np.cross(first, second), place])
        return tool

    def _slots(self, frame: int) -> Mapping[str, FloatArray]:
        slots: dict[str, FloatArray] = {}
        places = self.places(frame)
        if self._has_object[frame]:
            first, second = self._object[frame, 3:6], self._object[frame, 6:9]
            rotation = self._base[:3, :3] @ np.column_stack([first, second, np.cross(first, second)])
            slots["task_object"] = slot_vector(places["task_object"], rotation, self._size[frame])
        if self._has_target[frame]:
            slots["target"] = slot_vector(places["target"], np.eye(3), np.zeros(3))
        return slots

    def places(self, frame: int) -> dict[str, FloatArray]:
        """Where the slots are in the robot's base, each shape (3,), [m]."""
        return {
            name: self._base[:3, :3] @ point + self._base[:3, 3] for name, point in self.points(frame).items()
        }

    def projection(self, role: str, frame: int) -> FloatArray:
        """`Frame.projection` of a point of the base instead of the world, shape (3, 4)."""
        matrix: FloatArray = self.demos.projection(role)[frame] @ self._base_in_world
        return matrix

    def carried(self, role: str) -> bool:
        """Whether a camera moves with the tool: its matrix changes in the world, and hardly from the tool."""
        if role not in self._carried:
            matrices = self.demos.projection(role)
            frames = np.flatnonzero(matrices.any(axis=(1, 2)))
            frames = frames[np.linspace(0, len(frames) - 1, min(len(frames), _LOOKED_AT)).astype(int)]
            from_tool = [matrices[frame] @ self._tool_in_world(frame) for frame in frames]
            self._carried[role] = _spread(matrices[frames]) >= _ALIKE > _spread(np.array(from_tool))
        return self._carried[role]

    def points(self, frame: int) -> dict[str, FloatArray]:
        """Where the slots are in the world, each shape (3,), [m]."""
        points: dict[str, FloatArray] = {}
        if self._has_object[frame]:
            points["task_object"] = self._object[frame, :3]
        if self._has_target[frame]:
            points["target"] = self._target[frame]
        return points


def _spread(matrices: FloatArray) -> float:
    """Largest range of an element over (N, 3, 4) matrices of norm 1 each; 0 without any."""
    if not len(matrices):
        return 0.0
    sizes = np.linalg.norm(matrices, axis=(1, 2), keepdims=True)
    return float(np.ptp(matrices / sizes, axis=0).max())


def _ways(demos: Demonstrations) -> FloatArray:
    """How far the commanded tool went in the `PAST_S` before each frame, in the world, shape (N, 3), [m].

    Frames are mostly so far apart; the first one of a phase follows sooner, with the arm under way. In
    between the tool is taken to have gone evenly. Before an episode it stood, as before a run; and while a
    policy waited for long.
    """
    place, time_s = demos.anchor[:, :3, 3], demos.column("observation.time")
    ways = np.zeros_like(place)
    for episode in demos.episodes():
        here, times = place[episode], time_s[episode]
        then = times - PAST_S
        before = np.searchsorted(times, then + _SAME_S, side="right") - 1
        after = np.minimum(before + 1, len(times) - 1)
        there = np.column_stack([np.interp(then, times, each) for each in here.T])
        waited = times[after] - times[before] > _WAITED * PAST_S
        there[waited] = here[after[waited]]
        begun = times > times[0] + _SAME_S
        ways[episode] = np.where(begun[:, None], here - there, 0.0)
    return ways


def _grounding(picks: Sequence[tuple[_Set, int]], cameras: Sequence[str]) -> GroundingTarget:
    count = len(picks)
    positions = torch.zeros(count, len(SLOTS), 3)
    position_mask = torch.zeros(count, len(SLOTS), dtype=torch.bool)
    pixels = torch.zeros(count, len(cameras), len(SLOTS), 2)
    pixel_mask = torch.zeros(count, len(cameras), len(SLOTS), dtype=torch.bool)
    projections = torch.zeros(count, len(cameras), 3, 4)
    carried = torch.zeros(count, len(cameras), dtype=torch.bool)
    for row, (each, frame) in enumerate(picks):
        for name, place in each.places(frame).items():
            positions[row, SLOTS.index(name)] = torch.from_numpy(place / LENGTH_SCALE_M)
            position_mask[row, SLOTS.index(name)] = True
        for column, role in enumerate(cameras):
            matrix = each.demos.projection(role)[frame]
            projections[row, column] = torch.from_numpy(each.projection(role, frame))
            carried[row, column] = each.carried(role)
            for name, point in each.points(frame).items():
                seen = _pixel(matrix, point)
                if seen is not None:
                    pixels[row, column, SLOTS.index(name)] = torch.from_numpy(seen)
                    pixel_mask[row, column, SLOTS.index(name)] = True
    return GroundingTarget(
        positions=positions,
        position_mask=position_mask,
        pixels=pixels,
        pixel_mask=pixel_mask,
        projections=projections,
        carried=carried,
    )


def _pixel(matrix: FloatArray, point: FloatArray) -> FloatArray | None:
    """Column and row of a point, 0 to 1; None if it is not in the picture."""
    column, row, depth = matrix @ np.append(point, 1.0)
    if depth <= 0.0:
        return None
    place: FloatArray = np.array([column, row]) / depth
    return place if bool(((place >= 0.0) & (place <= 1.0)).all()) else None
