"""Refuse a goal that cannot be true all at once."""

from __future__ import annotations

from itertools import combinations

from interlock.errors import PlanRefusedError
from interlock.planners.atoms import RELATIONS, Atom, show, stages, subject, wishes
from interlock.planners.domain import Domain, Role
from interlock.planners.relation import SIDES

__all__ = ["refuse_contradictions"]


def refuse_contradictions(goal_atoms: tuple[Atom, ...], domain: Domain) -> None:
    """Look at what each stage wants together with what stays wanted from before.

    Raises:
        PlanRefusedError: rule "contradiction".
    """
    for stage in range(len(stages(goal_atoms))):
        wanted = wishes(goal_atoms, stage)
        for atom in wanted:
            if len(set(atom[1:])) < len(atom[1:]):
                raise _refusal("nothing can be placed relative to itself", atom)
        for one, other in combinations(wanted, 2):
            why = _clash(one, other, domain)
            if why:
                raise _refusal(why, one, other)


def _refusal(why: str, *atoms: Atom) -> PlanRefusedError:
    return PlanRefusedError(
        f"the goal contradicts itself: {why}",
        rule="contradiction",
        field="goal",
        value=" and ".join(show(atom) for atom in atoms),
        mend="Ask for one of the two, or say 'then' between them.",
    )


def _clash(one: Atom, other: Atom, domain: Domain) -> str:
    kinds = {one[0], other[0]}
    if "holding" in kinds and kinds & {"at", "at_home"}:
        return "the hand has to be empty to go there"
    if kinds <= {"at", "at_home"}:
        return "the tool cannot be in two places"
    if kinds == {"holding"}:
        return "there is one hand"
    if subject(one) and subject(one) == subject(other):
        return _two_places(one, other, domain)
    turned = other[0] in SIDES and one[0] == other[0] and one[1:] == other[:0:-1]
    return "each would be on the same side of the other" if turned else ""


def _two_places(one: Atom, other: Atom, domain: Domain) -> str:
    if "holding" in (one[0], other[0]):
        return f"{one[1]} cannot be in the hand and lie somewhere"
    if one[0] == other[0] == "pushed":
        return f"{one[1]} cannot be pushed to two places"
    if _is_support(one, domain) and _is_support(other, domain):
        return f"{one[1]} cannot be in two places"
    if one[0] in SIDES and other[0] in SIDES and one[2] == other[2]:
        return f"{one[1]} cannot be on two sides of {one[2]}"
    return ""


def _is_support(atom: Atom, domain: Domain) -> bool:
    thing = None if atom[0] in ("pushed", *RELATIONS) else domain.find(atom[2])
    return thing is not None and thing.role is not Role.ZONE
