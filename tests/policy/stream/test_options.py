"""What a cell says of the stream is read strictly: nothing unknown, nothing clamped."""

from __future__ import annotations

import math

import pytest

from interlock.errors import BadInputError
from interlock.policy.stream.options import StreamOptions

WRONG: dict[str, object] = {
    "samples": 0,
    "latency_s": -0.1,
    "rtc": 1,
    "joint_jump_rad": 0.0,
    "tool_jump_m": math.inf,
    "tool_jump_rad": math.nan,
    "blend_s": "long",
    "refuse_above": 0.5,
    "lead_s": None,
    "cold_calls": 1.0,
    "window": True,
}


def test_without_a_word_every_option_has_its_default() -> None:
    assert StreamOptions.read({}) == StreamOptions()


def test_what_is_said_is_taken() -> None:
    read = StreamOptions.read({"latency_s": 1, "rtc": True, "samples": 8})
    assert (read.latency_s, read.rtc, read.samples) == (1.0, True, 8)


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_cannot_be_used_is_named(name: str) -> None:
    with pytest.raises(BadInputError) as caught:
        StreamOptions.read({name: WRONG[name]})
    assert caught.value.field == f"policy.options.stream.{name}"
    assert caught.value.mend


@pytest.mark.parametrize("told", ["rtc", 3, ["rtc"], {"latency": 0.1}])
def test_an_unknown_option_is_refused_with_those_that_there_are(told: object) -> None:
    with pytest.raises(BadInputError, match="latency_s, rtc"):
        StreamOptions.read(told)
