"""A step in words: canonical unless asked otherwise, and never the held-out words while teaching."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.errors import BadInputError
from interlock.policy.wording import CANONICAL, HELD_OUT, SEEN, Wording

PLACE = {"object": "red_block", "target": "tray"}


@pytest.mark.parametrize(
    ("skill", "arguments", "said"),
    [
        ("pick", {"object": "red_block"}, "pick up the red block"),
        ("place", PLACE, "put the red block in the tray"),
        ("place", {"object": "red_block", "target": "blue_block"}, "put the red block on the blue block"),
        ("push", {"object": "red_block", "target": "handover"}, "push the red block in the handover"),
        ("reach", {"target": "tray"}, "move above the tray"),
        ("home", {}, "go home"),
    ],
)
def test_says_each_skill_canonically(skill: str, arguments: dict[str, str], said: str) -> None:
    assert Wording().say(skill, arguments) == said


def test_no_template_is_both_seen_and_held_out() -> None:
    seen = {text for texts in SEEN.values() for text in texts}
    assert not seen & {text for texts in HELD_OUT.values() for text in texts}
    assert set(SEEN) == set(HELD_OUT) == set(CANONICAL)


@pytest.mark.parametrize("held_out", [False, True])
def test_draws_from_its_own_split_and_the_same_for_the_same_seed(held_out: bool) -> None:
    names = ("red_block", "tray")
    for seed in range(20):
        drawn = [Wording.drawn(np.random.default_rng(seed), held_out=held_out, names=names) for _ in range(2)]
        assert drawn[0] == drawn[1]
        pool = HELD_OUT if held_out else SEEN
        assert all(drawn[0].templates[skill] in pool[skill] for skill in pool)
        assert bool(drawn[0].colors) <= held_out


def test_a_word_for_a_colour_is_not_used_where_it_already_names_something() -> None:
    names = ("red_block", "crimson_block", "scarlet_block")
    for seed in range(20):
        assert "red" not in Wording.drawn(np.random.default_rng(seed), held_out=True, names=names).colors


def test_other_words_for_a_colour_are_said() -> None:
    assert Wording(colors={"red": "crimson"}).say("place", PLACE) == "put the crimson block in the tray"


def test_refuses_a_skill_without_words_and_a_template_that_does_not_fit() -> None:
    with pytest.raises(BadInputError, match=r"task\.skill.*dance"):
        Wording().say("dance", {})
    with pytest.raises(BadInputError, match=r"wording\.templates\.pick"):
        Wording(templates={"pick": "take {thing}"}).say("pick", {"object": "red_block"})
