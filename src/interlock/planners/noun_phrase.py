"""Read what a goal speaks of: "the red block", "the red and the green blocks", "all blocks"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.errors import GoalError, PlanRefusedError
from interlock.planners.domain import Domain, Role
from interlock.planners.footprint import Footprint
from interlock.planners.grammar import DETERMINERS, QUANTIFIERS, SOURCES, STAND_INS, VERBS
from interlock.planners.tokens import Cursor
from interlock.planners.vocabulary import nearest, split_words

__all__ = ["begins_noun_phrase", "read_thing", "read_things"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One noun phrase as read: what it may mean before its surroundings decide."""

    text: str
    color: tuple[str, ...] = ()
    phrase: tuple[str, ...] = ()
    names: frozenset[str] | None = None  # None until a noun is known
    every: bool = False
    both: bool = False
    source: str = ""


def begins_noun_phrase(cursor: Cursor) -> bool:
    """Whether a noun phrase comes next; a verb does not begin one."""
    if cursor.longest(VERBS):
        return False
    words = cursor.vocabulary
    return (
        cursor.next in DETERMINERS
        or cursor.next in STAND_INS
        or _is_full_name(cursor)
        or bool(cursor.longest((*QUANTIFIERS, *words.colors, *words.phrases)))
    )


def read_thing(cursor: Cursor, roles: frozenset[Role], purpose: str) -> str:
    """One thing, e.g. after a preposition.

    Raises:
        GoalError: there is no noun phrase, it fits nothing, or more than one thing.
        PlanRefusedError: what it fits cannot serve this purpose.
    """
    if not begins_noun_phrase(cursor):
        raise cursor.refuse("the name of a thing is expected", cursor.vocabulary.nouns())
    names = _resolve(_read_item(cursor), cursor, roles, purpose)
    if len(names) > 1:
        raise GoalError(
            f"one thing is expected to be {purpose}, but this names {len(names)}",
            field="goal",
            value=", ".join(names),
            mend="Name one of them.",
        )
    return names[0]


def read_things(cursor: Cursor, roles: frozenset[Role], purpose: str) -> tuple[str, ...]:
    """One or more things, joined by commas and "and", in the order named.

    Raises:
        GoalError: there is no noun phrase, or one that fits nothing or is ambiguous.
        PlanRefusedError: what it fits cannot serve this purpose.
    """
    if not begins_noun_phrase(cursor):
        raise cursor.refuse(f"what is to be {purpose} is missing", cursor.vocabulary.nouns())
    items = [_read_item(cursor)]
    while True:
        if cursor.longest(SOURCES):
            items = _with_source(items, cursor)
        back = cursor.at
        if not (cursor.take((",", "and"), ("and",), (",",)) and begins_noun_phrase(cursor)):
            cursor.at = back
            break
        items.append(_read_item(cursor))
    names: dict[str, None] = {}
    for item in _with_nouns(items):
        names |= dict.fromkeys(_resolve(item, cursor, roles, purpose))
    return tuple(names)


def _read_item(cursor: Cursor) -> _Item:
    start = cursor.at
    quantifier = cursor.longest(QUANTIFIERS)
    cursor.take(quantifier)
    if not quantifier and not cursor.longest(cursor.vocabulary.phrases):
        cursor.take(*((d,) for d in DETERMINERS))
    item = _Item(text="", every=bool(quantifier), both=quantifier[:1] == ("both",))
    item = _read_head(cursor, item)
    return replace(item, text=" ".join(cursor.tokens[start : cursor.at]))


