"""The trained weights that ship, by name."""

from __future__ import annotations

from pathlib import Path

from interlock.errors import BadInputError

__all__ = ["DEFAULT_WEIGHTS", "SHIPPED", "name_of", "shipped_weights", "weights_at"]

SHIPPED = Path(__file__).resolve().with_name("shipped")
"""A checkpoint's folder for each."""

DEFAULT_WEIGHTS = "tiny-scene"
"""What `vla` is without a word."""


def shipped_weights() -> tuple[str, ...]:
    """Names, in order."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/config.json")))


def weights_at(told: str | Path, beside: Path | None = None) -> Path:
    """Absolute folder of a checkpoint: of weights that ship, if `told` is such a name.

    A folder that has the name of weights that ship is told as `./tiny-scene`, or as a `Path`.

    Args:
        told: a name or a folder as text, `~` is the home directory; a `Path` is a folder.
        beside: the folder that others are told from; None for the current one.

    Raises:
        BadInputError: if nothing is told, or somebody's home directory that is not known.
    """
    if isinstance(told, str):
        if not told.strip():
            raise BadInputError(
                "no checkpoint is named",
                field="checkpoint",
                value=told,
                mend=f"Name a folder, or weights that ship: {', '.join(shipped_weights())}.",
            )
        if told in shipped_weights():
            return SHIPPED / told
    try:
        folder = Path(told).expanduser()
    except RuntimeError as error:
        raise BadInputError(
            f"{error}", field="checkpoint", value=str(told), mend="Name its folder."
        ) from None
    return (folder if beside is None else beside / folder).absolute()


def name_of(folder: Path) -> str | None:
    """The name of the weights in a folder, if they ship; else None."""
    found = folder.resolve()
    return found.name if found.parent == SHIPPED and found.name in shipped_weights() else None
