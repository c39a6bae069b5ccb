"""What a learned policy is told to do: one step of the plan, and the phase of it that is granted."""

from __future__ import annotations

__all__ = ["instruction_of"]


def instruction_of(step: str, phase: str) -> str:
    """For example "pick up the red block, phase approach"; training and running both ask here.

    Args:
        step: the step in words (`TaskView.step`).
        phase: the phase that is granted (`TaskView.phase`).
    """
    return f"{step.strip().rstrip('.')}, phase {phase}"
