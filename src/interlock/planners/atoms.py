"""Ground atoms: what can be true in a cell, as tuples of strings.

============== ========================================================= ==========================
atom           says                                                      decided by
============== ========================================================= ==========================
on(o, s)       object o stands on flat support s (or on object s)        the plan so far
in(o, s)       object o stands in container s (see `is_container`)       the plan so far
in(o, z)       object o is in zone z                                     geometry
left_of(o, r)  also right_of, in_front_of, behind, next_to (`relation`)  geometry
holding(o)     the hand holds o                                          the plan so far
hand_empty()   the hand holds nothing                                    the plan so far
clear(o)       nothing stands on o                                       the plan so far
pushed(o, z)   o was pushed into zone z, or was there from the start     the plan so far
at(x)          the tool is above object x, or in zone x                  the plan so far
at_home()      the arm is at its home configuration                      the plan so far
then()         no fact: ends one stage of a goal (see `stages`)          -
============== ========================================================= ==========================

A support decides its own relation: a container is always `in`, everything else always `on`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from interlock.planners.domain import Domain, DomainObject, Role

__all__ = [
    "ANY",
    "CONTAINER_NOUNS",
    "PREDICATES",
    "RELATIONS",
    "THEN",
    "Atom",
    "final_atoms",
    "is_container",
    "join_stages",
    "matches",
    "show",
    "stages",
    "standing",
    "subject",
    "wishes",
]

Atom = tuple[str, ...]
"""A predicate and the names of its arguments, e.g. ("in", "red_block", "tray")."""

THEN: Atom = ("then",)
"""Stands between the stages of a goal: what follows is wanted after what precedes."""

ANY = "*"
"""In a pattern, any argument."""

CONTAINER_NOUNS = frozenset({"basket", "bin", "bowl", "box", "container", "crate", "drawer", "tray"})
"""Nouns of supports that things are put *into*; a noun of several words counts by any of them."""

_MOVABLE = frozenset({Role.MOVABLE})
_REFERENCE = frozenset({Role.MOVABLE, Role.SUPPORT, Role.OBSTACLE, Role.ZONE})

RELATIONS: tuple[str, ...] = ("left_of", "right_of", "in_front_of", "behind", "next_to")
"""Predicates that place one object relative to another."""

PREDICATES: Mapping[str, tuple[frozenset[Role], ...]] = MappingProxyType(
    {
        "on": (_MOVABLE, frozenset({Role.SUPPORT, Role.MOVABLE})),
        "in": (_MOVABLE, frozenset({Role.SUPPORT, Role.ZONE})),
        "holding": (_MOVABLE,),
        "hand_empty": (),
        "clear": (frozenset({Role.MOVABLE, Role.SUPPORT}),),
        "pushed": (_MOVABLE, frozenset({Role.ZONE})),
        "at": (frozenset({Role.MOVABLE, Role.SUPPORT, Role.ZONE}),),
        "at_home": (),
        **{name: (_MOVABLE, _REFERENCE) for name in RELATIONS},
    }
)
"""Every predicate, and the roles that each of its arguments may have."""

_PLACES = frozenset({"on", "in", "holding", "pushed", *RELATIONS})
_MOMENTARY = frozenset({"at", "at_home"})


def is_container(thing: DomainObject) -> bool:
    """Whether things are put into this support rather than onto it."""
    words = thing.noun.casefold().replace("_", " ").replace("-", " ").split()
    return thing.role is Role.SUPPORT and not CONTAINER_NOUNS.isdisjoint(words)


def standing(name: str, support: str, domain: Domain) -> Atom:
    """The atom that says that object `name` stands on, or in, `support`."""
    below = domain.find(support)
    return ("in" if below is not None and is_container(below) else "on", name, support)


def matches(pattern: Atom, atom: Atom) -> bool:
    """Whether `atom` fits `pattern`, in which ANY stands for any argument."""
    return len(pattern) == len(atom) and all(p in (ANY, a) for p, a in zip(pattern, atom, strict=True))


def show(atom: Atom) -> str:
    """An atom as people write it, e.g. "in(red_block, tray)"."""
    return f"{atom[0]}({', '.join(atom[1:])})"


def subject(atom: Atom) -> str:
    """The object whose place the atom fixes, or "" if it fixes none."""
    return atom[1] if atom[0] in _PLACES else ""


def stages(goal_atoms: tuple[Atom, ...]) -> tuple[tuple[Atom, ...], ...]:
    """The goal cut at each THEN; every stage has at least one atom."""
    cut: list[list[Atom]] = [[]]
    for atom in goal_atoms:
        if atom == THEN:
            cut.append([])
        else:
            cut[-1].append(atom)
    return tuple(tuple(stage) for stage in cut if stage)


def join_stages(parts: tuple[tuple[Atom, ...], ...]) -> tuple[Atom, ...]:
    """The stages as one flat tuple, with THEN between them."""
    flat: list[Atom] = []
    for stage in parts:
        flat += [THEN, *stage] if flat else stage
    return tuple(flat)


def wishes(goal_atoms: tuple[Atom, ...], index: int) -> tuple[Atom, ...]:
    """What has to hold when stage `index` ends: its own atoms, and earlier ones it does not replace.

    An earlier atom is replaced when a later stage gives its object (or the object it refers to) another
    place; where the tool was (`at`, `at_home`) is replaced by any later stage.
    """
    kept: list[Atom] = []
    for stage in stages(goal_atoms)[: index + 1]:
        moved = {subject(atom) for atom in stage} - {""}
        kept = [a for a in kept if a[0] not in _MOMENTARY and moved.isdisjoint(a[1:])]
        kept += [a for a in stage if a not in kept]
    return tuple(kept)


def final_atoms(goal_atoms: tuple[Atom, ...]) -> tuple[Atom, ...]:
    """What has to hold when the whole plan has been carried out."""
    return wishes(goal_atoms, len(stages(goal_atoms)) - 1)
