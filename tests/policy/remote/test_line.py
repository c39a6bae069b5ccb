"""A line that is kept up by a thread of its own."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.errors import RemotePolicyError
from interlock.policy.remote.deadline import Deadline
from interlock.policy.remote.line import Line


class Breaking:
    """Implements `Wire`: connects at once, and fails at the first question."""

    metadata: Any = None

    def call(self, request: Any, deadline: Deadline) -> Any:
        raise RemotePolicyError(f"cannot say {request}", field="policy server")

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_question_that_failed_is_answered_though_the_line_is_up_again_before_anyone_looks() -> None:
    """The line connects anew in microseconds, before the thread that asked has woken up."""
    line = Line(lambda deadline: Breaking(), lambda metadata: None, deadline_s=20.0, connect_s=20.0)
    line.start()
    try:
        for turn in range(20):
            with pytest.raises(RemotePolicyError, match=f"cannot say {turn}"):
                line.ask(turn)
            line.renew()
    finally:
        line.close()
