from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from interlock.errors import CellError
from interlock.planners.domain import Domain
from interlock.planners.layout import Layout


def test_says_what_stands_where(domain: Domain) -> None:
    facts = Layout.of(domain).facts()
    assert ("on", "red_block", "table") in facts
    assert ("clear", "red_block") in facts


def test_what_carries_something_is_not_clear(change: Callable[..., Domain]) -> None:
    stacked = change("red_block", on="blue_block", position=(0.45, -0.05, 0.09))
    facts = Layout.of(stacked).facts()
    assert ("on", "red_block", "blue_block") in facts
    assert ("clear", "blue_block") not in facts


def test_what_is_lifted_is_nowhere_until_it_is_put_down(domain: Domain) -> None:
    held = Layout.of(domain).lifted("red_block")
    assert held.position("red_block") is None
    assert held.top("red_block") is None
    assert held.footprint("red_block") is None
    assert not any(atom[0] == "on" and atom[1] == "red_block" for atom in held.facts())
    down = held.put("red_block", "tray", (0.45, 0.38, 0.04))
    assert down.position("red_block") == (0.45, 0.38, 0.04)
    assert ("in", "red_block", "tray") in down.facts()


def test_refuses_a_domain_with_one_name_twice(domain: Domain) -> None:
    with pytest.raises(CellError, match="one name"):
        Layout.of(replace(domain, objects=(*domain.objects, domain.objects[0])))


@pytest.mark.parametrize(
    "values",
    [
        {"position": (float("nan"), 0.0, 0.0)},
        {"position": (0.0, float("inf"), 0.0)},
        {"size": (0.1, 0.1, float("nan"))},
        {"size": (0.1, -0.1, 0.1)},
    ],
)
@pytest.mark.parametrize("name", ["red_block", "tray", "pillar", "keep_out"])
def test_refuses_numbers_that_mean_nothing(
    change: Callable[..., Domain], name: str, values: dict[str, object]
) -> None:
    with pytest.raises(CellError, match=rf"objects\.{name}"):
        Layout.of(change(name, **values))


@pytest.mark.parametrize("below", ["nothing", "pillar", "handover_zone"])
def test_refuses_an_object_that_stands_on_no_support(change: Callable[..., Domain], below: str) -> None:
    with pytest.raises(CellError, match=r"objects\.red_block\.on"):
        Layout.of(change("red_block", on=below))
