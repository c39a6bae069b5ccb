"""Messages: whatever array goes in comes out bit for bit, and nothing comes out that is not expected."""

from __future__ import annotations

import io
import pickle
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.errors import RemotePolicyError
from interlock.policy.remote.message import MOST_BYTES, pack, unpack
from interlock.policy.remote.tagged_array import DTYPES, ArrayTag, read_tagged, write_tagged

TAGS = list(ArrayTag)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(sorted(DTYPES))))
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=5)))
    count = int(np.prod(shape)) * dtype.itemsize
    data = draw(st.binary(min_size=count, max_size=count))
    if dtype.kind == "b":
        data = bytes(byte & 1 for byte in data)
    array = np.frombuffer(data, dtype=dtype).reshape(shape)
    return array.transpose() if draw(st.booleans()) else array


@given(arrays(), st.sampled_from(TAGS))
def test_an_array_comes_back_bit_for_bit(array: np.ndarray, tag: ArrayTag) -> None:
    back = unpack(pack({"a": [array]}, tag))["a"][0]
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()
    assert not back.flags.writeable


@given(st.binary(max_size=64))
def test_no_bytes_make_anything_but_values_or_a_refusal(data: bytes) -> None:
    try:
        value = unpack(data)
    except RemotePolicyError:
        return
    assert value is None or isinstance(value, bool | int | float | str | bytes | list | dict | np.ndarray)


@given(st.binary(max_size=200))
def test_no_npy_file_makes_anything_but_an_array_or_a_refusal(tail: bytes) -> None:
    for content in (tail, b"\x93NUMPY\x01\x00" + tail, b"\x93NUMPY\x01\x00\x76\x00" + tail):
        try:
            read = read_tagged({"__ndarray_class__": True, "as_npy": content})
        except RemotePolicyError:
            continue
        assert isinstance(read, np.ndarray)


def test_reads_what_openpi_writes_for_a_number_and_msgpack_numpy_for_both() -> None:
    number = {b"__npgeneric__": True, b"data": 2.5, b"dtype": "<f4"}
    array = {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [2], b"data": bytes(8)}
    scalar = {b"nd": False, b"type": b"<i4", b"data": b"\x05\x00\x00\x00"}
    back = unpack(msgpack.packb([number, array, scalar]))
    assert back[0] == 2.5
    assert np.array_equal(back[1], np.zeros(2, np.float32))
    assert back[2] == 5


@given(arrays())
def test_numpy_itself_loads_the_npy_that_is_sent(array: np.ndarray) -> None:
    content = write_tagged(array, ArrayTag.GROOT)["as_npy"]
    assert np.load(io.BytesIO(content), allow_pickle=False).tobytes() == array.tobytes()


def test_reads_a_npy_whose_columns_come_first() -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    stream = io.BytesIO()
    np.save(stream, array)
    back = read_tagged({"__ndarray_class__": True, "as_npy": stream.getvalue()})
    assert np.array_equal(back, array)
    assert back.flags.c_contiguous


def npy_header(text: str) -> bytes:
    head = text.encode() + b" " * 60 + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


