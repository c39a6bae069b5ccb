"""Messages as bytes: msgpack, bounded in every direction before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgpack
import numpy as np

from interlock.errors import RemotePolicyError
from interlock.policy.remote.tagged_array import ArrayTag, read_tagged, write_tagged

__all__ = ["MOST_BYTES", "pack", "unpack"]

MOST_BYTES = 32 * 2**20
"""A message is never larger: ten pictures of a megapixel."""

_MOST_TEXT = 2**16
_MOST_ITEMS = 2**16
_MOST_KEYS = 2**12
_MOST_DEPTH = 12
_MOST_VALUES = 2**16  # besides the elements of arrays
_MEND = "Speak msgpack as openpi, starVLA and Isaac-GR00T do."


def pack(value: object, tag: ArrayTag) -> bytes:
    """The bytes of a message.

    Args:
        value: None, numbers, text, lists, maps and arrays.
        tag: how arrays are written.

    Raises:
        RemotePolicyError: if it holds something else, or is too large.
    """
    try:
        data: bytes = msgpack.packb(value, default=partial(_written, tag=tag))
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(f"cannot be sent ({error})", None) from error
    if len(data) > MOST_BYTES:
        raise _bad(f"is larger than {MOST_BYTES} bytes", len(data))
    return data


def unpack(data: bytes | str) -> Any:
    """What a message holds: None, numbers, text, bytes, lists, maps with text as keys, read-only arrays.

    Raises:
        RemotePolicyError: if it is text, too large, too deep, no msgpack, or holds anything else.
    """
    if isinstance(data, str):
        raise _bad("is text where bytes belong", data)
    if len(data) > MOST_BYTES:
        raise _bad(f"is larger than {MOST_BYTES} bytes", len(data))
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=False,
            object_pairs_hook=_read,
            ext_hook=_extension,
            max_str_len=_MOST_TEXT,
            max_bin_len=MOST_BYTES,
            max_array_len=_MOST_ITEMS,
            max_map_len=_MOST_KEYS,
        )
    except RemotePolicyError:
        raise
    except Exception as error:  # msgpack has a dozen ways to fail, and a stranger chooses which
        raise _bad(f"is no msgpack that is read ({type(error).__name__}: {error})", data[:12]) from error
    _count(value, 0)
    return value


def _written(value: object, tag: ArrayTag) -> object:
    if isinstance(value, np.ndarray):
        return write_tagged(value, tag)
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()
    raise TypeError(f"a {type(value).__name__} has no place in a message")


def _read(pairs: list[tuple[object, Any]]) -> Any:
    fields: dict[str, Any] = {}
    for key, value in pairs:
        name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
        if not isinstance(name, str):
            raise _bad("has a key that is no text", key)
        if name in fields:
            raise _bad("has a key twice", name)
        fields[name] = value
    tagged = read_tagged(fields)
    return fields if tagged is None else tagged


def _extension(code: int, data: bytes) -> object:
    raise _bad("holds an extension type, which is never read", code)


def _count(value: Any, depth: int) -> int:
    """How many values there are, once each is of a type that is expected."""
    if depth > _MOST_DEPTH:
        raise _bad(f"is nested more than {_MOST_DEPTH} deep", None)
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    if inner is None:
        if value is not None and not isinstance(value, bool | int | float | str | bytes | np.ndarray):
            raise _bad("holds something that is never read", type(value).__name__)
        return 1
    total = 1
    for one in inner:
        total += _count(one, depth + 1)
        if total > _MOST_VALUES:
            raise _bad(f"holds more than {_MOST_VALUES} values outside arrays", None)
    return total


def _bad(what: str, value: object) -> RemotePolicyError:
    return RemotePolicyError(what, field="message", value=value, mend=_MEND)
