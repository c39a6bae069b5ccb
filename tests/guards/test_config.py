"""A gate is not built from numbers that would let a check pass."""

from __future__ import annotations

import pytest

from interlock.errors import BadInputError
from interlock.guards.config import GateConfig
from interlock.hal.zone import Zone, ZoneKind

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", [0.0, -0.1, NAN, INF, -INF])
@pytest.mark.parametrize("field", ["period_s", "chunk_deadline_s", "state_deadline_s", "scene_deadline_s"])
def test_a_period_or_deadline_is_above_zero(field, value):
    with pytest.raises(BadInputError, match=f"guards.{field}"):
        GateConfig(**{"period_s": 0.01, field: value})


@pytest.mark.parametrize("value", [-1e-9, NAN, INF, -INF])
@pytest.mark.parametrize("field", ["environment_margin_m", "self_margin_m", "position_sigmas"])
def test_a_margin_is_not_below_zero(field, value):
    with pytest.raises(BadInputError, match=f"guards.{field}"):
        GateConfig(**{"period_s": 0.01, field: value})
    assert getattr(GateConfig(**{"period_s": 0.01, field: 0.0}), field) == 0.0


@pytest.mark.parametrize("kind", ZoneKind)
@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ([0, 0, NAN], [1, 1, 1]),
        ([0, 0, 0], [1, INF, 1]),
        ([0, 0, 0], [1, 1, 0]),
        ([0, 2, 0], [1, 1, 1]),
    ],
)
def test_a_zone_has_an_inside(kind, lower, upper):
    with pytest.raises(BadInputError, match=r"guards\.zones\.z"):
        GateConfig(period_s=0.01, zones=(Zone(name="z", kind=kind, lower=lower, upper=upper),))
