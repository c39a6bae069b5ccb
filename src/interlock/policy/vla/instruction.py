"""What a learned policy is told to do: one step of the plan, and the phase of it that is granted."""

from __future__ import annotations

from interlock.hal.embodiment import Embodiment
from interlock.policy.vla.prompt import write_prompt

__all__ = ["instruction_of", "step_prompt"]


def step_prompt(embodiment: Embodiment, step: str, phase: str) -> str:
    """The sentence that the model reads of a body and its step; training and running both ask here.

    Args:
        embodiment: the body.
        step: as in `instruction_of`.
        phase: as in `instruction_of`.

    Raises:
        GoalError: as `write_prompt` does.
    """
    return write_prompt(embodiment, instruction_of(step, phase))


def instruction_of(step: str, phase: str) -> str:
    """For example "pick up the red block, phase approach".

    Args:
        step: the step in words (`TaskView.step`).
        phase: the phase that is granted (`TaskView.phase`).
    """
    return f"{step.strip().rstrip('.')}, phase {phase}"
