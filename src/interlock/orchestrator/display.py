"""Whether a window can be opened: the simulator ends the whole process if it cannot."""

from __future__ import annotations

import os
import re
import socket

from interlock.errors import BadInputError

__all__ = ["require_display"]

_LOCAL = re.compile(r"(?:unix)?:(\d+)(?:\.\d+)?")


def require_display() -> None:
    """Return if the X display that DISPLAY names answers, or is on another computer.

    Raises:
        BadInputError: if there is none.
    """
    display = os.environ.get("DISPLAY", "")
    local = _LOCAL.fullmatch(display)
    if display and (local is None or _answers(f"/tmp/.X11-unix/X{local[1]}")):
        return
    raise BadInputError(
        "no display can be reached to open the window on",
        field="gui",
        value=f"DISPLAY={display}",
        mend="Leave --gui out, or set DISPLAY to a running X server.",
    )


def _answers(path: str) -> bool:
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.settimeout(2.0)
                connection.connect(address)
            except OSError:
                continue
            return True
    return False
