"""The secret that a server asks for: from a file or the environment, never in a trace."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from interlock.errors import BadInputError, StorageError

__all__ = ["Token"]

_FORM = re.compile(r"[\x21-\x7e]{8,512}")


class Token:
    """A secret; printing it shows nothing.

    Args:
        text: 8 to 512 printable ASCII characters without blanks.
        field: what a message calls the place that it came from.

    Raises:
        BadInputError: if it has another form.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str, field: str) -> None:
        if not _FORM.fullmatch(text):
            raise BadInputError(
                "holds no token", field=field, mend="Give 8 to 512 printable characters without blanks."
            )
        self._text = text

    def __repr__(self) -> str:
        return "Token(…)"

    def reveal(self) -> str:
        """The secret, for the wire."""
        return self._text

    def matches(self, given: object) -> bool:
        """Whether somebody knows it; takes as long for a near miss as for any other."""
        return isinstance(given, str) and hmac.compare_digest(
            self._text.encode(), given.encode("utf-8", "replace")
        )

    @staticmethod
    def new() -> Token:
        """A fresh one of 256 random bits."""
        return Token(secrets.token_urlsafe(32), "token")

    @staticmethod
    def from_file(path: Path, field: str) -> Token:
        """The token in a file that nobody else may read.

        Raises:
            StorageError: if it cannot be read, or others than its owner may read it.
            BadInputError: if it holds no token.
        """
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                raise OSError("it is no regular file")
            text = path.read_text(encoding="ascii").strip() if path.stat().st_size <= 1024 else ""
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise StorageError(
                f"the token cannot be read ({why})",
                field=field,
                value=str(path),
                mend="Name a readable file.",
            ) from error
        if mode & 0o077:
            raise StorageError(
                "others may read the token", field=field, value=str(path), mend=f"Run: chmod 600 {path}"
            )
        return Token(text, field)

    def save(self, path: Path, *, replace: bool) -> None:
        """Write it to a file that only its owner may read.

        Args:
            path: of the file.
            replace: whether a file that is there goes; else it is left as it is, and refused.

        Raises:
            StorageError: if it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if replace:
                path.unlink(missing_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(f"{self._text}\n")
        except OSError as error:
            raise StorageError(
                f"the token cannot be written ({error.strerror or error})",
                field="token_file",
                value=str(path),
                mend="Name a writable place with --token-file FILE, or start again if one is there by now.",
            ) from error

    @staticmethod
    def chosen(file: str | None, variable: str) -> Token | None:
        """The one in `file`; else the one in that environment variable; else none.

        Raises:
            BadInputError: if what is named holds no token.
        """
        if file is not None:
            return Token.from_file(Path(file).expanduser(), "policy.options.token_file")
        text = os.environ.get(variable)
        return None if text is None else Token(text, f"environment variable {variable}")
