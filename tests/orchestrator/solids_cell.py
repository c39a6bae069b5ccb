"""The Panda's cell once more: pillar and block are convex hulls, between a floor, a wall and a slope."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from interlock.orchestrator.cell_folder import find_cell

__all__ = ["PILLAR", "write_solids_cell"]

PILLAR = [
    [x * share, y * share, z]
    for z, share in ((-0.15, 1.0), (0.15, 0.6))
    for x, y in ((0.04, 0.0), (0.02, 0.03), (-0.02, 0.03), (-0.04, 0.0), (-0.02, -0.03), (0.02, -0.03))
]
"""A pillar of six sides that tapers."""

_BLOCK = [[x, y, z] for x in (-0.02, 0.02) for y in (-0.02, 0.02) for z in (-0.03, 0.03)]


def _endless(name: str, normal: list[float], offset_m: float) -> dict[str, Any]:
    return {
        "name": name,
        "noun": name,
        "role": "obstacle",
        "position_m": [0.0, 0.0, 0.0],
        "parts": [{"half_space": {"normal": normal, "offset_m": offset_m}}],
    }


def write_solids_cell(folder: Path) -> Path:
    """Write the cell to a folder."""
    data = yaml.safe_load(find_cell("panda_tabletop").read_text(encoding="utf-8"))
    things = {thing["name"]: thing for thing in data["scene"]["objects"]}
    things["pillar"]["parts"] = [{"convex_hull": {"vertices_m": PILLAR}}]
    things["red_block"]["parts"] = [{"convex_hull": {"vertices_m": _BLOCK}}]
    data["scene"]["objects"] += [
        _endless("ground", [0.0, 0.0, 2.0], -0.10),
        _endless("wall", [1.0, 0.0, 0.0], -0.50),
        _endless("slope", [0.6, 0.0, -0.8], -1.00),
    ]
    path = folder / "cell.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path
