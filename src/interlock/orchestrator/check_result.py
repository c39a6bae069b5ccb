"""One line of a cell's self-test."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CheckResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found.

    Attributes:
        name: what was checked, e.g. "capsules cover the meshes".
        ok: whether it holds.
        detail: the numbers behind it, one sentence.
    """

    name: str
    ok: bool
    detail: str
