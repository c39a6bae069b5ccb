from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interlock.traces.decimate import peaks, runs

_LADDER = ("good", "fair", "bad")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(2, 20))
def test_highest_and_lowest_value_and_both_ends_are_always_drawn(values: list[float], buckets: int) -> None:
    series = np.array(values)
    drawn = series[peaks(series, buckets)]
    assert drawn.max() == series.max()
    assert drawn.min() == series.min()
    assert (drawn[0], drawn[-1]) == (series[0], series[-1])
    assert len(drawn) <= max(3 * buckets, 3 * buckets + 2)


def test_indices_rise_and_a_gap_stays_a_gap() -> None:
    series = np.sin(np.arange(10_000) / 50.0)
    series[4000:6000] = np.nan
    keep = peaks(series, 100)
    assert (np.diff(keep) > 0).all()
    assert len(keep) < 450
    assert np.isnan(series[keep]).sum() >= 20


def test_few_stretches_are_told_exactly() -> None:
    assert runs(["good", "good", "bad", "good"], _LADDER, 10) == [
        (0, 2, "good"),
        (2, 3, "bad"),
        (3, 4, "good"),
    ]


@given(st.lists(st.sampled_from(_LADDER), min_size=50, max_size=300))
def test_nothing_bad_is_hidden_behind_something_good(labels: list[str]) -> None:
    found = runs(labels, _LADDER, 10)
    shown = [label for start, end, label in found for _ in range(start, end)]
    assert len(shown) == len(labels)
    if len(found) != len(runs(labels, _LADDER, 10**6)):
        assert len(found) <= 10
    for real, told in zip(labels, shown, strict=True):
        assert _LADDER.index(told) >= _LADDER.index(real)


def test_no_labels_give_no_stretches() -> None:
    assert runs([], _LADDER, 5) == []
