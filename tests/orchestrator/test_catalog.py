"""The lists show everything that ships, and mark the default."""

from __future__ import annotations

import pytest

from interlock.guards.verdict import Family
from interlock.orchestrator import catalog
from interlock.orchestrator.cell_folder import DEFAULT_CELL


def test_every_guard_family_is_listed_with_a_text_and_always_on() -> None:
    entries = catalog.list_guards()
    assert [e.name for e in entries[: len(Family)]] == [family.value for family in Family]
    assert all(e.text and e.default for e in entries[: len(Family)])


def test_the_default_cell_is_marked_and_no_other() -> None:
    entries = catalog.list_cells()
    assert [e.name for e in entries if e.default] == [DEFAULT_CELL]
    assert not any(e.text.startswith("broken") for e in entries)


def test_the_cells_policy_is_marked_and_no_other() -> None:
    entries = catalog.list_policies("reckless")
    assert [e.name for e in entries if e.default] == ["reckless"]
    expected = {
        "scripted",
        "replay",
        "reckless",
        "random",
        "nan",
        "stale",
        "frozen",
        "oscillating",
        "wrong_unit",
    }
    assert expected <= {e.name for e in entries}


def test_guard_plug_ins_are_listed_without_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "available_constraints", lambda: {"mine": "no_such_module.guard:Guard"})
    guard = catalog.list_guards()[-1]
    assert (guard.name, guard.origin, guard.default) == ("mine", "no_such_module", False)
    assert "no_such_module.guard:Guard" in guard.text


def test_policy_plug_ins_are_listed_and_may_be_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "available", lambda: [("mine", "my-robots 1.0", "does things")])
    (entry,) = catalog.list_policies("mine")
    assert (entry.name, entry.origin, entry.default, entry.text) == (
        "mine",
        "my-robots 1.0",
        True,
        "does things",
    )
