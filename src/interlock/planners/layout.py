"""Where everything stands, as a plan proceeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from interlock.errors import CellError
from interlock.planners.atoms import Atom, standing
from interlock.planners.domain import Domain, DomainObject, Role
from interlock.planners.footprint import Footprint, Point

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A domain, and where its movable objects are by now.

    Attributes:
        domain: names, sizes and where everything stood at first.
        positions: centre of each movable object in the world, [m]; an object in the hand has none.
        supports: what each movable object stands on; an object in the hand has none.
    """

    domain: Domain
    positions: Mapping[str, Point]
    supports: Mapping[str, str]

    @classmethod
    def of(cls, domain: Domain) -> Layout:
        """The layout the domain describes.

        Raises:
            CellError: two things share a name, a number is not finite or a size negative, or an object stands
                on something that does not exist.
        """
        for thing in domain.objects:
            if not all(map(math.isfinite, (*thing.position, *thing.size))) or min(thing.size) < 0:
                raise CellError(
                    "position and size have to be finite, and sizes not negative",
                    field=f"objects.{thing.name}",
                    value=(thing.position, thing.size),
                    mend="Write numbers in metres.",
                )
        twice = [name for name, count in Counter(o.name for o in domain.objects).items() if count > 1]
        if twice:
            raise CellError("two things have one name", field="objects", value=twice[0], mend="Rename one.")
        movable = [o for o in domain.objects if o.role is Role.MOVABLE]
        for thing in movable:
            below = domain.find(thing.on)
            if thing.on and (below is None or below.role not in (Role.SUPPORT, Role.MOVABLE)):
                raise CellError(
                    "stands on something that is no support",
                    field=f"objects.{thing.name}.on",
                    value=thing.on,
                    mend="Name a support of the cell.",
                )
        return cls(
            domain=domain,
            positions=MappingProxyType({o.name: o.position for o in movable}),
            supports=MappingProxyType({o.name: o.on for o in movable if o.on}),
        )

    def thing(self, name: str) -> DomainObject:
        """The object of that name, which is known to exist.

        Raises:
            KeyError: it does not.
        """
        found = self.domain.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def position(self, name: str) -> Point | None:
        """Centre of an object in the world [m]; None while it is in the hand."""
        thing = self.thing(name)
        return self.positions.get(name) if thing.role is Role.MOVABLE else thing.position

    def footprint(self, name: str) -> Footprint | None:
        """The object seen from above; None while it is in the hand."""
        centre = self.position(name)
        return None if centre is None else Footprint.of(self.thing(name), centre)

    def top(self, name: str) -> float | None:
        """Height of the object's upper side in the world [m]; None while it is in the hand."""
        centre = self.position(name)
        return None if centre is None else centre[2] + self.thing(name).size[2] / 2

    def lifted(self, name: str) -> Layout:
        """The layout once `name` has been picked up."""
        return replace(
            self,
            positions=MappingProxyType({k: v for k, v in self.positions.items() if k != name}),
            supports=MappingProxyType({k: v for k, v in self.supports.items() if k != name}),
        )

    def put(self, name: str, support: str, centre: Point) -> Layout:
        """The layout once `name` stands on `support` with its centre at `centre` [m]."""
        return replace(
            self,
            positions=MappingProxyType({**self.positions, name: centre}),
            supports=MappingProxyType({**self.supports, name: support}),
        )

    def facts(self) -> frozenset[Atom]:
        """Which object stands where, and which have nothing on them."""
        facts = {standing(name, support, self.domain) for name, support in self.supports.items()}
        covered = set(self.supports.values())
        facts |= {
            ("clear", o.name) for o in self.domain.objects if o.role is Role.MOVABLE and o.name not in covered
        }
        return frozenset(facts)
