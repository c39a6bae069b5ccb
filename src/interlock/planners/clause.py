"""Read one clause of a goal: a verb, what it is about, and where to."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.errors import GoalError
from interlock.planners.atoms import Atom, is_container, standing
from interlock.planners.domain import Role
from interlock.planners.grammar import HOME_TAILS, PLACES, PRONOUNS, VERBS, Place, Verb
from interlock.planners.library import SKILLS
from interlock.planners.noun_phrase import begins_noun_phrase, read_thing, read_things
from interlock.planners.tokens import Cursor
from interlock.planners.vocabulary import nearest

__all__ = ["Clause", "read_clause"]

_MOVABLE = frozenset({Role.MOVABLE})
_ANYTHING = frozenset(Role)
_NEEDS = {
    Verb.PICK: ("pick",),
    Verb.PUT: ("pick", "place"),
    Verb.REACH: ("reach",),
    Verb.PUSH: ("push",),
    Verb.HOME: ("home",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause, understood.

    Attributes:
        verb: what it asks for.
        names: the objects it is about, in the order named.
        atoms: what has to be true when it is done.
        refers_back: whether it speaks of "it" or "them".
    """

    verb: Verb
    names: tuple[str, ...]
    atoms: tuple[Atom, ...]
    refers_back: bool = False


def read_clause(cursor: Cursor, before: Clause | None) -> Clause:
    """The clause that comes next; without a verb it takes the one of the clause before.

    Raises:
        GoalError: it is not understood, or needs a skill the cell does not allow.
        PlanRefusedError: something cannot serve the purpose asked of it.
    """
    start = cursor.at
    verb = cursor.read(VERBS)
    if verb is None:
        if before is None or before.verb not in (Verb.PUT, Verb.PUSH) or not begins_noun_phrase(cursor):
            raise cursor.refuse("a verb is expected", cursor.vocabulary.verbs())
        verb = before.verb
    if verb is Verb.MOVE:
        verb = Verb.REACH if cursor.longest(PLACES) else Verb.PUT
    _refuse_missing_skill(verb, " ".join(cursor.tokens[start : cursor.at]), cursor)
    if verb is Verb.HOME:
        cursor.take(*HOME_TAILS)
        return Clause(verb=verb, names=(), atoms=(("at_home",),))
    if verb is Verb.REACH:
        return _read_reach(cursor)
    refers_back = cursor.next in PRONOUNS
    names = _read_objects(cursor, before, verb)
    if verb is Verb.PICK:
        cursor.take(("up",))
        atoms: tuple[Atom, ...] = tuple(("holding", name) for name in names)
    else:
        cursor.take(("down",))
        atoms = tuple(dict.fromkeys(_read_places(cursor, verb, names)))
    return Clause(verb=verb, names=names, atoms=atoms, refers_back=refers_back)


def _refuse_missing_skill(verb: Verb, said: str, cursor: Cursor) -> None:
    allowed = cursor.vocabulary.domain.skills
    for skill in _NEEDS[verb]:
        if skill not in allowed or skill not in SKILLS:
            raise GoalError(
                f"this cell does not allow the skill {skill!r}",
                field="goal",
                value=said,
                mend=nearest(skill, allowed),
            )


def _read_reach(cursor: Cursor) -> Clause:
    start = cursor.at
    place = cursor.read(PLACES)
    if place is not None and place not in (Place.ABOVE, Place.TO, Place.INTO):
        cursor.at = start
        raise cursor.refuse("the tool goes above a thing or to a zone", ("above", "to"))
    target = read_thing(cursor, SKILLS["reach"].parameters["target"], "reached")
    thing = cursor.vocabulary.domain.find(target)
    if place is Place.INTO and (thing is None or thing.role is not Role.ZONE):
        raise GoalError(
            "the tool goes above a thing, not into it", field="goal", value=target, mend="Say 'above'."
        )
    return Clause(verb=Verb.REACH, names=(target,), atoms=(("at", target),))


def _read_objects(cursor: Cursor, before: Clause | None, verb: Verb) -> tuple[str, ...]:
    done = {Verb.PICK: "picked up", Verb.PUSH: "pushed"}.get(verb, "moved")
    if cursor.next not in PRONOUNS:
        return read_things(cursor, _MOVABLE, done)
    names = () if before is None else before.names
    domain = cursor.vocabulary.domain
    movable = [n for n in names if (o := domain.find(n)) is not None and o.role is Role.MOVABLE]
    if len(movable) != len(names) or not names or (cursor.next == "it") != (len(names) == 1):
        raise cursor.refuse("it is not clear what this refers to", _movable_names(cursor))
    cursor.at += 1
    return names


def _movable_names(cursor: Cursor) -> list[str]:
    return [o.name for o in cursor.vocabulary.domain.objects if o.role is Role.MOVABLE]


def _read_places(cursor: Cursor, verb: Verb, names: tuple[str, ...]) -> list[Atom]:
    atoms = _read_place(cursor, verb, names)
    while True:
        back = cursor.at
        cursor.take((",", "and"), ("and",))
        if not cursor.longest(PLACES):
            cursor.at = back
            return atoms
        atoms += _read_place(cursor, verb, names)


def _read_place(cursor: Cursor, verb: Verb, names: tuple[str, ...]) -> list[Atom]:
    start = cursor.at
    place = cursor.read(PLACES)
    if place is None:
        example = _example(verb, names, cursor)
        raise cursor.refuse(
            "where to is missing", (" ".join(p) for p in PLACES), example if cursor.ended() else ""
        )
    if place is Place.ABOVE or (verb is Verb.PUSH and place.is_relation):
        cursor.at = start
        what = "things are pushed to a zone" if verb is Verb.PUSH else "nothing can be put there"
        raise cursor.refuse(what, ("to",) if verb is Verb.PUSH else ("in", "on", "next to"))
    if verb is Verb.PUSH:
        zone = read_thing(cursor, SKILLS["push"].parameters["target"], "pushed to")
        return [("pushed", name, zone) for name in names]
    if place.is_relation:
        other = read_thing(cursor, _ANYTHING, "put beside")
        return [(place.value, name, other) for name in names]
    target = read_thing(cursor, frozenset({Role.SUPPORT, Role.ZONE}), "put on or in")
    return [_put(name, target, place, cursor) for name in names]


def _example(verb: Verb, names: tuple[str, ...], cursor: Cursor) -> str:
    """A mend that shows with the cell's own words how to say where to."""
    wanted = Role.ZONE if verb is Verb.PUSH else Role.SUPPORT
    places = [o for o in cursor.vocabulary.domain.objects if o.role is wanted and not o.forbidden]
    if not places:
        return f"This cell has no {wanted.value} to name."
    word = "to" if verb is Verb.PUSH else "in" if is_container(places[-1]) else "on"
    return f"Say where to, for example '{verb.value} {' and '.join(names[:2])} {word} {places[-1].name}'."


def _put(name: str, target: str, place: Place, cursor: Cursor) -> Atom:
    domain = cursor.vocabulary.domain
    thing = domain.find(target)
    if thing is None or thing.role is Role.ZONE:
        return ("in", name, target)
    if place is Place.INTO and not is_container(thing):
        raise GoalError("nothing can be put into this", field="goal", value=target, mend="Say 'on'.")
    return standing(name, target, domain)