def _read_head(cursor: Cursor, item: _Item) -> _Item:
    words = cursor.vocabulary
    if _is_full_name(cursor):
        name = words.names[cursor.next]
        cursor.at += 1
        return replace(item, names=frozenset({name}))
    start = cursor.at
    named = cursor.longest(words.phrases)
    color = cursor.longest(words.colors)
    cursor.at += len(color)
    noun = cursor.longest(words.phrases) if color else ()
    if named and len(named) >= len(color) + len(noun):
        meant = set(words.phrases[named])
        if noun and len(named) == len(color) + len(noun):
            meant |= words.colored(words.phrases[noun], color)
        else:
            noun = named
        cursor.at = start + len(named)
        return replace(item, names=frozenset(meant), phrase=noun, every=item.every or named in words.plurals)
    item = replace(item, color=color)
    if noun:
        cursor.at += len(noun)
        meant = words.colored(words.phrases[noun], color)
        return replace(item, names=frozenset(meant), phrase=noun, every=item.every or noun in words.plurals)
    if cursor.next in STAND_INS:
        every = STAND_INS[cursor.next] or item.every
        cursor.at += 1
        return replace(item, names=_colored_or_all(cursor, color), every=every)
    if not color:
        raise cursor.refuse("a noun or a colour is expected", words.nouns())
    return item


def _colored_or_all(cursor: Cursor, color: tuple[str, ...]) -> frozenset[str]:
    names = [o.name for o in cursor.vocabulary.domain.objects if o.role is not Role.ZONE]
    return frozenset(cursor.vocabulary.colored(names, color) if color else names)


def _is_full_name(cursor: Cursor) -> bool:
    return cursor.next in cursor.vocabulary.names and len(split_words(cursor.next)) > 1


def _with_nouns(items: list[_Item]) -> list[_Item]:
    """Give each bare colour the noun of the next phrase that has one, else of the one before."""
    done: list[_Item] = []
    for i, item in enumerate(items):
        nouns = [x for x in (*items[i + 1 :], *reversed(items[:i])) if x.phrase]
        if item.names is None and nouns:
            item = replace(item, phrase=nouns[0].phrase, every=item.every or nouns[0].every)
        done.append(item)
    return done


def _with_source(items: list[_Item], cursor: Cursor) -> list[_Item]:
    cursor.take(*SOURCES)
    source = read_thing(cursor, frozenset({Role.SUPPORT, Role.ZONE}), "taken from")
    return [x if x.source else replace(x, source=source) for x in items]


def _resolve(item: _Item, cursor: Cursor, roles: frozenset[Role], purpose: str) -> tuple[str, ...]:
    """The names the phrase means, in the order of the cell."""
    domain, words = cursor.vocabulary.domain, cursor.vocabulary
    meant = item.names
    if meant is None:
        base = words.phrases.get(item.phrase, set(words.names.values()))
        meant = frozenset(words.colored(base, item.color))
    things = [o for o in domain.objects if o.name in meant]
    if not things:
        raise GoalError(
            "this cell has no such thing",
            field="goal",
            value=item.text,
            mend=nearest(item.text.replace(" ", "_"), words.names.values()),
        )
    fitting = [o for o in things if o.role in roles]
    if not fitting:
        raise PlanRefusedError(
            f"{things[0].role.value} {things[0].name} cannot be {purpose}",
            rule="roles_fit",
            field="goal",
            value=item.text,
            mend=nearest(item.text, [o.name for o in domain.objects if o.role in roles and not o.forbidden]),
        )
    names = [o.name for o in fitting if not item.source or _is_there(o.name, item.source, domain)]
    if not names:
        raise GoalError(f"it is not on, in or at {item.source}", field="goal", value=item.text)
    return _one_or_every(names, item)


def _one_or_every(names: list[str], item: _Item) -> tuple[str, ...]:
    if item.both and len(names) != 2:
        raise GoalError(f"both wants two things, this fits {len(names)}", field="goal", value=item.text)
    if len(names) > 1 and not item.every:
        raise GoalError(
            f"this could mean {len(names)} things",
            field="goal",
            value=item.text,
            mend=f"Say which one: {', '.join(names[:12])}.",
        )
    return tuple(names)


def _is_there(name: str, source: str, domain: Domain) -> bool:
    thing, place = domain.find(name), domain.find(source)
    if thing is None or place is None:
        return False
    if place.role is Role.ZONE:
        return Footprint.of(place, place.position).contains(*thing.position[:2])
    return thing.on == source
