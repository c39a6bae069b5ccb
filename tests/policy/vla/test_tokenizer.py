"""The tokenizer is learned from its sentences and belongs to one model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.policy.vla.models import micro

from interlock.errors import CheckpointError, GoalError
from interlock.policy.vla.tokenizer import VlaTokenizer, special_tokens

SENTENCES = ["pick up the red block", "put the red block in the tray", "push the green block"]


def test_same_sentences_in_any_order_give_the_same_file() -> None:
    first = VlaTokenizer.train(SENTENCES, micro()).to_json()
    assert VlaTokenizer.train(reversed(SENTENCES), micro()).to_json() == first


def test_text_comes_back_even_if_it_was_never_seen() -> None:
    tokenizer = VlaTokenizer.from_json(VlaTokenizer.train(SENTENCES, micro()).to_json(), micro())
    for text in (*SENTENCES, "Größe: 5 µm, naïve → 漢字"):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert all(0 <= each < micro().backbone.text.vocab for each in ids)
    assert len(tokenizer.encode(SENTENCES[0])) < 12


def test_no_plain_text_becomes_a_special_token() -> None:
    tokenizer = VlaTokenizer.train(SENTENCES, micro())
    specials = set(special_tokens(micro()).values())
    assert not specials & set(tokenizer.encode("image base_start |> <| pad"))


def test_refuses_another_vocabulary() -> None:
    config = micro()
    text = VlaTokenizer.train(SENTENCES, config).to_json()
    shape = config.backbone
    wider = replace(config, backbone=replace(shape, text=replace(shape.text, vocab=321)))
    with pytest.raises(CheckpointError, match="vocabulary"):
        VlaTokenizer.from_json(text, wider)


def test_refuses_special_tokens_at_other_places() -> None:
    config = micro()
    text = VlaTokenizer.train(SENTENCES, config).to_json()
    with pytest.raises(CheckpointError, match="special token"):
        VlaTokenizer.from_json(text, replace(config, cameras=("base", "head")))


@pytest.mark.parametrize("text", ["", "{}", '{"model": 3}', "no json"])
def test_refuses_a_file_that_is_no_tokenizer(text: str) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        VlaTokenizer.from_json(text, micro())


def test_refuses_a_prompt_longer_than_the_model_reads() -> None:
    tokenizer = VlaTokenizer.train(SENTENCES, micro())
    with pytest.raises(GoalError, match="tokens"):
        tokenizer.encode("zyx " * 200)
