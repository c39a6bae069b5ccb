"""Puts textures on the bodies of a physics client; only cameras notice."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pybullet
from PIL import Image

from interlock.errors import CellError
from interlock.hal.look import Look
from interlock.hal.simulator.paint import paint

__all__ = ["dress"]


def dress(client: int, bodies: Mapping[str, int], look: Look) -> None:
    """Put the look's textures on.

    Args:
        client: physics client.
        bodies: body ids by name of the object.
        look: what to put on.

    Raises:
        CellError: if a texture is for an object that is not there.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-") as folder:
        for name, texture in look.textures.items():
            if name not in bodies:
                raise CellError(
                    "no such object",
                    field="look.textures",
                    value=name,
                    mend=f"Use one of {', '.join(sorted(bodies))}.",
                )
            picture = paint(texture)
            # PyBullet remembers files by name: the name is a hash of what is in it.
            path = Path(folder) / f"{hashlib.sha256(picture.tobytes()).hexdigest()}.png"
            Image.fromarray(picture).save(path)
            number = pybullet.loadTexture(str(path), physicsClientId=client)
            pybullet.changeVisualShape(
                bodies[name],
                -1,
                textureUniqueId=number,
                rgbaColor=[1.0, 1.0, 1.0, 1.0],
                physicsClientId=client,
            )
