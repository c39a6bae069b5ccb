"""The sentence is the published one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.policy.vla.models import body

from interlock.errors import GoalError
from interlock.hal.embodiment import Reference
from interlock.policy.vla.prompt import MAX_INSTRUCTION_CHARS, Arms, BodyForm, write_prompt


def test_prompt_is_the_published_sentence() -> None:
    assert write_prompt(body(), "pick up the red block") == (
        "The robot is franka_panda with single arm. The control frequency is 25 Hz. Please predict the next "
        "8 control actions to execute the following task: pick up the red block."
    )


def test_full_stop_of_an_instruction_is_not_doubled() -> None:
    assert write_prompt(body(), " pick it up. ").endswith("task: pick it up.")


def test_modifiers_stand_in_the_published_order() -> None:
    form = BodyForm(arms=Arms.DUAL, waist=True, mobile_base=True)
    assert "with dual arms, waist, and mobile base. The" in write_prompt(body(), "go", form=form)


def test_arms_and_base_are_read_off_the_channels() -> None:
    names = ("left_joint", "right_joint", "base_x")
    one = body(channels=3)
    channels = tuple(replace(c, name=n) for c, n in zip(one.channels, names, strict=True))
    form = BodyForm.of(replace(one, channels=channels))
    assert form == BodyForm(arms=Arms.DUAL, waist=False, mobile_base=True)
    assert BodyForm.of(one).arms is Arms.SINGLE


def test_rich_prompt_adds_unit_limits_and_reference_of_each_channel() -> None:
    one = body(channels=2)
    channels = (one.channels[0], replace(one.channels[1], reference=Reference.CHUNK_START))
    text = write_prompt(replace(one, channels=channels), "go", rich=True)
    assert (
        "25 Hz. The action channels are joint_0 in rad from -2.5 to 2.5; joint_1 in rad from -2.5 to 2.5 "
        "relative to the start of the chunk. Please"
    ) in text


@pytest.mark.parametrize(
    "instruction",
    ["", " . ", "a\nb", "a\x00b", "see <|image|> there", "a" * (MAX_INSTRUCTION_CHARS + 1), "a" * 100_000],
    ids=["empty", "stop", "lines", "nul", "token", "long", "100kB"],
)
def test_refuses_an_instruction_that_is_no_short_line_of_text(instruction: str) -> None:
    with pytest.raises(GoalError) as refused:
        write_prompt(body(), instruction)
    assert refused.value.field == "instruction"
    assert len(str(refused.value)) < 400


def test_takes_an_instruction_of_exactly_the_longest() -> None:
    assert write_prompt(body(), "a" * MAX_INSTRUCTION_CHARS).endswith("aaa.")
