from __future__ import annotations

import numpy as np
import pytest

from interlock.policy.training.word_noise import WordNoise
from interlock.policy.wording import HELD_OUT, SEEN, Wording, names_in

NAMES = {"object": "red_block", "target": "front_tray"}


def noisy(step: str, count: int = 400) -> list[str]:
    noise = WordNoise(np.random.default_rng(0))
    return [noise.change(step) for _ in range(count)]


@pytest.mark.parametrize("template", [t for skill in ("pick", "place", "push", "reach") for t in SEEN[skill]])
def test_names_stay_whole_and_in_their_order(template: str) -> None:
    said = Wording(templates={"pick": template}).say("pick", NAMES)
    names = [name.replace("_", " ") for name in NAMES.values() if name.replace("_", " ") in said]
    names.sort(key=said.index)
    for changed in noisy(said):
        places = [changed.find(name) for name in names]
        assert -1 not in places, changed
        assert places == sorted(places), changed


def test_most_sentences_are_new_and_some_stay() -> None:
    changed = noisy("pick up the red block")
    assert 0.3 < changed.count("pick up the red block") / len(changed) < 0.6
    assert len(set(changed)) > 150


def test_every_word_around_a_name_goes_missing_now_and_then() -> None:
    changed = noisy("set the red block down in the tray")
    for word in ("set", "the", "down", "in"):
        assert any(word not in each.split() for each in changed), word
    assert all({"red", "block", "tray"} <= set(each.split()) for each in changed)


def test_a_step_without_a_name_is_never_empty() -> None:
    assert all(noisy("go home"))


def test_the_same_seed_gives_the_same_words() -> None:
    assert noisy("take the red block") == noisy("take the red block")


def test_a_word_that_names_something_here_stays() -> None:
    noise = WordNoise(np.random.default_rng(0))
    names = names_in(["put the red block on the table"], ["place"])
    assert names == {"red", "block", "table"}
    changed = [noise.change("put the red block on the table", names) for _ in range(300)]
    assert all({"red", "block", "table"} <= set(each.split()) for each in changed)


def test_names_are_found_however_a_step_is_said_and_all_words_where_nobody_knows_how() -> None:
    for template in (*SEEN["place"], *HELD_OUT["place"]):
        step = Wording(templates={"place": template}).say("place", NAMES)
        assert names_in([step], ["place"]) == {"red", "block", "front", "tray"}, step
    assert names_in(["fling the cup"], ["fling"]) == {"fling", "the", "cup"}
    assert names_in(["go home"], ["home"]) == set()
