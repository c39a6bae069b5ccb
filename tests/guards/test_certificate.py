"""A certificate's digest covers every field to the last bit."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from tests.guards.closed_loop import (
    CELLS,
    NOW_NS,
    ask,
    body_of,
    cell_scene,
    gate_of,
    hold,
    node_at_rest,
    straight,
)

from interlock.guards.certificate import Certificate, Margin, fingerprint
from interlock.hal.state import GripperState

PANDA = CELLS[0]
HOME = body_of(PANDA).robot.home

CERTIFICATE = Certificate(
    seq=1,
    epoch=2,
    stamp_ns=3,
    model="m",
    constraints="c",
    scene="s",
    phase="p",
    chunk="k",
    motion="n",
    rung="projected",
    margins=(Margin(family="environment", value=0.1, unit="m", where="a and b"),),
    stop_time_s=0.2,
    stop_distance_rad=0.3,
    solver_status="daqp 1",
    slack_m_s=0.01,
    residual_m_s=1e-9,
    dual=0.5,
    interval_bound_m=0.002,
    intervals=7,
    state="st",
    proposal="pr",
    tail="ta",
    lateness_ns=4,
    numeric_path="compiled",
)


@pytest.mark.parametrize("field", [f.name for f in fields(Certificate)])
def test_every_field_counts(field):
    value = getattr(CERTIFICATE, field)
    if field == "margins":
        other = (replace(value[0], value=float(np.nextafter(0.1, 1.0))),)
    elif isinstance(value, float):
        other = float(np.nextafter(value, 1.0))
    else:
        other = value + value
    assert replace(CERTIFICATE, **{field: other}).digest != CERTIFICATE.digest


def test_equal_certificates_have_one_digest():
    assert Certificate(**{f.name: getattr(CERTIFICATE, f.name) for f in fields(Certificate)}).digest == (
        CERTIFICATE.digest
    )
    assert len(CERTIFICATE.digest) == 64


def test_a_fingerprint_covers_every_digit_of_an_array():
    array = np.linspace(0.0, 1.0, 2000)  # numpy itself would print the ends of it, to eight digits
    nearly = array.copy()
    nearly[1000] = np.nextafter(nearly[1000], 1.0)
    assert fingerprint({"a": array}) != fingerprint({"a": nearly})
    assert fingerprint({"a": array}) == fingerprint({"a": array.tolist()})


def test_a_fingerprint_does_not_depend_on_the_order_of_keys():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint(asdict(CERTIFICATE)) == CERTIFICATE.digest


def _certified(**change):
    given = ask(PANDA, node_at_rest(HOME), hold(PANDA, HOME), cell_scene(PANDA))
    state = replace(given.state, **change)
    return gate_of(PANDA).decide(replace(given, state=state, now_ns=NOW_NS + 1_000_000)).certificate


@pytest.mark.parametrize("field", ["q", "v"])
def test_every_bit_of_the_measured_state_counts(field):
    nudged = np.array(getattr(ask(PANDA, node_at_rest(HOME), None, cell_scene(PANDA)).state, field))
    nudged[4] = np.nextafter(nudged[4], 9.0)
    assert _certified(**{field: nudged}).state != _certified().state


def test_stamp_and_gripper_of_the_state_count():
    states = {
        _certified().state,
        _certified(stamp_ns=NOW_NS + 1).state,
        _certified(gripper=None).state,
        _certified(gripper=GripperState(width_m=float(np.nextafter(0.06, 1.0)), force_n=0.0)).state,
        _certified(gripper=GripperState(width_m=0.06, force_n=1e-300)).state,
    }
    assert len(states) == 5


def test_an_as_proposed_release_asks_no_solver_and_says_what_was_shown():
    certificate = _certified()
    assert (certificate.solver_status, certificate.slack_m_s, certificate.dual) == ("", 0.0, 0.0)
    assert certificate.intervals >= 1
    distances = [m.value for m in certificate.margins if m.unit == "m"]
    assert 0.0 <= certificate.interval_bound_m <= min(distances)


def test_a_projected_release_tells_the_residual_computed_afresh():
    target = HOME.copy()
    target[0] += 0.5
    given = ask(PANDA, node_at_rest(HOME), straight(PANDA, HOME, target, 2.0), cell_scene(PANDA))
    certificate = gate_of(PANDA).decide(given).certificate
    assert certificate.rung == "projected"
    assert certificate.solver_status.startswith("daqp")
    assert certificate.dual > 0.0
    assert 0.0 <= certificate.residual_m_s < 1e-6
