"""Frozen dataclasses to JSON and back; a key too many or too few is refused, a type is never bent.

A field marked `came_later` came later than files that are still read: its key may be missing there, and is
not written where it says what a missing one means, so that a file without it comes out as it went in.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from interlock.errors import CheckpointError

__all__ = ["came_later", "from_json", "parsed", "to_json", "utf8"]

T = TypeVar("T")
_HUGE = 1e300
_LATE = "came later"


def came_later(default: Any) -> Any:
    """A dataclass field whose key files of before it lack, and what it then is."""
    return dataclasses.field(default=default, metadata={_LATE: True})


def to_json(value: Any) -> Any:
    """What `json.dumps` takes: dataclasses as objects, tuples as lists, enums as their text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {
            f.name: to_json(each) for f, each in said if not (f.metadata.get(_LATE) and each == f.default)
        }
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [to_json(each) for each in value]
    return value


def from_json(kind: type[T], data: object, field: str) -> T:
    """Build `kind` from parsed JSON.

    Args:
        kind: a dataclass whose fields are dataclasses, enums, numbers, texts, tuples of those, or None.
        data: what `json.loads` gave.
        field: dotted name of `data`, for the errors.

    Raises:
        CheckpointError: if a key is missing or unknown, or a value has another type.
    """
    if not isinstance(data, Mapping):
        raise CheckpointError("an object is wanted", field=field, value=data, mend="Write it as {...}.")
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    names = [f.name for f in fields]
    wanted = [f.name for f in fields if not f.metadata.get(_LATE)]
    for name in data:
        if name not in names:
            raise CheckpointError(
                "unknown key", field=f"{field}.{name}", mend=f"Known are: {', '.join(names)}."
            )
    for name in wanted:
        if name not in data:
            raise CheckpointError("missing key", field=f"{field}.{name}", mend="Add it; it has no default.")
    return kind(**{name: _value(hints[name], given, f"{field}.{name}") for name, given in data.items()})


def parsed(content: bytes, field: str) -> object:
    """What JSON text holds; a key that stands twice, NaN and Infinity are refused.

    Raises:
        CheckpointError: if it is no whole JSON text in UTF-8.
    """

    def refuse(word: str) -> object:
        raise ValueError(f"{word} is no number")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError(f"a key stands twice among {', '.join(key for key, _ in pairs)[:120]}")
        return dict(pairs)

    try:
        found: object = json.loads(utf8(content, field), parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"is no JSON: {error}",
            field=field,
            mend="Take a whole copy of the file; it is not to be edited by hand.",
        ) from None
    return found


def utf8(content: bytes, field: str) -> str:
    """The text.

    Raises:
        CheckpointError: if it is none.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise CheckpointError(
            "is no UTF-8 text",
            field=field,
            mend="Take a whole copy of the file; it is not to be edited by hand.",
        ) from None


def _value(kind: Any, data: object, field: str) -> Any:
    if isinstance(kind, types.UnionType):
        return _optional(kind, data, field)
    if get_origin(kind) is tuple:
        return _tuple(kind, data, field)
    if dataclasses.is_dataclass(kind):
        return from_json(kind, data, field)  # type: ignore[arg-type]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _enum(kind, data, field)
    return _plain(kind, data, field)


def _optional(kind: Any, data: object, field: str) -> Any:
    if data is None:
        return None
    (inner,) = (each for each in get_args(kind) if each is not types.NoneType)
    return _value(inner, data, field)


def _tuple(kind: Any, data: object, field: str) -> Any:
    if not isinstance(data, list):
        raise CheckpointError("a list is wanted", field=field, value=data, mend="Write it as [...].")
    inner = get_args(kind)[0]
    return tuple(_value(inner, each, f"{field}[{index}]") for index, each in enumerate(data))


def _enum(kind: type[StrEnum], data: object, field: str) -> StrEnum:
    if isinstance(data, str) and data in [each.value for each in kind]:
        return kind(data)
    known = ", ".join(each.value for each in kind)
    raise CheckpointError("not one of the known words", field=field, value=data, mend=f"Known are: {known}.")


def _plain(kind: type, data: object, field: str) -> Any:
    if kind is float and type(data) in (int, float):
        if -_HUGE < data < _HUGE:  # type: ignore[operator]
            return data  # a whole number stays one: fingerprints are taken over the text
    elif type(data) is kind:
        return data
    raise CheckpointError(
        f"{kind.__name__} is wanted", field=field, value=data, mend="Write the type that the field has."
    )
