"""The words of one cell: names, nouns and colours, and what they may mean."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from interlock.planners.domain import Domain, DomainObject, Role
from interlock.planners.grammar import GRAMMAR_WORDS, PLURALS, VERBS, Verb

__all__ = ["Vocabulary", "nearest", "split_words"]

_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> tuple[str, ...]:
    """The words of a name, small and without "_" or "-": "Red_block" is ("red", "block")."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def nearest(value: str, valid: Iterable[str], otherwise: str = "") -> str:
    """A mend that says which valid names come nearest; if none does, `otherwise`, or which there are."""
    names = sorted(set(valid))
    if not names:
        return "This cell has none."
    close = difflib.get_close_matches(value[:64].casefold(), names, n=3, cutoff=0.7)
    if close:
        return f"Did you mean {' or '.join(repr(c) for c in close)}?"
    if otherwise:
        return otherwise
    shown = names[:24]
    return f"Valid: {', '.join(shown)}{', …' if len(names) > len(shown) else ''}."


class Vocabulary:
    """What the words of a goal may mean in one cell.

    Args:
        domain: the cell's things.
    """

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.names = {o.name.casefold(): o.name for o in domain.objects}
        self.phrases: dict[tuple[str, ...], set[str]] = {}
        self.plurals: set[tuple[str, ...]] = set()
        self.colors = {words for o in domain.objects if (words := split_words(o.color))}
        for thing in domain.objects:
            self._learn(thing)
        self.words = frozenset(GRAMMAR_WORDS).union(*self.phrases, *self.colors)

    def _learn(self, thing: DomainObject) -> None:
        words, noun = split_words(thing.name), split_words(thing.noun)
        phrases = [words, noun]
        if thing.role is Role.ZONE:
            phrases += [words[:-1]] if words[-1:] == ("zone",) else [(*words, "zone")]
        for phrase in phrases:
            if phrase:
                self.phrases.setdefault(phrase, set()).add(thing.name)
        if noun:
            many = (*noun[:-1], _plural(noun[-1]))
            self.phrases.setdefault(many, set()).add(thing.name)
            self.plurals.add(many)

    def nouns(self) -> list[str]:
        """Everything a noun phrase may be built of, for messages."""
        return sorted(
            {*self.names.values(), *(" ".join(c) for c in self.colors), *map(" ".join, self.phrases)}
        )

    def verbs(self) -> list[str]:
        """Every verb phrase, for messages."""
        return sorted(" ".join(v) for v in VERBS)

    def summary(self) -> str:
        """One sentence that says what can be named and done."""
        names = [o.name for o in self.domain.objects if not o.forbidden]
        colors = sorted(" ".join(c) for c in self.colors)
        shown = ", ".join(names[:16]) + (", …" if len(names) > 16 else "")
        return (
            f"Known things: {shown}; colours: {', '.join(colors[:16]) or 'none'}; "
            f"verbs: {', '.join(verb.value for verb in Verb)}."
        )

    def colored(self, names: Iterable[str], color: Sequence[str]) -> set[str]:
        """Those of `names` that have the colour."""
        return {n for n in names if (o := self.domain.find(n)) and split_words(o.color) == tuple(color)}


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + next((tail for end, tail in PLURALS if word.endswith(end)), "s")
