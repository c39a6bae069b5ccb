"""Two records of the same thing: the first place in which they differ, in words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from interlock.traces.encoding import encode, unpacked

__all__ = ["CLOSE", "difference"]

CLOSE = 1e-6
"""What another processor's arithmetic may add to a number, in its own unit."""

_LONGEST = 80
_OUTER = re.compile(r"\[\d+\](?=\[)")
_HASHES = {
    "/chunk": {"digest"},
    "/preview": {"chunk"},
    "/certificate": {"model", "constraints", "scene", "proposal", "motion", "tail"},
    "/command": {"certificate"},
}
_TEXTS = {"reason", "refusals[*][1]", "numeric_path"}


def difference(topic: str, recorded: bytes | None, now: Mapping[str, Any] | None, *, exact: bool) -> str:
    """How a record differs from what it is now, or "".

    Args:
        topic: the topic of the record.
        recorded: its bytes, or None if there was none.
        now: what it is now, or None if there is none.
        exact: whether every bit counts; else texts and whole numbers have to be the same and other numbers
            within `CLOSE`, but for hashes of computed numbers, reasons in words, and the numeric path.
    """
    encoded = None if now is None else encode(now)
    if recorded == encoded:
        return ""
    what = topic[1:]
    if recorded is None or encoded is None:
        was, now_is = ("none" if one is None else "one" for one in (recorded, encoded))
        return f"{what}: there was {was}, now there is {now_is}"
    one, other = json.loads(recorded), json.loads(encoded)
    found = _walk(one, other, "", 0.0, frozenset())
    if exact:
        return f"{what}{found or ' was written in another way'}"
    found = _walk(one, other, "", CLOSE, frozenset(_left_out(topic)))
    return f"{what}{found}" if found else ""


def _left_out(topic: str) -> set[str]:
    nested = {"/overruled": ("/verdict", "/certificate", "/command")}.get(topic, ())
    names = {f".{name}" for name in _HASHES.get(topic, set()) | _TEXTS}
    return names.union(*({f".{of[1:]}{name}" for name in _left_out(of)} for of in nested))


def _walk(one: Any, other: Any, path: str, close: float, left_out: frozenset[str]) -> str:
    """The first difference below `path`, or ""."""
    if left_out and _generic(path) in left_out:
        return ""
    if isinstance(one, float) and isinstance(other, float):
        return "" if _near(one, other, close) else _said(one, other, path, close)
    if type(one) is not type(other):
        return _said(one, other, path)
    if isinstance(one, dict):
        if close and _packed(one) and _packed(other):
            one, other = ({"shape": each["shape"], "f64": _floats(each)} for each in (one, other))
        for key in sorted({*one, *other}):
            if key not in one or key not in other:
                return _said(one.get(key), other.get(key), f"{path}.{key}")
            found = _walk(one[key], other[key], f"{path}.{key}", close, left_out)
            if found:
                return found
        return ""
    if isinstance(one, list):
        if len(one) != len(other):
            return _said(one, other, path)
        pairs = enumerate(zip(one, other, strict=True))
        below = (_walk(a, b, f"{path}[{i}]", close, left_out) for i, (a, b) in pairs)
        return next((found for found in below if found), "")
    return "" if one == other else _said(one, other, path)


def _generic(path: str) -> str:
    """The path as `_left_out` names it: `refusals[*][1]` for the reason of any refusal."""
    return _OUTER.sub("[*]", path) if path.endswith("[1]") else path


def _near(one: float, other: float, close: float) -> bool:
    return one.hex() == other.hex() or (close > 0.0 and abs(one - other) <= close)


def _packed(value: Mapping[str, Any]) -> bool:
    return value.keys() == {"f64", "shape"}


def _floats(value: Mapping[str, Any]) -> list[Any]:
    """The numbers of a packed array, in a row; those that are not finite as text."""
    row = unpacked(value).ravel().tolist()
    return [number if math.isfinite(number) else str(number) for number in row]


def _said(one: object, other: object, path: str, close: float = 0.0) -> str:
    if close and isinstance(one, float):
        return f"{path} differs by more than {close:g}: was {one}, now it is {other}"
    return f"{path} was {str(one)[:_LONGEST]}, now it is {str(other)[:_LONGEST]}"
