"""Fill the allowed skills with the cell's objects: only what can happen and could help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from interlock.planners.action import Action, bind
from interlock.planners.atoms import RELATIONS, Atom, is_container, standing, subject
from interlock.planners.domain import Domain, DomainObject, Role
from interlock.planners.layout import Layout
from interlock.planners.library import SKILLS
from interlock.planners.placement import has_room, no_free_place
from interlock.planners.relation import is_geometric
from interlock.planners.skill import TargetRule

__all__ = ["ground"]


def ground(goal: Sequence[Atom], layout: Layout, facts: frozenset[Atom]) -> tuple[Action, ...]:
    """The actions worth searching, in a fixed order: objects as the goal names them, then as the cell does.

    Args:
        goal: the atoms wanted.
        layout: where everything is.
        facts: everything that is true now.

    Raises:
        PlanRefusedError: rule "no_free_place", an object is wanted where nothing can stand.
    """
    domain = layout.domain
    names = _relevant(goal, layout)
    _refuse_hopeless(goal, layout, facts)
    actions = [
        action for name in domain.skills if name in SKILLS for action in _bound(name, names, goal, layout)
    ]
    return _helpful(_possible(actions, facts), goal)


def _refuse_hopeless(goal: Sequence[Atom], layout: Layout, facts: frozenset[Atom]) -> None:
    for atom in goal:
        if is_geometric(atom, layout) and atom not in facts:
            regions = _regions(atom[1], goal, layout)
            if not _supports(atom[1], regions, goal, layout):
                where = " ".join(f"{a[0]} {a[2]}" for a in regions)
                raise no_free_place(atom[1], where, "nothing to stand on, or no room")


def _relevant(goal: Sequence[Atom], layout: Layout) -> list[DomainObject]:
    """What the goal names, what stands on that, what is in the hand, and every support."""
    domain = layout.domain
    wanted = list(dict.fromkeys(name for atom in goal for name in atom[1:]))
    for name in wanted:
        wanted += [above for above, below in layout.supports.items() if below == name and above not in wanted]
    wanted += [o.name for o in domain.objects if o.name not in wanted and _always(o, layout)]
    return [found for name in wanted if (found := domain.find(name)) is not None]


def _always(thing: DomainObject, layout: Layout) -> bool:
    in_hand = thing.role is Role.MOVABLE and thing.name not in layout.positions
    return thing.role is Role.SUPPORT or in_hand


def _bound(
    skill_name: str, things: Sequence[DomainObject], goal: Sequence[Atom], layout: Layout
) -> Iterator[Action]:
    skill = SKILLS[skill_name]
    variables: Mapping[str, frozenset[Role]] = {**skill.parameters, **skill.context}
    choices = [[t.name for t in things if t.role in roles] for roles in variables.values()]
    for names in product(*choices):
        bound = dict(zip(variables, names, strict=True))
        if len(set(names)) < len(names):
            continue
        arguments = {k: bound[k] for k in skill.parameters}
        context = {k: bound[k] for k in skill.context}
        yield bind(skill, arguments, context, layout.domain)
        if skill.target is TargetRule.STANDING:
            regions = _regions(arguments["object"], goal, layout)
            if regions and arguments["target"] in _supports(arguments["object"], regions, goal, layout):
                yield bind(skill, arguments, context, layout.domain, regions)


def _regions(name: str, goal: Sequence[Atom], layout: Layout) -> tuple[Atom, ...]:
    return tuple(a for a in goal if subject(a) == name and is_geometric(a, layout))


def _supports(name: str, regions: Sequence[Atom], goal: Sequence[Atom], layout: Layout) -> frozenset[str]:
    """The supports on which the object could satisfy its geometric atoms."""
    stands = {s for s in _all_supports(layout.domain) if standing(name, s, layout.domain) in goal}
    allowed = stands or set(_all_supports(layout.domain))
    for atom in regions:
        if atom[0] in RELATIONS:
            allowed &= _same_level(atom[2], goal, layout)
    fixed = [a for a in regions if layout.thing(a[2]).role is not Role.MOVABLE]
    empty = layout
    for other in layout.positions:
        empty = empty.lifted(other)
    return frozenset(s for s in allowed if has_room(name, s, fixed, empty))


def _same_level(reference: str, goal: Sequence[Atom], layout: Layout) -> set[str]:
    """The supports on which the reference of a relation stands, or will stand."""
    supports = _all_supports(layout.domain)
    wanted = {s for s in supports if standing(reference, s, layout.domain) in goal}
    now = layout.supports.get(reference, layout.thing(reference).on)
    flat = {s for s in supports if not is_container(layout.thing(s)) and s != reference}
    return wanted or ({now} if now in supports else flat)


def _all_supports(domain: Domain) -> list[str]:
    return [o.name for o in domain.objects if o.role is Role.SUPPORT]


def _possible(actions: Sequence[Action], facts: frozenset[Atom]) -> list[Action]:
    """Those that can happen if nothing is ever undone."""
    true = set(facts)
    while True:
        reached = [a for a in actions if a.needs <= true]
        grown = true.union(*(a.adds for a in reached)) if reached else true
        if grown == true:
            return reached
        true = grown


def _helpful(actions: Sequence[Action], goal: Sequence[Atom]) -> tuple[Action, ...]:
    """Those that add something the goal or another helpful action needs."""
    wanted = set(goal)
    while True:
        kept = [a for a in actions if not wanted.isdisjoint(a.adds)]
        grown = wanted.union(*(a.needs for a in kept)) if kept else wanted
        if grown == wanted:
            return tuple(kept)
        wanted = grown
