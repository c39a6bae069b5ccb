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
    )
    command = Card(asked, Material(sets=(), taught=(), looked_at=()), {}).command()
    again = request_of(parser("interlock train").parse_args(shlex.split(command)[2:]))
    assert again.decisive() == asked.decisive()
    assert replace(again, data=asked.data, out=asked.out) == asked
