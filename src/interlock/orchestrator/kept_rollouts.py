"""`rollouts.jsonl`: a line a rollout, under the digest of what it was played with, so that work goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError, StorageError

__all__ = ["KeptRollouts"]


class KeptRollouts:
    """Lines of plain JSON, by seed.

    Args:
        folder: is made if it is not there.
        digest: of what the rollouts were played with.

    Attributes:
        rows: those that are there, by seed; a line that was cut off is not.

    Raises:
        BadInputError: if the folder holds rollouts of something else.
        StorageError: if it cannot be read or made.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self._path = folder / "rollouts.jsonl"
        self._digest = digest
        self.rows: dict[int, dict[str, Any]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        except OSError as error:
            raise self._unusable(error) from error
        for line in lines:
            self._take(line)

    def add(self, seed: int, row: dict[str, Any]) -> None:
        """Keep a row; it is on disk when this returns."""
        self.rows[seed] = row
        entry = {"digest": self._digest, "seed": seed, "row": row}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise self._unusable(error) from error

    def _take(self, line: str) -> None:
        try:
            entry: dict[str, Any] = json.loads(line)
            digest, seed, row = entry["digest"], int(entry["seed"]), dict(entry["row"])
        except (KeyError, TypeError, ValueError):
            return
        if digest != self._digest:
            raise BadInputError(
                "holds rollouts of another cell, policy or variation",
                field="keep",
                value=str(self._path),
                mend="Name a new folder with --keep DIR.",
            )
        self.rows[seed] = row

    def _unusable(self, error: OSError) -> StorageError:
        return StorageError(
            f"cannot be used: {error.strerror}",
            field="keep",
            value=str(self._path),
            mend="Name a folder that can be written with --keep DIR.",
        )
