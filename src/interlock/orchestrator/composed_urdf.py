"""The text of a URDF put together from others, and where the meshes lie that it names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ComposedUrdf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedUrdf:
    """A whole robot as text. The same parts give the same bytes, wherever they are installed.

    Attributes:
        content: the URDF, UTF-8. Its meshes are `NAME/FILE`, relative to the file.
        folders: the folder that each such NAME stands for.
    """

    content: bytes
    folders: Mapping[str, Path]

    @property
    def digest(self) -> str:
        """SHA-256 over the text and the folders, the name of it on this computer."""
        digest = hashlib.sha256(self.content)
        for name, folder in sorted(self.folders.items()):
            digest.update(f"\0{name}\0{folder}".encode())
        return digest.hexdigest()
