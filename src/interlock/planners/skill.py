"""A typed skill: what it needs, what it changes, and which contacts each of its phases allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from interlock.planners.atoms import Atom
from interlock.planners.domain import Role

__all__ = ["FINGERS", "STANDS", "Holding", "PhaseSpec", "Skill", "TargetRule"]

FINGERS = "fingers"
"""Symbol for every finger link of the gripper, in a contact pair."""

STANDS = "$stands"
"""Symbol, in a template, for the relation of an object to its support: "in" a container, else "on"."""


class Holding(StrEnum):
    """Whether the task's object is in the hand during a phase."""

    NONE = "none"
    MAYBE = "maybe"  # to be checked held and free
    HELD = "held"


class TargetRule(StrEnum):
    """What a task's `target_in_world` means."""

    NONE = "none"  # the skill has no point
    ABOVE = "above"  # tool point above the target object, or the centre of a zone
    STANDING = "standing"  # centre of the object when it stands on the target support
    SLIDING = "sliding"  # centre of the object when it has been pushed into the target zone


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpec:
    """One phase of a skill, as the library defines it.

    Attributes:
        name: unique in the skill, e.g. "grasp".
        allowed: pairs that may touch in this phase only, as symbols: FINGERS, "$object", "$support" (what
            the object stands on when the task starts) or "$target". "$object" first means the held object.
        holding: whether "$object" is in the hand.
        timeout_s: the contacts expire, and the phase has failed, after this long [s].
    """

    name: str
    allowed: tuple[tuple[str, str], ...] = ()
    holding: Holding = Holding.NONE
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """One skill of the library.

    Templates are atoms whose arguments may be "$parameter"; in `deletes`, `atoms.ANY` stands for anything.
    Deletes come before adds.

    Attributes:
        name: e.g. "pick".
        parameters: the arguments a task has to give, in order, each with the roles it may have.
        context: further variables that the state of the world decides, e.g. what an object stands on.
        preconditions: atoms that have to hold when a task starts.
        adds: atoms true when it has ended.
        deletes: atoms no longer true once it has started.
        constraint_set: guard families the skill may not run without.
        phases: in order; a task has ended when its last phase has.
        target: what the task's point means.
    """

    name: str
    parameters: Mapping[str, frozenset[Role]]
    context: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    preconditions: tuple[Atom, ...]
    adds: tuple[Atom, ...]
    deletes: tuple[Atom, ...]
    constraint_set: tuple[str, ...]
    phases: tuple[PhaseSpec, ...]
    target: TargetRule = TargetRule.NONE

    def phase(self, name: str) -> PhaseSpec | None:
        """The phase of that name, or None."""
        return next((p for p in self.phases if p.name == name), None)
