"""Reads what a cell tells of options into a dataclass of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from interlock.errors import BadInputError

__all__ = ["told_options", "unusable"]


def told_options(kind: type[Any], told: object, field: str) -> dict[str, Any]:
    """The options of a cell as arguments of `kind`, whose attributes are their names.

    Raises:
        BadInputError: if it is no mapping, or a name is unknown.
    """
    known = ", ".join(each.name for each in fields(kind))
    if not isinstance(told, Mapping):
        raise BadInputError("is no mapping", field=field, value=told, mend=f"Set {known}.")
    for name in told:
        if name not in known.split(", "):
            raise BadInputError("there is no such option", field=f"{field}.{name}", mend=f"Set {known}.")
    return dict(told)


def unusable(field: str, value: object, wanted: str) -> BadInputError:
    """That an option has a value that cannot be used, and what would do."""
    return BadInputError("cannot be used", field=field, value=value, mend=f"Give {wanted}.")
