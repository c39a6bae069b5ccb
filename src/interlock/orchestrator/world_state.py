"""The planner's domain brought up to date with the measured scene, and goals checked against it."""

from __future__ import annotations

from dataclasses import replace

from interlock.hal.scene import Scene
from interlock.orchestrator.phases import support_of
from interlock.planners.atoms import final_atoms
from interlock.planners.domain import Domain, DomainObject, Role
from interlock.planners.plan import Plan

__all__ = ["broken_goals", "refreshed"]


def refreshed(domain: Domain, scene: Scene) -> Domain:
    """The domain with every movable object where the scene shows it, on what it stands on."""
    objects: list[DomainObject] = []
    for thing in domain.objects:
        seen = scene.find(thing.name)
        if seen is None or thing.role is not Role.MOVABLE:
            objects.append(thing)
            continue
        x, y, z = (float(c) for c in seen.object_in_world[:3, 3])
        support = support_of(thing.name, scene)
        objects.append(replace(thing, position=(x, y, z), on=support or thing.on))
    return replace(domain, objects=tuple(objects))


def broken_goals(plan: Plan, domain: Domain, scene: Scene) -> list[str]:
    """Goals about what stands where that the measured scene does not show, one sentence each."""
    now = refreshed(domain, scene)
    broken = []
    for atom in final_atoms(plan.goal_atoms):
        if atom[0] not in ("in", "on") or len(atom) != 3:
            continue
        thing, place = now.find(atom[1]), now.find(atom[2])
        if thing is None or place is None or place.role is Role.ZONE:
            continue
        if thing.on != place.name:
            broken.append(f"{atom[1]} should be {atom[0]} {atom[2]}, but stands on {thing.on or 'nothing'}")
    return broken
