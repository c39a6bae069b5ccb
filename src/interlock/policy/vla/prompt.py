"""A body and a task as the sentence that the model reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interlock.errors import GoalError
from interlock.hal.embodiment import Channel, Embodiment, Reference

__all__ = ["MAX_INSTRUCTION_CHARS", "Arms", "BodyForm", "write_prompt"]

MAX_INSTRUCTION_CHARS = 400
"""Longer ones are refused before anything reads them."""


class Arms(StrEnum):
    """How many arms a body has, in the published words."""

    SINGLE = "single arm"
    DUAL = "dual arms"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyForm:
    """What the sentence says about a body beside its name."""

    arms: Arms
    waist: bool = False
    mobile_base: bool = False

    @classmethod
    def of(cls, embodiment: Embodiment) -> BodyForm:
        """Read it off the channels' names: "left_…" and "right_…", "waist…", "base_…"."""
        names = [channel.name for channel in embodiment.channels]
        sides = {side for side in ("left_", "right_") if any(name.startswith(side) for name in names)}
        return cls(
            arms=Arms.DUAL if len(sides) == 2 else Arms.SINGLE,
            waist=any(name.startswith("waist") for name in names),
            mobile_base=any(name.startswith("base_") for name in names),
        )

    @property
    def phrase(self) -> str:
        """For example "dual arms, waist, and mobile base"."""
        waist = ", waist" if self.waist else ""
        base = ", and mobile base" if self.mobile_base else ""
        return f"{self.arms.value}{waist}{base}"


def write_prompt(
    embodiment: Embodiment, instruction: str, *, form: BodyForm | None = None, rich: bool = False
) -> str:
    """The sentence of Qwen-VLA §2.3 (arXiv 2605.30280) for this body and task.

    Args:
        embodiment: the body.
        instruction: what to do, one line; a full stop at its end is not doubled.
        form: arms, waist and base; read off the channels' names if None.
        rich: also name every channel, its unit, limits and what it is relative to. A checkpoint reads one
            of the two forms, the one it was trained with: `VlaConfig.rich_prompt` says which.

    Raises:
        GoalError: if the instruction is empty, too long, no single line, or looks like a special token.
    """
    task = _checked(instruction)
    body = (form or BodyForm.of(embodiment)).phrase
    channels = f" {_channels(embodiment.channels)}" if rich else ""
    return (
        f"The robot is {embodiment.tag} with {body}. The control frequency is {embodiment.rate_hz:g} Hz."
        f"{channels} Please predict the next {embodiment.horizon} control actions to execute the following "
        f"task: {task}."
    )


def _checked(instruction: str) -> str:
    if len(instruction) > MAX_INSTRUCTION_CHARS:
        raise GoalError(
            f"longer than {MAX_INSTRUCTION_CHARS} characters",
            field="instruction",
            value=f"{instruction[:40]}… ({len(instruction)} characters)",
            mend="Say one step of the task in one sentence.",
        )
    task = instruction.strip().rstrip(".").rstrip()
    if not task or not task.isprintable():
        raise GoalError(
            "must be one line of printable text",
            field="instruction",
            value=instruction,
            mend='Write what to do, e.g. "pick up the red block".',
        )
    if "<|" in task:
        raise GoalError(
            "holds what looks like a special token of the model",
            field="instruction",
            value=instruction,
            mend='Leave "<|" out.',
        )
    return task


def _channels(channels: tuple[Channel, ...]) -> str:
    return f"The action channels are {'; '.join(_channel(each) for each in channels)}."


def _channel(channel: Channel) -> str:
    relative = {
        Reference.ABSOLUTE: "",
        Reference.CHUNK_START: " relative to the start of the chunk",
        Reference.PREVIOUS_STEP: " relative to the step before",
    }[channel.reference]
    return f"{channel.name} in {channel.unit} from {channel.lower:.3g} to {channel.upper:.3g}{relative}"
