"""The closed list of English that a goal may use, besides the cell's own nouns, names and colours.

Everything the parser knows of English stands here; a word that is neither here nor in the cell is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from interlock.planners.atoms import RELATIONS

__all__ = [
    "AFTERWARDS",
    "DETERMINERS",
    "FILLERS",
    "GRAMMAR_WORDS",
    "HOME_TAILS",
    "NEGATIONS",
    "OPENERS",
    "PLACES",
    "PLURALS",
    "PRONOUNS",
    "QUANTIFIERS",
    "SOURCES",
    "STAND_INS",
    "STOPPING",
    "VERBS",
    "Place",
    "Verb",
]

Phrase = tuple[str, ...]


class Verb(StrEnum):
    """What a clause asks for."""

    PICK = "pick"
    PUT = "put"
    MOVE = "move"  # move the block … is put; move to/above … is reach
    REACH = "reach"
    PUSH = "push"
    HOME = "home"


VERBS: Mapping[Phrase, Verb] = MappingProxyType(
    {
        tuple(words.split()): verb
        for verb, many in (
            (Verb.PICK, "pick, pick up, grasp, grab, lift, lift up, take"),
            (Verb.PUT, "put, put down, place, set, set down, lay, bring, carry, transfer"),
            (Verb.MOVE, "move"),
            (Verb.REACH, "reach, hover, go"),
            (Verb.PUSH, "push, slide, shove"),
            (
                Verb.HOME,
                "home, go home, go back home, return home, come home, move home, go to home, "
                "return to home, move to home, go to the home, return to the home, move to the home",
            ),
        )
        for words in many.split(", ")
    }
)
"""Verb phrases; the longest that fits counts."""

HOME_TAILS: tuple[Phrase, ...] = (("position",), ("pose",), ())
"""What may follow a home phrase."""


class Place(StrEnum):
    """How a preposition places one thing at another; the sides are the relations of `relation`."""

    INTO = "into"
    ONTO = "onto"
    TO = "to"
    ABOVE = "above"
    LEFT_OF = "left_of"
    RIGHT_OF = "right_of"
    IN_FRONT_OF = "in_front_of"
    BEHIND = "behind"
    NEXT_TO = "next_to"

    @property
    def is_relation(self) -> bool:
        """Whether this is a side of something."""
        return self.value in RELATIONS


def _side(word: str) -> str:
    heads = ("", "to the ", "on the ", "at the ", "to ", "on ")
    return ", ".join(f"{head}{word}{tail} of" for head in heads for tail in ("", " side"))


PLACES: Mapping[Phrase, Place] = MappingProxyType(
    {
        tuple(words.split()): place
        for place, many in (
            (Place.INTO, "in, into, inside, inside of"),
            (Place.ONTO, "on, onto, on top of, upon"),
            (Place.TO, "to, at"),
            (Place.ABOVE, "above, over, to above"),
            (Place.LEFT_OF, _side("left")),
            (Place.RIGHT_OF, _side("right")),
            (Place.IN_FRONT_OF, "in front of"),
            (Place.BEHIND, "behind"),
            (Place.NEXT_TO, "next to, beside"),
        )
        for words in many.split(", ")
    }
)
"""Prepositions; the longest that fits counts."""

SOURCES: tuple[Phrase, ...] = (("out", "of"), ("off", "of"), ("from",), ("off",))
"""Prepositions that say where an object is now."""

DETERMINERS = frozenset({"the", "a", "an"})
QUANTIFIERS: tuple[Phrase, ...] = (
    ("all", "of", "the"), ("all", "the"), ("both", "of", "the"), ("both", "the"), ("all",), ("both",),
    ("every",), ("each",),
)  # fmt: skip
"""Words that ask for all that fit; "both" wants exactly two."""

STAND_INS: Mapping[str, bool] = MappingProxyType({"one": False, "ones": True, "everything": True})
"""Words in place of a noun, and whether they are plural."""

PRONOUNS = frozenset({"it", "them"})
"""What the clause before was about."""

FILLERS = frozenset({"please", "kindly", "now"})
"""Words that are dropped wherever they stand."""

OPENERS = frozenset({"first"})
"""Words that are dropped at the start of a goal."""

AFTERWARDS: tuple[Phrase, ...] = (("after", "that"), ("then",), ("afterwards",), ("finally",))
"""Words that begin the next stage."""

PLURALS = (("s", "es"), ("x", "es"), ("z", "es"), ("ch", "es"), ("sh", "es"))
"""Endings that take "es"; a consonant with y becomes "ies", everything else takes "s"."""

NEGATIONS = frozenset({"not", "never", "no", "nothing", "without", "cannot", "dont"})
"""Words that turn a wish around, as do those that end in "n't"; none is read, and none is guessed at."""

STOPPING = frozenset({"stop", "halt", "abort", "estop"})
"""Words of someone who wants a robot to stop, which is a command of its own and no goal."""

_PARTICLES = ("and", "up", "down", "of", "position", "pose")

GRAMMAR_WORDS: frozenset[str] = (
    frozenset(
        word
        for phrases in (VERBS, PLACES, SOURCES, QUANTIFIERS, AFTERWARDS)
        for phrase in phrases
        for word in phrase
    )
    | DETERMINERS
    | FILLERS
    | OPENERS
    | PRONOUNS
    | frozenset(STAND_INS)
    | frozenset(_PARTICLES)
)
"""Every English word the parser knows."""
