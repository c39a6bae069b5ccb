"""Refuse a goal that cannot be true all at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import networkx as nx

from interlock.errors import PlanRefusedError
from interlock.planners.atoms import RELATIONS, Atom, is_container, show, stages, subject, wishes
from interlock.planners.domain import Domain, Role
from interlock.planners.footprint import Footprint
from interlock.planners.relation import SIDES, other_references

__all__ = ["refuse_contradictions"]

_MIRRORED = {"right_of": "left_of", "behind": "in_front_of"}


def refuse_contradictions(goal_atoms: tuple[Atom, ...], domain: Domain) -> None:
    """Look at what each stage wants together with what stays wanted from before.

    Raises:
        PlanRefusedError: rule "contradiction".
    """
    for stage in range(len(stages(goal_atoms))):
        wanted = wishes(goal_atoms, stage)
        for atom in wanted:
            if len(set(atom[1:])) < len(atom[1:]):
                mend = f"Name another thing than {atom[1]}: {other_references(atom, domain)}."
                raise _refusal("nothing can be placed relative to itself", atom, mend=mend)
        for one, other in combinations(wanted, 2):
            why = _clash(one, other, domain)
            if why:
                raise _refusal(why, one, other)
        ring = _ring(wanted)
        if ring:
            mend = "Leave one of them out, or say 'then' between them."
            raise _refusal("each would be on the same side of the next, all the way round", *ring, mend=mend)


def _refusal(why: str, *atoms: Atom, mend: str = "") -> PlanRefusedError:
    choice = (
        "Ask for one of the two; say where to put what is in the hand first."
        if any(atom[0] == "holding" for atom in atoms)
        else "Ask for one of the two, or say 'then' between them."
    )
    return PlanRefusedError(
        f"the goal contradicts itself: {why}",
        rule="contradiction",
        field="goal",
        value=" and ".join(show(atom) for atom in atoms),
        mend=mend or choice,
    )


def _ring(wanted: Sequence[Atom]) -> tuple[Atom, ...]:
    """Atoms that put each thing on one side of the next until the first comes again, or ()."""
    for side in dict.fromkeys(_MIRRORED.values()):
        order: nx.DiGraph[str] = nx.DiGraph()
        for atom in wanted:
            if atom[0] == side:
                order.add_edge(atom[1], atom[2], atom=atom)
            elif _MIRRORED.get(atom[0]) == side:
                order.add_edge(atom[2], atom[1], atom=atom)
        try:
            return tuple(order.edges[edge[:2]]["atom"] for edge in nx.find_cycle(order))
        except nx.NetworkXNoCycle:
            continue
    return ()


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
    held = next((a[1] for a in (one, other) if a[0] == "holding"), "")
    if held and held in (one[2:] or other[2:]):
        return f"{held} cannot be in the hand and have something beside it"
    turned = other[0] in SIDES and one[0] == other[0] and one[1:] == other[:0:-1]
    return "each would be on the same side of the other" if turned else ""


def _two_places(one: Atom, other: Atom, domain: Domain) -> str:
    if "holding" in (one[0], other[0]):
        return f"{one[1]} cannot be in the hand and lie somewhere"
    if one[0] == other[0] == "pushed":
        return f"{one[1]} cannot be pushed to two places"
    areas = [_area(atom, domain) for atom in (one, other)]
    if areas[0] is not None and areas[1] is not None and areas[0].overlap(areas[1]) is None:
        return f"{one[1]} cannot be in two places"
    if _is_support(one, domain) and _is_support(other, domain):
        return f"{one[1]} cannot be in two places"
    if "pushed" in (one[0], other[0]) and any(_is_container(atom, domain) for atom in (one, other)):
        return f"{one[1]} cannot be pushed there and be put into something"
    if one[0] in SIDES and other[0] in SIDES and one[2] == other[2]:
        return f"{one[1]} cannot be on two sides of {one[2]}"
    return ""


def _area(atom: Atom, domain: Domain) -> Footprint | None:
    """The zone in which, or the support on which, the atom wants its object, seen from above."""
    place = domain.find(atom[2]) if atom[0] in ("in", "on", "pushed") else None
    if place is None or place.role not in (Role.ZONE, Role.SUPPORT):
        return None
    return Footprint.of(place, place.position)


def _is_container(atom: Atom, domain: Domain) -> bool:
    thing = domain.find(atom[2]) if atom[0] == "in" else None
    return thing is not None and is_container(thing)


def _is_support(atom: Atom, domain: Domain) -> bool:
    thing = None if atom[0] in ("pushed", *RELATIONS) else domain.find(atom[2])
    return thing is not None and thing.role is not Role.ZONE
