"""The cell that the planner tests speak of, and who can reach what in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from interlock.planners.domain import Domain, DomainObject, Role

Point = tuple[float, float, float]

BLOCKS = {"red": (0.45, -0.25), "green": (0.55, -0.15), "blue": (0.45, -0.05), "yellow": (0.55, -0.32)}
SKILLS = ("reach", "pick", "place", "push", "home")


def make_domain() -> Domain:
    """A table with four blocks, a tray, a pillar and three zones, one of them forbidden."""
    blocks = tuple(
        DomainObject(
            name=f"{color}_block",
            noun="block",
            color=color,
            role=Role.MOVABLE,
            position=(x, y, 0.03),
            size=(0.04, 0.04, 0.06),
            on="table",
        )
        for color, (x, y) in BLOCKS.items()
    )
    return Domain(
        objects=(
            DomainObject(
                name="table",
                noun="table",
                color="",
                role=Role.SUPPORT,
                position=(0.3, 0.0, -0.025),
                size=(1.2, 1.4, 0.05),
            ),
            *blocks,
            DomainObject(
                name="tray",
                noun="tray",
                color="grey",
                role=Role.SUPPORT,
                position=(0.45, 0.38, 0.005),
                size=(0.30, 0.24, 0.01),
                on="table",
            ),
            DomainObject(
                name="pillar",
                noun="pillar",
                color="grey",
                role=Role.OBSTACLE,
                position=(0.62, 0.12, 0.15),
                size=(0.06, 0.06, 0.30),
                on="table",
            ),
            _zone("handover_zone", (0.60, -0.52, 0.05), (0.20, 0.20, 0.10)),
            _zone("parking", (0.30, -0.50, 0.05), (0.20, 0.20, 0.10)),
            _zone("keep_out", (0.15, 0.45, 0.20), (0.20, 0.20, 0.40), forbidden=True),
        ),
        skills=SKILLS,
    )


def _zone(name: str, position: Point, size: Point, *, forbidden: bool = False) -> DomainObject:
    return DomainObject(
        name=name, noun="zone", color="", role=Role.ZONE, position=position, size=size, forbidden=forbidden
    )


def within_reach(point: Point) -> str | None:
    """A round arm: no nearer than 20 cm, no farther than 85 cm."""
    away = sum(c * c for c in point) ** 0.5
    return None if 0.20 <= away <= 0.85 else f"it is {away:.2f} m away"


@pytest.fixture(scope="session")
def domain() -> Domain:
    return make_domain()


@pytest.fixture(scope="session")
def reachable() -> Callable[[Point], str | None]:
    return within_reach


@pytest.fixture(scope="session")
def change(domain: Domain) -> Callable[..., Domain]:
    """Gives the domain with one object changed, e.g. its position."""

    def changed(name: str, **values: object) -> Domain:
        return replace(
            domain,
            objects=tuple(replace(o, **values) if o.name == name else o for o in domain.objects),
        )

    return changed
