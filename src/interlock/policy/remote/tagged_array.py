"""Arrays inside messages: the ways in which the known protocols write one down, and no other.

Three conventions are in use. Each is read whatever the protocol, and a protocol writes its own:

- openpi and starVLA: a map of `__ndarray__`, `data`, `dtype`, `shape` (keys are bytes), C order;
- Isaac-GR00T: a map of `__ndarray_class__` and `as_npy`, a whole .npy file;
- the package msgpack-numpy: a map of `nd`, `type`, `kind`, `shape`, `data`; only read.

No convention may bring objects: that is where a pickle would hide.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.errors import RemotePolicyError

__all__ = ["DTYPES", "MOST_AXES", "ArrayTag", "read_tagged", "write_tagged"]

DTYPES = frozenset({"|b1", "|u1", "|i1"} | {f"<{kind}{size}" for kind in "iu" for size in (2, 4, 8)}) | {
    "<f2",
    "<f4",
    "<f8",
}
"""Every element type that may cross a wire: booleans, integers and floats, little-endian."""

MOST_AXES = 6
"""No array of an observation or an action has more axes (batch, time, height, width, channel)."""


class ArrayTag(StrEnum):
    """How a protocol writes an array."""

    OPENPI = "__ndarray__"
    GROOT = "__ndarray_class__"


_NUMPY = "nd"  # of msgpack-numpy
_SCALAR = "__npgeneric__"  # of openpi
_TAGS = frozenset({ArrayTag.OPENPI.value, ArrayTag.GROOT.value, _NUMPY, _SCALAR})


def write_tagged(array: NDArray[Any], tag: ArrayTag) -> dict[Any, Any]:
    """The map that stands for `array`.

    Raises:
        RemotePolicyError: for an element type that may not cross a wire.
    """
    values = np.ascontiguousarray(array).reshape(array.shape)
    if values.dtype.str not in DTYPES:
        raise _bad("may not be sent: elements of this type", values.dtype.str)
    if tag is ArrayTag.OPENPI:
        return {
            b"__ndarray__": True,
            b"data": values.tobytes(),
            b"dtype": values.dtype.str,
            b"shape": list(values.shape),
        }
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, version=(1, 0), allow_pickle=False)
    return {"__ndarray_class__": True, "as_npy": stream.getvalue()}


def read_tagged(fields: Mapping[str, Any]) -> Any:
    """The array or number that a map stands for, or None if it is an ordinary map.

    Args:
        fields: the map, keys as text whichever way they came.

    Returns:
        A read-only array in C order, a number, or None.

    Raises:
        RemotePolicyError: if it says that it is one and is not.
    """
    found = sorted(_TAGS & fields.keys())
    if not found:
        return None
    if len(found) > 1:
        raise _bad("is tagged in more than one way", found)
    tag = found[0]
    if tag == ArrayTag.GROOT:
        _exactly(fields, {tag, "as_npy"})
        return _npy(fields["as_npy"])
    if tag == _SCALAR:
        _exactly(fields, {tag, "data", "dtype"})
        return _number(fields["data"], fields["dtype"])
    if tag == ArrayTag.OPENPI:
        _exactly(fields, {tag, "data", "dtype", "shape"})
        return _array(fields["data"], fields["dtype"], fields["shape"])
    return _msgpack_numpy(fields)


def _msgpack_numpy(fields: Mapping[str, Any]) -> Any:
    if fields.get("kind", b"") not in (b"", ""):  # b"O" is a pickle, b"V" a record
        raise _bad("holds objects or records, which are never read", fields["kind"])
    kind = fields.get("type")
    if fields[_NUMPY] is True:
        _exactly(fields, {_NUMPY, "type", "kind", "shape", "data"})
        return _array(fields["data"], kind, fields["shape"])
    _exactly(fields, {_NUMPY, "type", "data"})
    return _array(fields["data"], kind, []).item()


def _array(data: object, kind: object, shape: object) -> NDArray[Any]:
    dtype = _dtype(kind)
    if not isinstance(data, bytes):
        raise _bad("has no bytes", type(data).__name__)
    axes = _shape(shape)
    size = math.prod(axes) * dtype.itemsize
    if size != len(data):
        raise _bad(f"says shape {axes} of {dtype.str}, which is {size} bytes", f"{len(data)} bytes")
    return np.frombuffer(data, dtype=dtype).reshape(axes)  # over bytes: nobody can write to it


def _dtype(kind: object) -> np.dtype[Any]:
    if isinstance(kind, bytes):
        kind = kind.decode("ascii", "replace")
    if not isinstance(kind, str) or kind not in DTYPES:
        raise _bad("has elements of a type that is not read", kind)
    return np.dtype(kind)


def _shape(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, list | tuple) or len(shape) > MOST_AXES:
        raise _bad(f"has no shape of at most {MOST_AXES} axes", shape)
    if not all(type(length) is int and 0 <= length <= 2**31 for length in shape):
        raise _bad("has a shape that is not whole numbers", shape)
    return tuple(shape)


def _number(data: object, kind: object) -> bool | int | float:
    letter = _dtype(kind).kind
    if letter == "b" and isinstance(data, bool):
        return data
    if letter in "iu" and isinstance(data, int) and not isinstance(data, bool):
        return data
    if letter == "f" and isinstance(data, int | float) and not isinstance(data, bool):
        return float(data)
    raise _bad(f"is no number of type {kind!r}", data)


def _npy(content: object) -> NDArray[Any]:
    """The array of a .npy file, whose header is checked before anything is allocated for it."""
    if not isinstance(content, bytes):
        raise _bad("has no .npy file", type(content).__name__)
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, columns_first, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, columns_first, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError(f"version {version}")
    except Exception as error:  # the header is text of a stranger's that numpy evaluates as a literal
        raise _bad(f"is no .npy file that is read ({error})", content[:12]) from error
    array = _array(content[stream.tell() :], dtype.str, tuple(shape)[::-1] if columns_first else tuple(shape))
    if not columns_first:
        return array
    turned = np.ascontiguousarray(array.transpose())
    turned.setflags(write=False)
    return turned


def _exactly(fields: Mapping[str, Any], keys: set[str]) -> None:
    if fields.keys() != keys:
        raise _bad(f"is written with other keys than {sorted(keys)}", sorted(fields))


def _bad(what: str, value: object) -> RemotePolicyError:
    return RemotePolicyError(
        what, field="message.array", value=value, mend="Send plain numbers: booleans, integers or floats."
    )
