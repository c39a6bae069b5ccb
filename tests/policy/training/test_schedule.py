from __future__ import annotations

from itertools import pairwise

import pytest

from interlock.errors import BadInputError
from interlock.policy.training.schedule import Schedule


def test_rate_rises_to_its_peak_and_ends_at_its_last_share() -> None:
    schedule = Schedule(peak=1e-3, steps=100, warmup=10, last=0.1)
    rates = [schedule.at(step) for step in range(100)]
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == pytest.approx(1e-3)
    assert rates[9] == pytest.approx(1e-3)
    assert all(earlier >= later for earlier, later in pairwise(rates[10:]))
    assert schedule.at(100) == pytest.approx(1e-4)
    assert schedule.at(10_000) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [("peak", 0.0), ("peak", float("nan")), ("steps", 0), ("warmup", 11), ("last", 1.5)],
)
def test_refuses_a_schedule_that_cannot_be(field: str, value: float) -> None:
    with pytest.raises(BadInputError, match=f"schedule.{field}"):
        Schedule(**({"peak": 1.0, "steps": 10, "warmup": 1, "last": 0.0} | {field: value}))
