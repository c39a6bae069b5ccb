from __future__ import annotations

import pytest

from interlock.errors import BadInputError
from interlock.orchestrator.display import require_display


@pytest.mark.parametrize("display", ["", ":97", "unix:97.0"])
def test_a_window_without_a_display_is_refused_before_the_simulator_ends_the_process(
    display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(BadInputError, match=r"gui.*--gui out"):
        require_display()


def test_a_display_of_another_computer_is_left_to_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", "elsewhere:0")
    require_display()
