"""A ground action: one skill with every variable bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.planners.atoms import Atom, matches, standing
from interlock.planners.domain import Domain
from interlock.planners.skill import STANDS, Skill

__all__ = ["Action", "bind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One skill with every variable bound.

    Attributes:
        skill: its name.
        arguments: pairs (parameter, object), in the skill's order.
        context: pairs (variable, object) that the state of the world decided.
        regions: geometric goal atoms that the chosen place has to make true.
        needs: atoms that have to hold before.
        adds: atoms true afterwards.
        deletes: patterns of atoms no longer true; deletes come before adds.
    """

    skill: str
    arguments: tuple[tuple[str, str], ...]
    context: tuple[tuple[str, str], ...] = ()
    regions: tuple[Atom, ...] = ()
    needs: frozenset[Atom]
    adds: frozenset[Atom]
    deletes: frozenset[Atom]

    def argument(self, name: str) -> str:
        """The object bound to a parameter or to a variable, or ""."""
        return dict(self.arguments + self.context).get(name, "")

    def undoes(self, atom: Atom) -> bool:
        """Whether the atom is no longer true after this action."""
        return atom not in self.adds and any(matches(pattern, atom) for pattern in self.deletes)

    def disturbs(self, other: Action) -> bool:
        """Whether this action would take away something the other one needs or makes."""
        return any(self.undoes(atom) for atom in other.needs | other.adds)

    def after(self, facts: frozenset[Atom]) -> frozenset[Atom]:
        """What is true once the action has been carried out where `facts` were true."""
        return frozenset(a for a in facts if not self.undoes(a)) | self.adds


def bind(
    skill: Skill,
    arguments: Mapping[str, str],
    context: Mapping[str, str],
    domain: Domain,
    regions: tuple[Atom, ...] = (),
) -> Action:
    """The skill with its templates filled in; every parameter and variable has to be bound.

    Raises:
        KeyError: one is not.
    """
    bound = {**arguments, **context}

    def fill(template: Atom) -> Atom:
        names = tuple(bound[part[1:]] if part.startswith("$") else part for part in template[1:])
        if template[0] == STANDS:
            return standing(names[0], names[1], domain)
        return (template[0], *names)

    return Action(
        skill=skill.name,
        arguments=tuple((name, arguments[name]) for name in skill.parameters),
        context=tuple((name, context[name]) for name in skill.context),
        regions=regions,
        needs=frozenset(fill(t) for t in skill.preconditions),
        adds=frozenset(fill(t) for t in skill.adds) | frozenset(regions),
        deletes=frozenset(fill(t) for t in skill.deletes),
    )
