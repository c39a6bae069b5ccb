"""A line that is kept up by a thread of its own."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from interlock.errors import RemotePolicyError
from interlock.policy.remote.deadline import Deadline
from interlock.policy.remote.line import Line, State


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


class Thinking(Breaking):
    """Answers once it may."""

    def __init__(self, may: threading.Event, asked: threading.Event) -> None:
        self.may, self.asked = may, asked

    def call(self, request: Any, deadline: Deadline) -> Any:
        self.asked.set()
        assert self.may.wait(20.0)
        return f"about {request}"


def test_an_answer_that_comes_while_the_line_is_connected_anew_is_taken() -> None:
    may, asked = threading.Event(), threading.Event()
    line = Line(lambda deadline: Thinking(may, asked), lambda metadata: None, deadline_s=20.0, connect_s=20.0)
    line.start()
    try:
        with ThreadPoolExecutor() as crew:
            answer = crew.submit(line.ask, 1)
            assert asked.wait(20.0)
            renewed = crew.submit(line.renew)
            while line._state is not State.CONNECTING:
                time.sleep(0.001)
            may.set()
            assert answer.result(timeout=20.0) == "about 1"
            renewed.result(timeout=20.0)
            assert line.ask(2) == "about 2"
    finally:
        line.close()
