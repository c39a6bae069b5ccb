"""What a learned policy is told to do: one step of the plan, and the phase of it that is granted."""

from __future__ import annotations

from interlock.hal.embodiment import Embodiment
from interlock.policy.vla.prompt import write_prompt

__all__ = ["instruction_of", "step_prompt"]


def step_prompt(embodiment: Embodiment, step: str, phase: str, *, rich: bool) -> str:
    """The sentence that the model reads of a body and its step; training and running both ask here.

    Args:
        embodiment: the body.
        step: as in `instruction_of`.
        phase: as in `instruction_of`.
        rich: the form that the model was trained with, `VlaConfig.rich_prompt`.

    Raises:
        GoalError: as `write_prompt` does.
    """
    return write_prompt(embodiment, instruction_of(step, phase), rich=rich)


def instruction_of(step: str, phase: str) -> str:
    """For example "pick up the red block, phase approach".

    Args:
        step: the step in words (`TaskView.step`).
        phase: the phase that is granted (`TaskView.phase`); "" if none is named, and the step stands alone.
    """
    words = step.strip().rstrip(".")
    return f"{words}, phase {phase}" if phase else words
