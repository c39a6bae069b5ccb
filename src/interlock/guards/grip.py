"""What the gripper may be told: inside its stroke and the phase's force, and not to drop what is held."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.hal.command import GripperCommand
from interlock.hal.phase import Phase
from interlock.hal.robot import GripperSpec
from interlock.hal.state import GripperState

__all__ = ["Grip", "judge_grip"]

_ROUNDING_M = 1e-3  # a proposal this far outside the stroke is moved to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Grip:
    """The answer for the gripper.

    Attributes:
        command: what to tell it, or None to leave it as it is.
        note: why the proposed width was left out, "" if it was not.
        refused: True if such a proposal refuses the whole tick.
    """

    command: GripperCommand | None
    note: str = ""
    refused: bool = False


def judge_grip(
    spec: GripperSpec | None, measured: GripperState | None, phase: Phase, width_m: float | None
) -> Grip:
    """Judge a proposed width.

    While the gripper may not open, it is only ever told a width below the measured one: from that width on
    its force would fade, and a little more each tick would open it in the end.

    Args:
        spec: the gripper, or None.
        measured: its state, or None.
        phase: what the task allows now.
        width_m: proposed width, [m], or None.
    """
    if spec is None or width_m is None or measured is None:
        return Grip(command=None)
    low, high = spec.min_width_m, spec.max_width_m
    if not low - _ROUNDING_M <= width_m <= high + _ROUNDING_M:
        return Grip(
            command=None, note=f"gripper width {width_m:.4g} m is outside [{low}, {high}] m", refused=True
        )
    if not phase.gripper_may_open and not width_m < measured.width_m:
        return Grip(command=None, note=f"opening to {width_m:.4f} m would drop {phase.held}")
    if not phase.max_force_n > 0.0:
        return Grip(command=None, note=f"phase {phase.name} gives the gripper no force")
    force = min(spec.max_force_n, phase.max_force_n)
    return Grip(command=GripperCommand(width_m=min(max(width_m, low), high), force_n=force))
