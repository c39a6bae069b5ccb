"""Which policies there are, and how to get one by its name."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from interlock.errors import BadInputError, InterlockError
from interlock.policy.policy import Policy, PolicyContext, PolicyFactory

__all__ = ["GROUP", "available", "create", "names"]

GROUP = "interlock.policies"
"""Entry-point group in which a package registers a `PolicyFactory` under its policy's name."""

_BUILT_IN: dict[str, tuple[str, str]] = {
    "frozen": (
        "interlock.policy.hostile.frozen:FrozenPolicy",
        "hostile: repeats its first chunk for ever, bit for bit",
    ),
    "groot": (
        "interlock.policy.remote.factory:groot_policy",
        "remote: asks an Isaac-GR00T server (docs/remote.md)",
    ),
    "nan": ("interlock.policy.hostile.nan:NanPolicy", "hostile: the expert's chunks, NaN and inf in them"),
    "openpi": (
        "interlock.policy.remote.factory:openpi_policy",
        "remote: asks an openpi server, `interlock serve` by default (docs/remote.md)",
    ),
    "oscillating": (
        "interlock.policy.hostile.oscillating:OscillatingPolicy",
        "hostile: square waves of 0.3 rad around a drifting posture",
    ),
    "pi0": ("interlock.policy.vla.pi0:Pi0Policy", "π0 from transformers (options: path and a unit map)"),
    "random": (
        "interlock.policy.hostile.random:RandomPolicy",
        "hostile: random joint targets at full speed and a bit beyond",
    ),
    "reckless": (
        "interlock.policy.hostile.reckless:RecklessPolicy",
        "hostile: straight through the obstacles at full speed",
    ),
    "replay": ("interlock.policy.replay:ReplayPolicy", "plays chunks saved earlier (option: path)"),
    "scripted": (
        "interlock.policy.scripted:ScriptedPolicy",
        "expert: picks, places, pushes, reaches, goes home",
    ),
    "stale": (
        "interlock.policy.hostile.stale:StalePolicy",
        "hostile: chunks made from observations seconds old, numbers repeated",
    ),
    "starvla": (
        "interlock.policy.remote.factory:starvla_policy",
        "remote: asks a starVLA server (docs/remote.md)",
    ),
    "vla": (
        "interlock.policy.vla.learned:LearnedPolicy",
        "learned: words, and what is seen or known, to chunks (option: checkpoint; else the one that ships)",
    ),
    "wrong_unit": (
        "interlock.policy.hostile.wrong_unit:WrongUnitPolicy",
        "hostile: degrees for radians, millimetres for metres",
    ),
}


def names() -> list[str]:
    """Every policy that `create` can be asked for; no plug-in is loaded."""
    return sorted({*_BUILT_IN, *(point.name for point in _plug_ins())})


def available() -> list[tuple[str, str, str]]:
    """Every policy by name: (name, origin, one line about it); a plug-in that cannot be loaded says so."""
    rows = [(name, "built-in", about) for name, (_, about) in _BUILT_IN.items()]
    for point in _plug_ins():
        origin = _origin(point)
        if point.name in _BUILT_IN:
            rows.append((point.name, origin, "hidden by the built-in policy of the same name"))
            continue
        try:
            about = (point.load().__doc__ or "").strip().partition("\n")[0]
        except Exception as error:  # a listing must survive whatever a plug-in's import does
            about = f"cannot be loaded: {error}"
        rows.append((point.name, origin, about))
    return sorted(rows)


def create(name: str, context: PolicyContext) -> Policy:
    """The policy of that name, built for `context`.

    Raises:
        BadInputError: if there is none of that name or more than one, or if a plug-in fails to load or build.
    """
    factory = _factory(name)
    try:
        policy = factory(context)
    except InterlockError:
        raise
    except Exception as error:
        raise BadInputError(
            f"the policy cannot be built: {error}", field="policy.name", value=name, mend="Mend the plug-in."
        ) from error
    if not all(callable(getattr(policy, method, None)) for method in ("reset", "propose")):
        raise BadInputError(
            "the factory returned something that is no policy",
            field="policy.name",
            value=name,
            mend="Return an object with reset() and propose(observation).",
        )
    return policy


def _factory(name: str) -> PolicyFactory:
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name][0].partition(":")
        try:
            return cast("PolicyFactory", getattr(importlib.import_module(module), attribute))
        except ImportError as error:
            raise BadInputError(
                f"a package is missing ({error})",
                field="policy.name",
                value=name,
                mend="Run: pip install 'interlock[vla,remote]'. The expert needs neither: --policy scripted.",
            ) from error
    points = [point for point in _plug_ins() if point.name == name]
    if not points:
        known = names()
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        mend = f"Did you mean {' or '.join(near)}?" if near else f"Valid names: {', '.join(known)}."
        raise BadInputError("there is no such policy", field="policy.name", value=name, mend=mend)
    if len({point.value for point in points}) > 1:
        raise BadInputError(
            "more than one package registers this policy",
            field="policy.name",
            value=name,
            mend=f"Uninstall all but one of: {', '.join(sorted(_origin(point) for point in points))}.",
        )
    try:
        return cast("PolicyFactory", points[0].load())
    except Exception as error:
        raise BadInputError(
            f"the plug-in cannot be loaded: {error}",
            field="policy.name",
            value=name,
            mend=f"Mend or reinstall {_origin(points[0])}.",
        ) from error


def _plug_ins() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
