"""A card's command makes the same training again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from interlock.policy.training.card import Card
from interlock.policy.training.material import Material
from interlock.policy.training.options import parser, request_of
from interlock.policy.training.request import TrainRequest
from interlock.policy.training.stage import Stage
from interlock.policy.vla.decoder_shape import AttentionMode
from interlock.policy.vla.shipped_weights import weights_at


def test_the_command_of_a_card_gives_back_every_digit_of_what_decided_the_training() -> None:
    asked = TrainRequest(
        data=(Path("panda"),),
        out=Path("out"),
        stages=(Stage.parse("t2a:5"), Stage.parse("pretrain:12345678")),
        seed=1_234_567_891,
        batch=1_234_567,
        rate=0.00071234567,
        weight_decay=1e-9,
        average=0.99987654,
        held_out=0.1234567,
        constants=(("tool_r00", 0.123456789),),
        rich_prompt=True,
        attention=AttentionMode.JOINT,
    )
    command = Card(asked, Material(sets=(), taught=(), looked_at=()), {}).command()
    again = request_of(parser("interlock train").parse_args(shlex.split(command)[2:]))
    assert again.decisive() == asked.decisive()
    assert replace(again, data=asked.data, out=asked.out) == asked


def test_a_card_names_weights_that_ship_by_their_name_and_says_how_many_trained() -> None:
    asked = TrainRequest(
        data=(Path("panda"),),
        out=Path("out"),
        stages=(Stage.parse("action:5"),),
        begin_from=Path("runs/first/checkpoint"),
        decoder_from=weights_at("tiny-scene"),
    )
    nothing = Material(sets=(), taught=(), looked_at=())
    card = Card(asked, nothing, {}, processes=2)
    assert "demonstrations below, and those of tiny-scene, with whose decoder it began." in card.text()
    chained = replace(card, before="# first").text()
    assert "demonstrations below, and what the weights that it began from had seen" in chained
    assert "demonstrations below." in replace(card, request=replace(asked, decoder_from=None)).text()
    words = shlex.split(card.command())
    assert words[:5] == ["torchrun", "--nproc-per-node", "2", "-m", "interlock.policy.training"]
    assert words[words.index("--from") + 1] == "first/checkpoint"
    again = request_of(parser("").parse_args(words[5:]))
    assert again.decoder_from == asked.decoder_from
