"""A certificate's digest covers every field to the last bit."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from interlock.guards.certificate import Certificate, Margin, fingerprint

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
