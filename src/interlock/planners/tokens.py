"""Cut a goal into words, and refuse at once what cannot be an instruction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from interlock.errors import GoalError
from interlock.planners.grammar import FILLERS, NEGATIONS, STOPPING
from interlock.planners.vocabulary import Vocabulary, nearest, split_words

__all__ = ["MAX_GOAL_CHARS", "Cursor", "tokenize"]

MAX_GOAL_CHARS = 400
"""Longest goal in characters; what a person would say is far shorter."""

_STOPS = frozenset(".;!")
_MARKS = _STOPS | {","}
_PIECE = re.compile(r"[^\W_]+(?:[_'’-][^\W_]+)*|[,.;!]|\S")
_Meaning = TypeVar("_Meaning")


def tokenize(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The goal as small words and the marks "," "." ";" "!"; names with "_" that the cell has stay whole.

    Raises:
        GoalError: empty, too long, with signs no instruction has, or with a word nobody knows.
    """
    _refuse_unreadable(text)
    tokens: list[str] = []
    pieces = _PIECE.findall(unicodedata.normalize("NFKC", text).casefold())
    _refuse_other_speech(pieces, vocabulary)
    for piece in pieces:
        if piece in vocabulary.names and len(split_words(piece)) > 1:
            tokens.append(piece)
        elif piece in _MARKS:
            tokens.append(piece)
        else:
            tokens += _known(piece, vocabulary)
    words = _without_fillers(tokens)
    if not any(t not in _MARKS for t in words):
        raise GoalError("the goal is empty", field="goal", value=text[:80], mend="Say what to do.")
    return tuple(words)


def _without_fillers(tokens: Sequence[str]) -> list[str]:
    """Drop "please" and its like, with the comma that sets it off at either end of a sentence."""
    kept: list[str] = []
    for i, token in enumerate(tokens):
        after = tokens[i + 1] if i + 1 < len(tokens) else "."
        if token in FILLERS:
            if kept[-1:] == [","] and after in _STOPS:
                kept.pop()
        elif token != "," or i == 0 or tokens[i - 1] not in FILLERS or (kept and kept[-1] not in _STOPS):
            kept.append(token)
    return kept


def _refuse_unreadable(text: str) -> None:
    if not isinstance(text, str):
        raise GoalError("a goal has to be text", field="goal", value=type(text).__name__)
    if len(text) > MAX_GOAL_CHARS:
        raise GoalError(
            f"the goal is {len(text)} characters long, at most {MAX_GOAL_CHARS} are read",
            field="goal",
            value=text[:60],
            mend="Say it in one or two sentences.",
        )
    bad = next((c for c in text if not (c.isprintable() and (c.isalnum() or c in " _-'’,.;!"))), None)
    if bad is not None:
        raise GoalError(
            f"the goal has a sign that no instruction needs: {bad!r} (U+{ord(bad):04X})",
            field="goal",
            value=text[:80],
            mend="Use words, spaces, commas and full stops only.",
        )


def _refuse_other_speech(pieces: Iterable[str], vocabulary: Vocabulary) -> None:
    """Refuse what is no wish for something to be done, before a nearest word makes a wish of it."""
    for word in (word for piece in pieces for word in _words(piece) if word not in vocabulary.words):
        if word in STOPPING:
            raise GoalError(
                "this is no goal", field="goal", value=word, mend="To stop a robot, use `interlock stop`."
            )
        if word in NEGATIONS or word.endswith(("n't", "n’t")):
            raise GoalError(
                "negations are not read", field="goal", value=word, mend="Say what is to be done."
            )


def _words(piece: str) -> list[str]:
    apostrophe = "'" in piece or "’" in piece
    return [piece] if apostrophe else list(split_words(piece)) or [piece]


def _known(piece: str, vocabulary: Vocabulary) -> list[str]:
    words = _words(piece)
    for word in words:
        if word not in vocabulary.words:
            mend = nearest(word, vocabulary.words, otherwise=vocabulary.summary())
            raise GoalError("unknown word", field="goal", value=word, mend=mend)
    return words


class Cursor:
    """A place in the tokens.

    Args:
        tokens: what `tokenize` gave.
        vocabulary: the cell's words.
    """

    def __init__(self, tokens: Sequence[str], vocabulary: Vocabulary) -> None:
        self.tokens = tuple(tokens)
        self.vocabulary = vocabulary
        self.at = 0

    def ended(self) -> bool:
        """Whether every token has been read."""
        return self.at >= len(self.tokens)

    @property
    def next(self) -> str:
        """The token to be read, or "" at the end."""
        return "" if self.ended() else self.tokens[self.at]

    def sees(self, phrase: Sequence[str]) -> bool:
        """Whether `phrase` comes next."""
        return self.tokens[self.at : self.at + len(phrase)] == tuple(phrase)

    def take(self, *choices: Sequence[str]) -> bool:
        """Read the first of `choices` that comes next, if any does."""
        for phrase in choices:
            if self.sees(phrase):
                self.at += len(phrase)
                return True
        return False

    def longest(self, phrases: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        """The longest of `phrases` that comes next, not yet read, or ()."""
        return max((p for p in phrases if p and self.sees(p)), key=len, default=())

    def read(self, phrases: Mapping[tuple[str, ...], _Meaning]) -> _Meaning | None:
        """Read the longest phrase that comes next and give its meaning, or None."""
        phrase = self.longest(phrases)
        self.at += len(phrase)
        return phrases[phrase] if phrase else None

    def refuse(self, what: str, valid: Iterable[str] = (), mend: str = "") -> GoalError:
        """The error that says what is wrong at this place; to be raised.

        Args:
            what: what is wrong.
            valid: what could stand here; names the nearest, or at the end of the goal the first of them.
            mend: how to mend it, where `valid` does not say it well enough.
        """
        names = sorted(set(valid))
        if self.ended():
            return GoalError(
                f"the goal ends too early: {what}",
                field="goal",
                value=" ".join(self.tokens)[-80:],
                mend=mend or (nearest("", names) if names else "Say the rest of it."),
            )
        return GoalError(
            f"{what} at word {self.at + 1}",
            field="goal",
            value=self.next,
            mend=mend or (nearest(self.next, names) if names else ""),
        )
