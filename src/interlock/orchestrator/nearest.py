"""The mend for a name that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(word: str, valid: Iterable[str]) -> str:
    """The nearest valid name, if there is one near, and the list of all of them."""
    names = sorted(valid)
    if not names:
        return "None is valid here."
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    listed = f"Valid here: {', '.join(names)}."
    return f"Did you mean {close[0]!r}? {listed}" if close else listed
