"""One variation of a cell: which blocks stand where, how all looks, how a step is said."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zlib import crc32

import numpy as np
import yaml

from interlock.errors import BadInputError
from interlock.hal.look import Look
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.cell import Cell
from interlock.orchestrator.nearest import nearest
from interlock.orchestrator.spread import Split
from interlock.orchestrator.vary_look import (
    apply_camera,
    draw_camera,
    draw_lighting,
    draw_texture,
    look_of,
)
from interlock.orchestrator.vary_scene import (
    apply_arrangement,
    apply_instance,
    apply_position,
    draw_arrangement,
    draw_instance,
    draw_position,
)
from interlock.policy.wording import Wording

__all__ = ["Variation", "axes_named"]

Draw = Callable[[Cell, np.random.Generator, Split], dict[str, Any]]
Apply = Callable[[dict[str, Any], Mapping[str, Any]], None]


def _draw_paraphrase(cell: Cell, generator: np.random.Generator, split: Split) -> dict[str, Any]:
    names = tuple(thing.name for thing in cell.file.scene.objects)
    wording = Wording.drawn(generator, held_out=split is Split.HELD_OUT, names=names)
    return {"templates": dict(wording.templates), "colors": dict(wording.colors)}


_DRAWS: Mapping[Axis, Draw] = MappingProxyType(
    {
        Axis.POSITION: draw_position,
        Axis.ARRANGEMENT: draw_arrangement,
        Axis.LIGHTING: draw_lighting,
        Axis.TEXTURE: draw_texture,
        Axis.INSTANCE: draw_instance,
        Axis.CAMERA: draw_camera,
        Axis.PARAPHRASE: _draw_paraphrase,
    }
)
# Places are exchanged before the blocks are moved around them.
_APPLIES: Mapping[Axis, Apply] = MappingProxyType(
    {
        Axis.ARRANGEMENT: apply_arrangement,
        Axis.POSITION: apply_position,
        Axis.INSTANCE: apply_instance,
        Axis.CAMERA: apply_camera,
    }
)


def axes_named(text: str) -> tuple[Axis, ...]:
    """The axes of a list such as "position,lighting"; "all" and "none" are lists too.

    Raises:
        BadInputError: if a name is not one of an axis.
    """
    if text in ("all", "none"):
        return tuple(Axis) if text == "all" else ()
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in list(Axis):
            raise BadInputError(
                "there is no such way to vary a cell",
                field="variation",
                value=name,
                mend=nearest(name, [*Axis, "all", "none"]),
            )
    return tuple(axis for axis in Axis if axis in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What was drawn for one run; the same axes, splits and seed give the same for the same cell.

    An axis draws from a stream of its own: what one gives does not depend on which others there are.

    Attributes:
        seed: what it was drawn from.
        splits: seen or held out, by axis; an axis that is not there is not varied.
        drawn: what was drawn, by axis, as plain JSON.
    """

    seed: int
    splits: Mapping[Axis, Split]
    drawn: Mapping[Axis, Any]

    @classmethod
    def none(cls) -> Variation:
        """The cell as it is."""
        return cls(seed=0, splits=MappingProxyType({}), drawn=MappingProxyType({}))

    @classmethod
    def draw(cls, cell: Cell, splits: Mapping[Axis, Split], seed: int) -> Variation:
        """Draw one.

        Args:
            cell: what is varied.
            splits: seen or held out, by axis.
            seed: decides, 0 or above.

        Raises:
            CellError: if the cell leaves no room for it.
        """
        drawn = {
            axis: _DRAWS[axis](cell, np.random.default_rng([seed, crc32(axis.encode())]), Split(split))
            for axis, split in splits.items()
        }
        return cls(seed=seed, splits=MappingProxyType(dict(splits)), drawn=MappingProxyType(drawn))

    @classmethod
    def seen(cls, cell: Cell, axes: Iterable[Axis], seed: int) -> Variation:
        """Draw one in which all these axes are as they are taught."""
        return cls.draw(cell, dict.fromkeys(axes, Split.SEEN), seed)

    def apply(self, cell: Cell) -> Cell:
        """The varied cell: checked anew, so that planner, gate, simulator and cameras mean the same one.

        Raises:
            CellError: if the varied cell breaks a rule.
        """
        changes = [(axis, change) for axis, change in _APPLIES.items() if axis in self.drawn]
        if not changes:
            return cell
        data = yaml.safe_load(cell.text)
        for axis, change in changes:
            change(data, copy.deepcopy(self.drawn[axis]))
        return Cell.read(yaml.safe_dump(data, sort_keys=False).encode(), cell.path)

    @property
    def look(self) -> Look:
        """Light, textures and background."""
        return look_of(self.drawn)

    @property
    def wording(self) -> Wording:
        """How each step is said."""
        said = self.drawn.get(Axis.PARAPHRASE)
        return Wording() if said is None else Wording(templates=said["templates"], colors=said["colors"])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON from which `from_json` makes the same variation."""
        plain: dict[str, Any] = json.loads(
            json.dumps({"seed": self.seed, "splits": dict(self.splits), "drawn": dict(self.drawn)})
        )
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Variation:
        """The variation that `to_json` told of.

        Raises:
            BadInputError: if it does not have that form.
        """
        try:
            return cls(
                seed=int(data["seed"]),
                splits=MappingProxyType({Axis(k): Split(v) for k, v in data["splits"].items()}),
                drawn=MappingProxyType({Axis(k): v for k, v in data["drawn"].items()}),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInputError(
                f"this is no variation: {type(error).__name__}: {error}",
                field="variation",
                mend="Give what `Variation.to_json` gave.",
            ) from error
