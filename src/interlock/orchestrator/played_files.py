"""Which files of a checkpoint decide what it proposes."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["played_files"]

_NOT_PLAYED = ("SHA256SUMS", "card.md")


def played_files(checkpoint: str, *, without: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Name and SHA-256 of each file, in order of the names.

    The card is left out, and with it the sums: nothing is proposed from it, and results are written into it
    afterwards.

    Args:
        checkpoint: its folder; "" for none.
        without: names to leave out besides.
    """
    paths = sorted(Path(checkpoint).iterdir()) if checkpoint else []
    names = (*_NOT_PLAYED, *without)
    return [(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in paths if p.name not in names]
