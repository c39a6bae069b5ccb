"""What the task allows right now: contacts, the held object, bounds. Never from a prompt or a policy."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONTACT_TOOL_SPEED_M_S", "FELT_N", "AllowedContact", "Phase"]

CONTACT_TOOL_SPEED_M_S = 0.1
"""Bound on the tool's speed while any contact is allowed, [m/s]."""

FELT_N = 1.0
"""Closing force from which something is measured to be between the fingers, [N]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedContact:
    """One pair that may touch: a robot link (or the held object's name) and an object."""

    link: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of one task, granted by the orchestrator from the typed skill library.

    Attributes:
        task_id: task of the plan.
        skill: name of the skill.
        name: phase, e.g. "approach", "grasp", "lift".
        allowed: the pairs that may touch in this phase only.
        expires_ns: monotonic time from which nothing is released on `allowed`, [ns]; a stop that was verified
            before may end after it.
        held: name of the object in the gripper, or None; where the gripper feels nothing, or the object is
            elsewhere, it is checked as `maybe_held` is.
        maybe_held: name of an object that may be in the gripper; it is checked held *and* free.
        max_force_n: bound on the gripper's force, [N].
        gripper_may_open: False while opening would drop what is held.
    """

    task_id: str
    skill: str
    name: str
    allowed: tuple[AllowedContact, ...]
    expires_ns: int
    held: str | None
    maybe_held: str | None
    max_force_n: float
    gripper_may_open: bool = True

    def contacts_at(self, now_ns: int) -> tuple[AllowedContact, ...]:
        """The pairs that may touch at `now_ns`; none once the grant has expired."""
        return self.allowed if now_ns < self.expires_ns else ()
