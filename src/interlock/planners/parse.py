"""From an instruction in plain English to goal atoms, or to an error that names the word.

::

    goal     = ["first"] clause { joint clause } ["."]
    joint    = "and" | "," | then         "and": both hold at the end, in whatever order;
    then     = "then" | "." | ";" | ...   "then": one after the other
    clause   = home | reach | pick | put | push
    home     = "go home" | "return home" | "home" ...
    reach    = ("reach" | "hover" | "go" | "move") ["above" | "over" | "to"] thing
    pick     = ("pick up" | "grasp" | "take" ...) things ["up"]
    put      = ("put" | "place" | "move" ...) things ["down"] place { ["and"] place }
    push     = ("push" | "slide") things "to" zone
    place    = ("in" | "on" | "to" ...) thing
             | ("to the left of" | "right of" | "in front of" | "behind" | "next to") thing
    things   = thing { ("," | "and") thing } | "it" | "them"
    thing    = ["the" | "a" | "all" | "both" ...] [colour] (noun | name | "one") ["from" thing]

All words and phrases stand in `grammar`; nouns, names and colours are the cell's own. No word is ever
skipped, but for "please", "kindly" and "now". Directions are explained in `relation`. Safety never rests on
these words: limits come from typed data, so nothing said here can widen one.
"""

from __future__ import annotations

from enum import Enum

from interlock.errors import GoalError, PlanRefusedError
from interlock.planners.atoms import Atom, join_stages, show
from interlock.planners.clause import Clause, read_clause
from interlock.planners.contradiction import refuse_contradictions
from interlock.planners.domain import Domain
from interlock.planners.grammar import AFTERWARDS, OPENERS, VERBS, Verb
from interlock.planners.relation import refuse_moving_reference
from interlock.planners.tokens import Cursor, tokenize
from interlock.planners.vocabulary import Vocabulary

__all__ = ["parse_goal"]

_STOPS = ((".",), (";",), ("!",))


class _Joint(Enum):
    """What stands between two clauses."""

    AND = "and"
    THEN = "then"
    END = "end"


def parse_goal(text: str, domain: Domain) -> tuple[Atom, ...]:
    """The atoms a goal wants, with THEN between stages.

    Args:
        text: the instruction.
        domain: what the cell's things are called.

    Raises:
        GoalError: it is empty, unreadable, ambiguous, or has a word or a name nobody knows.
        PlanRefusedError: it contradicts itself, wants something in a forbidden zone, beside a thing that
            moves by itself, or of a thing that cannot do it.
    """
    vocabulary = Vocabulary(domain)
    cursor = Cursor(tokenize(text, vocabulary), vocabulary)
    cursor.take(*((word, ",") for word in OPENERS), *((word,) for word in OPENERS))
    atoms = join_stages(_read_stages(cursor))
    for atom in atoms:
        _refuse_forbidden(atom, domain)
        refuse_moving_reference(atom, domain)
    refuse_contradictions(atoms, domain)
    return atoms


def _read_stages(cursor: Cursor) -> tuple[tuple[Atom, ...], ...]:
    stages: list[list[Clause]] = [[]]
    before: Clause | None = None
    joint = _Joint.AND
    while joint is not _Joint.END:
        clause = read_clause(cursor, before)
        if before is not None and _is_on_the_way(before, clause):
            stages[-1].pop()
        elif joint is _Joint.THEN or clause.refers_back:
            stages.append([])
        stages[-1].append(clause)
        before = clause
        joint = _read_joint(cursor)
    parts = [tuple(dict.fromkeys(a for clause in stage for a in clause.atoms)) for stage in stages]
    return tuple(part for part in parts if part)


def _is_on_the_way(before: Clause, clause: Clause) -> bool:
    """Picking something up and putting "it" down is one wish: that it lies there."""
    return clause.refers_back and before.verb is Verb.PICK and clause.verb is Verb.PUT


def _read_joint(cursor: Cursor) -> _Joint:
    """Read what joins two clauses.

    Raises:
        GoalError: the clause goes on with something that was not understood, or nothing follows.
    """
    start = cursor.at
    stopped = False
    while cursor.take(*_STOPS):
        stopped = True
    if cursor.ended():
        return _Joint.END
    if not stopped:
        cursor.take((",",))
    cursor.take(("and",))
    later = cursor.take(*AFTERWARDS)
    if later:
        cursor.take((",",))
    if cursor.at == start and cursor.longest(VERBS):
        raise cursor.refuse("something else begins", mend="Put 'and' or 'then' between two wishes.")
    if cursor.at == start:
        raise cursor.refuse("this was not understood", (*cursor.vocabulary.verbs(), "and", "then"))
    if cursor.ended():
        raise cursor.refuse(
            "something has to follow", mend="Say what else is to be done, or leave the joint out."
        )
    return _Joint.THEN if stopped or later else _Joint.AND


def _refuse_forbidden(atom: Atom, domain: Domain) -> None:
    for name in atom[1:]:
        thing = domain.find(name)
        if thing is None:
            raise GoalError("unknown name", field="goal", value=name)
        if thing.forbidden:
            raise PlanRefusedError(
                f"nothing may go into the zone {name}",
                rule="zones_open",
                field="goal",
                value=show(atom),
                mend="Name another place.",
            )
