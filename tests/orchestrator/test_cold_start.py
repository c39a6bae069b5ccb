"""A first start says what takes so long, on stderr, and a later one says nothing."""

from __future__ import annotations

import pytest

from interlock.orchestrator import cold_start


@pytest.mark.parametrize("cold", [True, False])
def test_it_is_said_only_where_it_is_so(
    cold: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cold_start, "is_cold", lambda: cold)
    cold_start.say_if_cold()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Compiling the guards for this machine") == cold
    assert bool(said.err) == cold
