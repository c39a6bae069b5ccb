"""Text from outside, made fit for a terminal."""

from __future__ import annotations

__all__ = ["plain"]


def plain(text: object) -> str:
    """One line without control characters: a goal or a file must not command a terminal."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(text))
    return shown.encode("utf-8", "replace").decode()
