"""A hot swap asked for from outside the run: a file in the robot's state folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from interlock.errors import BadInputError
from interlock.hal.state_dir import write_atomically

__all__ = ["SwapRequest"]

_MOST_BYTES = 10_000


class SwapRequest:
    """The request of one robot; the run takes it when a task begins or the arm holds.

    Args:
        state_dir: folder of the robot, which must be there.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "swap.request"
        self._name = os.fspath(self._path)

    def ask(self, checkpoint: Path) -> None:
        """Ask the run on this robot to try a checkpoint.

        Raises:
            StorageError: if it cannot be written.
        """
        write_atomically(self._path, json.dumps({"checkpoint": str(checkpoint.absolute())}), durable=False)

    def drop(self) -> None:
        """Forget what was asked of an earlier run."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def take(self) -> Path | None:
        """The checkpoint asked for since the last call, or None: one `stat` then.

        Raises:
            BadInputError: if the request cannot be read; it is gone then.
        """
        try:
            if os.stat(self._name).st_size > _MOST_BYTES:
                raise ValueError("too long")
            told = json.loads(self._path.read_text(encoding="utf-8"))
            self.drop()
            return Path(_text(told["checkpoint"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            self.drop()
            raise BadInputError(
                f"is no request ({type(error).__name__})",
                field="swap.request",
                value=self._name,
                mend="Write it with `interlock policy swap`.",
            ) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("no path")
    return value
