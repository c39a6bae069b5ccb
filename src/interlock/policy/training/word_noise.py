"""Other words around the names in a step, so that a policy does not learn a few sentences by heart."""

from __future__ import annotations

import re
import string
from collections.abc import Collection

import numpy as np

from interlock.policy.wording import SEEN

__all__ = ["WordNoise"]

_SHARE = 0.6
_DROPPED, _REPLACED = 0.3, 0.4
_MOST_ADDED = 2
_LONGEST = 8
_LETTERS = np.array(list(string.ascii_lowercase))

_FRAME = frozenset(
    word
    for templates in SEEN.values()
    for template in templates
    for word in re.sub(r"\{\w+\}", "", template).split()
) | {"in", "on"}
"""Words that say nothing of what is meant: those of the sentences that names are put into."""


class WordNoise:
    """Drops, replaces and adds words that are no names; names stay whole and in their order.

    Whoever was shown a dozen sentences takes their verbs for part of what is meant, and is lost when somebody
    says it otherwise. Beside noise it can only go by the names, and by the phase that is said after the step.

    Args:
        generator: draws what is changed.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def change(self, step: str, names: Collection[str] = ()) -> str:
        """Another sentence about the same things; often the same one.

        Args:
            step: as `Wording.say` gives it.
            names: words that name things, and stay even if they are usual between names, as "table" is.
        """
        draw = self._generator
        if draw.random() >= _SHARE:
            return step
        words: list[str] = []
        for word in step.split():
            chance = draw.random() if word in _FRAME and word not in names else 1.0
            if chance < _DROPPED:
                continue
            words.append(self._word() if chance < _DROPPED + _REPLACED else word)
        added = int(draw.integers(_MOST_ADDED + 1))
        front = int(draw.integers(added + 1))
        said = [self._word() for _ in range(front)] + words + [self._word() for _ in range(added - front)]
        return " ".join(said) if said else step

    def _word(self) -> str:
        length = int(self._generator.integers(1, _LONGEST + 1))
        return "".join(self._generator.choice(_LETTERS, length).tolist())
