"""Several processes play, and what comes is in order as from one."""

from __future__ import annotations

import multiprocessing
import operator
import os
import signal
from contextlib import closing
from itertools import islice

import pytest

pytest.importorskip("pybullet")
pytest.importorskip("pyarrow")

from interlock.errors import StoppedError
from interlock.orchestrator import demo_pool
from interlock.orchestrator.demo_pool import played_in_order
from interlock.orchestrator.demo_run import DemoOrder
from interlock.orchestrator.interrupts import Interrupts

ORDER = DemoOrder(
    cell="panda_tabletop",
    action_space="tool_delta",
    goals=("one", "other"),
    axes=(),
    noise=0.0,
    seed=5,
    attempt=3,
)


@pytest.mark.slow
def test_attempts_come_in_order_and_the_workers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_pool, "play", operator.attrgetter("attempt"))
    with closing(played_in_order(ORDER, 2, Interrupts())) as attempts:
        assert list(islice(attempts, 9)) == list(range(3, 12))
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_worker_that_dies_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_pool, "play", operator.attrgetter("attempt"))
    with closing(played_in_order(ORDER, 2, Interrupts())) as attempts:
        next(attempts)
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)
        with pytest.raises(StoppedError, match=r"has died.*same command again"):
            list(islice(attempts, 100))


def test_goals_are_taken_in_turn_and_each_attempt_has_a_seed_of_its_own() -> None:
    orders = [DemoOrder(**{**_fields(ORDER), "attempt": k}) for k in range(4)]
    assert [order.goal for order in orders] == ["one", "other", "one", "other"]
    assert len({order.run_seed for order in orders}) == 4
    assert orders[1].run_seed == DemoOrder(**{**_fields(ORDER), "attempt": 1}).run_seed


def _fields(order: DemoOrder) -> dict[str, object]:
    return {name: getattr(order, name) for name in DemoOrder.__slots__}
