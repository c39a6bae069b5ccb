"""The folder that takes a run's trace and report."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from interlock.errors import StorageError

__all__ = ["RunFolder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """A folder that is there and can be written.

    Attributes:
        path: the folder.
        made: whether it was made for this run.
    """

    path: Path
    made: bool

    @classmethod
    def claim(cls, given: Path | None, name: str) -> RunFolder:
        """Take the folder `given`, or the first free `runs/<name>-<n>`.

        Two runs that start at once get two folders: the folder is made here, not merely found free.

        Raises:
            StorageError: if it cannot be made or written.
        """
        wanted = [given] if given is not None else (Path("runs") / f"{name}-{n}" for n in itertools.count(1))
        for path in wanted:
            try:
                path.mkdir(parents=True)
                made = True
            except FileExistsError as error:
                if given is None:
                    continue
                if not path.is_dir():
                    raise _unwritable(path, error) from error
                made = False
            except (OSError, ValueError) as error:
                raise _unwritable(path, error) from error
            folder = cls(path=path, made=made)
            folder._try_writing()
            return folder
        raise StorageError(
            "no free folder was found", field="out", value=name, mend="Name one with --out DIR."
        )

    def give_up(self) -> None:
        """Take the folder away again if it was made for this run and nothing was written."""
        if self.made:
            with suppress(OSError):
                self.path.rmdir()

    def _try_writing(self) -> None:
        try:
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            self.give_up()
            raise _unwritable(self.path, error) from error


def _unwritable(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"the output folder cannot be written ({getattr(error, 'strerror', None) or error})",
        field="out",
        value=str(path),
        mend="Name a folder that can be written with --out DIR.",
    )
