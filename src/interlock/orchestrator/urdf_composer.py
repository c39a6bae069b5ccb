"""Puts several URDF files together as one robot: names prefixed, roots mounted on one link."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from interlock.errors import CellError
from interlock.orchestrator.cell_schema import CompositionSection, MountSection
from interlock.orchestrator.composed_urdf import ComposedUrdf
from interlock.orchestrator.urdf_outline import UrdfOutline
from interlock.orchestrator.urdf_part import UrdfPart
from interlock.orchestrator.urdf_source import find_urdf

__all__ = ["UrdfComposer"]

_FIELD = "robot.urdf"


class UrdfComposer:
    """Composes what one `urdf` section describes.

    Links, joints and materials come over; transmissions and what simulators add to a URDF do not, because
    nothing here reads them.
    """

    def __init__(self, section: CompositionSection, cell_folder: Path) -> None:
        """Read nothing yet.

        Args:
            section: the parts and where they stand.
            cell_folder: the folder of the cell file, to which paths are relative.
        """
        self._section = section
        self._cell_folder = cell_folder
        self._names: set[tuple[str, str]] = set()
        self._folders: dict[Path, str] = {}

    def compose(self) -> ComposedUrdf:
        """The whole robot.

        Raises:
            CellError: if a part is not there, names clash, or a joint cannot be fixed as asked.
            RobotModelError: if a part is not a URDF that Interlock guards.
        """
        self._names.clear()
        self._folders.clear()
        root = ElementTree.Element("robot", name="composed")
        self._add(root, ElementTree.Element("link", name=self._section.root_link), f"{_FIELD}.root_link")
        for index, mount in enumerate(self._section.compose):
            field = f"{_FIELD}.compose[{index}]"
            self._check_prefix(index, mount, field)
            self._mount(root, mount, field)
        ElementTree.indent(root)
        content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
        return ComposedUrdf(content=content, folders={name: path for path, name in self._folders.items()})

    def _check_prefix(self, index: int, mount: MountSection, field: str) -> None:
        earlier = [other.prefix for other in self._section.compose[:index]]
        if mount.prefix in earlier:
            raise CellError(
                "two parts have the same prefix",
                field=f"{field}.prefix",
                value=mount.prefix,
                mend="Give every part a prefix of its own, such as left_ and right_.",
            )

    def _mount(self, root: ElementTree.Element, mount: MountSection, field: str) -> None:
        path = find_urdf(mount.urdf, self._cell_folder, f"{field}.urdf")
        part = UrdfPart(UrdfOutline.read(path), mount, field)
        self._add(root, part.mount_joint(self._section.root_link), f"{field}.prefix")
        for element in part.elements():
            for mesh in element.iter("mesh"):
                self._relocate(mesh, path.parent, field)
            for texture in element.iter("texture"):
                self._relocate(texture, path.parent, field)
            self._add(root, element, f"{field}.prefix")

    def _add(self, root: ElementTree.Element, element: ElementTree.Element, field: str) -> None:
        key = (element.tag, element.get("name", ""))
        if key in self._names and element.tag != "material":
            raise CellError(
                f"two {element.tag}s of the whole robot have the same name",
                field=field,
                value=key[1],
                mend="Choose a prefix, or a root link, with which no two names become the same.",
            )
        self._names.add(key)
        root.append(element)

    def _relocate(self, element: ElementTree.Element, folder: Path, field: str) -> None:
        """Let a mesh or a picture be found from the composed file, through a link to its folder."""
        told = element.get("filename")
        if told is None:
            return
        inside = told.partition("://")[2] if "://" in told else told
        # Not resolved: a package may keep each of its files as a link into a store.
        place = Path(os.path.abspath(folder / inside))
        if not place.is_file():
            raise CellError(
                "a mesh of this part is not there",
                field=f"{field}.urdf",
                value=told,
                mend=f"Looked for {place}. Meshes are looked for from the folder of the URDF.",
            )
        name = self._folders.setdefault(place.parent, f"meshes{len(self._folders)}")
        element.set("filename", f"{name}/{place.name}")
