"""Long work that was cut off goes on: a line of JSON for each piece, and what is missing of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from interlock.errors import BadInputError, StoppedError, StorageError
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.ordered_pool import done_in_order

__all__ = ["KeptRows", "Tell", "play_missing"]

Order = TypeVar("Order")

Tell = Callable[[int, int, dict[str, Any] | None], None]
"""Is told how many rows are there, of how many, and the last one."""


class KeptRows:
    """Rows of plain JSON under a key, and under the digest of what they were made with.

    Args:
        path: of the file; its folder is made if it is not there.
        digest: of what decides a row beside its key.
        option: of the command line that names the folder, e.g. "out".

    Attributes:
        rows: those that are there, by key as JSON; a line that was cut off is not, nor is one whose episode
            could not be played, which is worth another try.

    Raises:
        BadInputError: if the file holds rows of something else.
        StorageError: if it cannot be read or made.
    """

    def __init__(self, path: Path, digest: str, option: str) -> None:
        self._path = path
        self._digest = digest
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
        entry = {"digest": self._digest, "key": list(key), "row": row}
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
            digest, key, row = entry["digest"], json.dumps(entry.get("key")), dict(entry["row"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return  # cut off
        if digest != self._digest:
            raise BadInputError(
                "holds rows of another cell, policy or variation",
                field=self._option,
                value=str(self._path),
                mend=f"Name a new folder with --{self._option} DIR.",
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


def play_missing(
    orders: Sequence[Order],
    function: Callable[[Order], dict[str, Any]],
    *,
    key: Callable[[Order], Sequence[Any]],
    kept: KeptRows,
    workers: int,
    tell: Tell,
    interrupts: Interrupts,
) -> list[dict[str, Any]]:
    """Do what is missing, and give all rows in the order of the orders.

    Args:
        orders: everything that is wanted.
        function: does one, and says what is to be kept of it as plain JSON; can be pickled.
        key: of an order, as plain JSON.
        kept: what is there.
        workers: processes that do it.
        tell: as `Tell`.
        interrupts: Ctrl-C: what was done is kept.

    Raises:
        StoppedError: after Ctrl-C.
        StorageError: if a row cannot be kept.
    """
    keys = [json.dumps(list(key(order))) for order in orders]
    missing = [order for order, each in zip(orders, keys, strict=True) if each not in kept.rows]
    done = len(orders) - len(missing)
    tell(done, len(orders), None)
    try:
        with closing(done_in_order(function, missing, workers, "plays episodes")) as played:
            for order, row in zip(missing, played, strict=False):
                if interrupts.cause:
                    break
                kept.add(key(order), row)
                done += 1
                tell(done, len(orders), row)
    except KeyboardInterrupt:
        pass
    if done < len(orders):
        raise StoppedError(
            f"{interrupts.cause or 'operator: Ctrl-C'}; {done} of {len(orders)} episodes are kept",
            mend="Run the same command again: it goes on there.",
        )
    return [kept.rows[each] for each in keys]
