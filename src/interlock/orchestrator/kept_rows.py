"""What long work has done so far: a line of JSON for each piece, kept when it is cut off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError, StorageError
from interlock.orchestrator.code_digest import code_sha256

__all__ = ["KeptRows"]


class KeptRows:
    """Rows of plain JSON under a key, the digest of what they were made with, and that of the code.

    Args:
        path: of the file; its folder is made if it is not there.
        digest: of what decides a row beside its key.
        option: of the command line that names the folder, e.g. "out".

    Attributes:
        rows: those that are there, by key as JSON; a line that was cut off is not, nor is one whose episode
            could not be played, which is worth another try.

    Raises:
        BadInputError: if the file holds rows of something else, or that other code played: behind one number
            stands one program.
        StorageError: if it cannot be read or made, or nobody can say which code runs.
    """

    def __init__(self, path: Path, digest: str, option: str) -> None:
        self._path = path
        self._digest = digest
        self._code = code_sha256()  # now: workers read theirs from here on
        self._option = option
        self.rows: dict[str, dict[str, Any]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        except OSError as error:
            raise self._unusable(error) from error
        self._whole = not text or text.endswith("\n")
        for line in text.splitlines():
            self._take(line)

    def add(self, key: Sequence[Any], row: dict[str, Any]) -> None:
        """Keep a row; it is on disk, on a line of its own, when this returns."""
        entry = {"digest": self._digest, "code": self._code, "key": list(key), "row": row}
        line = json.dumps(entry) + "\n"
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line if self._whole else "\n" + line)
        except OSError as error:
            raise self._unusable(error) from error
        self._whole = True
        self.rows[json.dumps(entry["key"])] = row

    def _take(self, line: str) -> None:
        try:
            entry: dict[str, Any] = json.loads(line)
            digest, code = entry["digest"], entry.get("code")
            key, row = json.dumps(entry.get("key")), dict(entry["row"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return  # cut off
        if digest != self._digest:
            raise BadInputError(
                "holds rows of another cell, policy or variation",
                field=self._option,
                value=str(self._path),
                mend=f"Name a new folder with --{self._option} DIR.",
            )
        if code != self._code:
            raise BadInputError(
                "holds rows that another version of this code played",
                field=self._option,
                value=str(self._path),
                mend=f"Name a new folder with --{self._option} DIR, remove this one, or go on with the code "
                "that began it.",
            )
        if row.get("outcome") != "error":
            self.rows[key] = row

    def _unusable(self, error: OSError) -> StorageError:
        return StorageError(
            f"cannot be used: {error.strerror}",
            field=self._option,
            value=str(self._path),
            mend=f"Name a folder that can be written with --{self._option} DIR.",
        )
