from __future__ import annotations

import pytest

from interlock.traces.markup import number, text


def test_foreign_text_is_escaped_and_keeps_its_direction_to_itself() -> None:
    assert text("<b>\u202e&") == "<bdi>&lt;b&gt;\\x202e&amp;</bdi>"


@pytest.mark.parametrize("value", [None, "3", True, float("nan"), float("inf"), [1]])
def test_what_is_no_number_becomes_a_dash_and_never_zero(value: object) -> None:
    assert "–" in number(value, ".1f", " mm")


def test_number_carries_its_unit_and_no_negative_zero() -> None:
    assert number(-1e-6, ".1f", " mm", 1e3) == '0.0<span class="unit"> mm</span>'
    assert number(12_345, ",.0f", "").startswith("12,345<")
