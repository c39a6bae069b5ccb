from __future__ import annotations

import json
import math
import struct
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.traces.encoding import encode, packed, unpacked


def test_same_record_gives_same_bytes_whatever_the_order_of_its_keys() -> None:
    assert encode({"b": 1, "a": {"d": 2, "c": 3}}) == encode({"a": {"c": 3, "d": 2}, "b": 1})


def test_numbers_that_are_not_finite_become_text_and_never_zero_or_null() -> None:
    text = encode({"x": [math.nan, math.inf, -math.inf, 1.5]})
    assert json.loads(text) == {"x": ["NaN", "Infinity", "-Infinity", 1.5]}
    assert np.isnan(np.array(json.loads(text)["x"], dtype=float)[0])


def test_arrays_mappings_and_numpy_numbers_are_encoded_by_value() -> None:
    record = {"a": np.arange(2.0), "m": MappingProxyType({"k": np.float64(0.5)}), "n": np.int64(3)}
    assert json.loads(encode(record)) == {"a": [0.0, 1.0], "m": {"k": 0.5}, "n": 3}


def test_arrays_in_a_record_with_nan_are_encoded_by_value_too() -> None:
    record = {"a": np.array([np.nan, 1.0]), "m": MappingProxyType({"k": np.float64(np.inf)})}
    assert json.loads(encode(record)) == {"a": ["NaN", 1.0], "m": {"k": "Infinity"}}


def test_lone_surrogates_and_control_characters_survive() -> None:
    text = "\ud800 \x00 \u202e </script>"
    assert json.loads(encode({"goal": text}))["goal"] == text


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=12))
def test_packed_floats_come_back_bit_for_bit(values: list[float]) -> None:
    array = np.array(values, dtype=np.float64)
    assert unpacked(json.loads(encode(packed(array)))).tobytes() == array.tobytes()


@pytest.mark.parametrize("bits", [0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000])
def test_packed_keeps_nan_payloads_and_the_sign_of_zero(bits: int) -> None:
    value = struct.unpack("<d", struct.pack("<Q", bits))[0]
    back = unpacked(packed([[value]]))
    assert back.shape == (1, 1)
    assert struct.unpack("<Q", back.tobytes())[0] == bits
