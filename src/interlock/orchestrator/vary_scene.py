"""Varies what stands where, and what it is like: position, arrangement, instance.

Each axis is two functions: what is drawn, as plain JSON, and what that does to the data of a cell file.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from interlock.errors import CellError
from interlock.orchestrator.axes import Axis, choice_of, span_of
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.cell_schema import ObjectSection
from interlock.orchestrator.spread import Split
from interlock.planners.domain import Role

__all__ = [
    "apply_arrangement",
    "apply_instance",
    "apply_position",
    "draw_arrangement",
    "draw_instance",
    "draw_position",
]

Data = dict[str, Any]
_ATTEMPTS = 10_000


def draw_position(cell: Cell, generator: np.random.Generator, split: Split) -> Data:
    """Offset along x and y [m] and yaw [rad] of each movable object, keeping the cell's separation.

    Raises:
        CellError: if the cell leaves no room for it.
    """
    things = _movable(cell)
    for _ in range(_ATTEMPTS):
        drawn = {}
        for thing in things:
            far = span_of(Axis.POSITION, "offset_m").draw(generator, split)
            along, across = far * float(generator.choice((-1.0, 1.0))), float(generator.uniform(-far, far))
            dx, dy = (along, across) if generator.random() < 0.5 else (across, along)
            drawn[thing.name] = [dx, dy, span_of(Axis.POSITION, "yaw_rad").draw(generator, split)]
        if _apart(cell, things, drawn):
            return drawn
    raise CellError(
        "the scene leaves no room to vary positions",
        field="scene.min_separation_m",
        value=cell.file.scene.min_separation_m,
        mend="Lessen it, or move the places of the blocks apart.",
    )


def apply_position(data: Data, drawn: Mapping[str, Any]) -> None:
    """Move and turn; a seed moves them no further."""
    for thing in data["scene"]["objects"]:
        if thing["name"] in drawn:
            dx, dy, yaw = drawn[thing["name"]]
            x, y, z = thing["position_m"]
            thing["position_m"] = [x + dx, y + dy, z]
            thing["yaw_rad"] = yaw
            thing.pop("jitter", None)


def draw_arrangement(cell: Cell, generator: np.random.Generator, split: Split) -> Data:
    """Whose place each movable object takes, by name: an even permutation if seen, else an odd one."""
    names = [thing.name for thing in _movable(cell)]
    parity = 0 if choice_of(Axis.ARRANGEMENT, "parity").draw(generator, split) == "even" else 1
    orders = [o for o in itertools.permutations(range(len(names))) if _inversions(o) % 2 == parity]
    order = orders[int(generator.integers(len(orders)))] if orders else tuple(range(len(names)))
    return {name: names[place] for name, place in zip(names, order, strict=True)}


def apply_arrangement(data: Data, drawn: Mapping[str, Any]) -> None:
    """Exchange the places; heights stay those of the objects."""
    places = {thing["name"]: thing.get("position_m") for thing in data["scene"]["objects"]}
    for thing in data["scene"]["objects"]:
        if thing["name"] in drawn:
            x, y, _ = places[drawn[thing["name"]]]
            thing["position_m"] = [x, y, thing["position_m"][2]]


def draw_instance(cell: Cell, generator: np.random.Generator, split: Split) -> Data:
    """Scale of width and height of each movable object, and shade of its colour and of each tray's."""
    drawn: Data = {}
    for thing in cell.file.scene.objects:
        if thing.role is Role.OBSTACLE:
            continue
        width, height, shade = (
            span_of(Axis.INSTANCE, key).draw(generator, split) for key in ("width", "height", "shade")
        )
        whole = thing.role is Role.SUPPORT
        if not whole or thing.stands_on is not None:  # the table is for the textures
            rgb = [min(1.0, part * shade) for part in cell.colors()[thing.name][:3]]
            drawn[thing.name] = [1.0, 1.0, rgb] if whole else [width, height, rgb]
    return drawn


def apply_instance(data: Data, drawn: Mapping[str, Any]) -> None:
    """Scale the boxes, keep them standing, and shade the colours."""
    for thing in data["scene"]["objects"]:
        if thing["name"] not in drawn:
            continue
        width, height, rgb = drawn[thing["name"]]
        thing["rgba"] = [*rgb, 1.0]
        boxes = [part["box"] for part in thing["parts"] if "box" in part]
        if (width, height) == (1.0, 1.0) or len(boxes) != 1 or len(thing["parts"]) != 1:
            continue
        x, y, z = boxes[0]["size_m"]
        boxes[0]["size_m"] = [x * width, y * width, z * height]
        place = thing["position_m"]
        thing["position_m"] = [place[0], place[1], place[2] + 0.5 * z * (height - 1.0)]


def _movable(cell: Cell) -> list[ObjectSection]:
    return [thing for thing in cell.file.scene.objects if thing.role is Role.MOVABLE]


def _apart(cell: Cell, things: list[ObjectSection], drawn: Data) -> bool:
    """Whether the centres keep the separation wherever the blocks are exchanged."""
    spots = [thing.position_m for thing in things if thing.position_m is not None]
    least = cell.file.scene.min_separation_m
    offsets = [drawn[thing.name] for thing in things]
    return all(
        math.dist((a[0] + p[0], a[1] + p[1]), (b[0] + q[0], b[1] + q[1])) >= least
        for (a, b) in itertools.combinations(spots, 2)
        for (p, q) in itertools.permutations(offsets, 2)
    )


def _inversions(order: tuple[int, ...]) -> int:
    return sum(a > b for a, b in itertools.combinations(order, 2))