OPENPI = {"__ndarray__": True, "data": bytes(8), "dtype": "<f4", "shape": [2]}
BAD: dict[str, tuple[bytes | str, str]] = {
    "text": ("hello", "is text"),
    "nothing": (b"", "no msgpack"),
    "two messages": (msgpack.packb(1) + msgpack.packb(2), "no msgpack"),
    "half a message": (msgpack.packb("hello")[:-1], "no msgpack"),
    "an extension": (msgpack.packb(msgpack.ExtType(5, b"x")), "extension type"),
    "a time": (msgpack.packb(msgpack.Timestamp(1)), "never read"),
    "a number as key": (msgpack.packb({1: 2}), "key that is no text"),
    "a key twice": (b"\x82\xa1a\x01\xa1a\x02", "key twice"),
    "a key twice, once as bytes": (b"\x82\xa1a\x01\xc4\x01a\x02", "key twice"),
    "lists within lists": (msgpack.packb(nested(20)), "nested more than"),
    "lists without end": (msgpack.packb(nested(500)), "nested more than"),
    "a list of four billion": (b"\xdd\xff\xff\xff\xff", "no msgpack"),
    "too many values": (msgpack.packb([[0] * 60_000, [0] * 60_000]), "more than 65536 values"),
    "broken UTF-8": (b"\xa2\xff\xff", "no msgpack"),
    "a tag and more": (msgpack.packb({**OPENPI, "more": 1}), "other keys"),
    "two tags": (msgpack.packb({**OPENPI, "nd": True}), "more than one way"),
    "a tag alone": (msgpack.packb({"__ndarray__": True}), "other keys"),
    "text for data": (msgpack.packb({**OPENPI, "data": "x" * 8}), "has no bytes"),
    "too few bytes": (msgpack.packb({**OPENPI, "shape": [3]}), "says shape"),
    "too many bytes": (msgpack.packb({**OPENPI, "shape": [1]}), "says shape"),
    "no shape": (msgpack.packb({**OPENPI, "shape": 2}), "no shape"),
    "fractions as shape": (msgpack.packb({**OPENPI, "shape": [2.0]}), "not whole numbers"),
    "too many axes": (msgpack.packb({**OPENPI, "shape": [1] * 7 + [2]}), "no shape"),
    "objects": (msgpack.packb({**OPENPI, "dtype": "|O"}), "type that is not read"),
    "a dtype of its own": (msgpack.packb({**OPENPI, "dtype": "<f4,<f4"}), "type that is not read"),
    "a number that is none": (
        msgpack.packb({"__npgeneric__": True, "data": "1", "dtype": "<f4"}),
        "is no number",
    ),
    "a pickle": (
        msgpack.packb({"nd": True, "type": "|O", "kind": "O", "shape": [1], "data": pickle.dumps(1)}),
        "objects or records",
    ),
    "a .npy of objects": (
        msgpack.packb(
            {
                "__ndarray_class__": True,
                "as_npy": npy_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"\x80\x04.",
            }
        ),
        "type that is not read",
    ),
    "a .npy larger than the world": (
        msgpack.packb(
            {
                "__ndarray_class__": True,
                "as_npy": npy_header(
                    "{'descr': '<f8', 'fortran_order': False, 'shape': (2000000000, 2000000000)}"
                ),
            }
        ),
        "says shape",
    ),
    "a .npy that computes": (
        msgpack.packb({"__ndarray_class__": True, "as_npy": npy_header("__import__('os').getpid()")}),
        "no .npy file",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses_bytes_with_the_reason(case: str) -> None:
    data, reason = BAD[case]
    with pytest.raises(RemotePolicyError, match=reason):
        unpack(data)


def test_refuses_a_message_that_is_too_large_either_way() -> None:
    with pytest.raises(RemotePolicyError, match="larger than"):
        unpack(bytes(MOST_BYTES + 1))
    with pytest.raises(RemotePolicyError, match="larger than"):
        pack(np.zeros(MOST_BYTES, np.uint8), ArrayTag.OPENPI)


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), np.zeros(2, complex), 2**70, 1j])
def test_sends_nothing_but_plain_values(value: Any) -> None:
    with pytest.raises(RemotePolicyError):
        pack({"a": value}, ArrayTag.OPENPI)


@pytest.mark.parametrize("tag", TAGS)
def test_a_number_of_numpy_is_sent_as_a_number(tag: ArrayTag) -> None:
    assert unpack(pack([np.float32(0.5), np.int64(3), np.bool_(True)], tag)) == [0.5, 3, True]


def test_what_is_sent_carries_no_pickle() -> None:
    for tag in TAGS:
        with pytest.raises(RemotePolicyError, match="may not be sent"):
            write_tagged(np.array([{"a": 1}]), tag)
