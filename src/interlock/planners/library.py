"""The skills that ship: reach, pick, place, push, home.

While the hand may or may not hold the object, the object still stands on something, so `grasp` and `release`
allow that pair too: checked as held, it touches from the first instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from interlock.planners.atoms import ANY, RELATIONS, Atom
from interlock.planners.domain import Role
from interlock.planners.skill import FINGERS, STANDS, Holding, PhaseSpec, Skill, TargetRule

__all__ = ["SKILLS"]

_MOVABLE = frozenset({Role.MOVABLE})
_SUPPORT = frozenset({Role.SUPPORT})
_ZONE = frozenset({Role.ZONE})

_ALWAYS = (
    "integrity",
    "freshness",
    "tracking",
    "position",
    "velocity",
    "acceleration",
    "jerk",
    "tool_speed",
    "zones",
    "self_collision",
    "environment",
)
_WITH_OBJECT = (*_ALWAYS, "held_object", "gripper")

# Where the tool was is forgotten as soon as anything moves.
_TOOL_LEAVES: tuple[Atom, ...] = (("at", ANY), ("at_home",))

# What a moved object no longer is, and what others no longer are to it.
_OBJECT_LEAVES: tuple[Atom, ...] = (
    ("in", "$object", ANY),
    ("pushed", "$object", ANY),
    *((relation, "$object", ANY) for relation in RELATIONS),
    *((relation, ANY, "$object") for relation in RELATIONS),
)

_FINGERS_OBJECT = (FINGERS, "$object")

_REACH = Skill(
    name="reach",
    parameters=MappingProxyType({"target": _MOVABLE | _SUPPORT | _ZONE}),
    preconditions=(("hand_empty",),),
    adds=(("at", "$target"),),
    deletes=_TOOL_LEAVES,
    constraint_set=_ALWAYS,
    phases=(PhaseSpec(name="move", timeout_s=30.0),),
    target=TargetRule.ABOVE,
)

_PICK = Skill(
    name="pick",
    parameters=MappingProxyType({"object": _MOVABLE}),
    context=MappingProxyType({"support": _SUPPORT | _MOVABLE}),
    preconditions=(("hand_empty",), ("clear", "$object"), (STANDS, "$object", "$support")),
    adds=(("holding", "$object"), ("clear", "$support")),
    deletes=(("hand_empty",), ("on", "$object", ANY), *_OBJECT_LEAVES, *_TOOL_LEAVES),
    constraint_set=_WITH_OBJECT,
    phases=(
        PhaseSpec(name="approach", timeout_s=30.0),
        PhaseSpec(
            name="grasp",
            allowed=(_FINGERS_OBJECT, ("$object", "$support")),
            holding=Holding.MAYBE,
            timeout_s=8.0,
        ),
        PhaseSpec(name="lift", allowed=(("$object", "$support"),), holding=Holding.HELD, timeout_s=8.0),
    ),
)

_PLACE = Skill(
    name="place",
    parameters=MappingProxyType({"object": _MOVABLE, "target": _SUPPORT}),
    preconditions=(("holding", "$object"),),
    adds=(("hand_empty",), (STANDS, "$object", "$target")),
    deletes=(("holding", "$object"), *_TOOL_LEAVES),
    constraint_set=_WITH_OBJECT,
    phases=(
        PhaseSpec(name="carry", holding=Holding.HELD, timeout_s=30.0),
        PhaseSpec(name="lower", allowed=(("$object", "$target"),), holding=Holding.HELD, timeout_s=8.0),
        PhaseSpec(
            name="release",
            allowed=(_FINGERS_OBJECT, ("$object", "$target")),
            holding=Holding.MAYBE,
            timeout_s=5.0,
        ),
        PhaseSpec(name="retreat", allowed=(_FINGERS_OBJECT,), timeout_s=8.0),
    ),
    target=TargetRule.STANDING,
)

_PUSH = Skill(
    name="push",
    parameters=MappingProxyType({"object": _MOVABLE, "target": _ZONE}),
    context=MappingProxyType({"support": _SUPPORT}),
    preconditions=(("hand_empty",), ("clear", "$object"), ("on", "$object", "$support")),
    adds=(("pushed", "$object", "$target"),),
    deletes=(*_OBJECT_LEAVES, *_TOOL_LEAVES),
    constraint_set=(*_ALWAYS, "gripper"),
    phases=(
        PhaseSpec(name="approach", timeout_s=30.0),
        PhaseSpec(name="push", allowed=(_FINGERS_OBJECT,), timeout_s=15.0),
        PhaseSpec(name="retreat", allowed=(_FINGERS_OBJECT,), timeout_s=8.0),
    ),
    target=TargetRule.SLIDING,
)

_HOME = Skill(
    name="home",
    parameters=MappingProxyType({}),
    preconditions=(("hand_empty",),),
    adds=(("at_home",),),
    deletes=(("at", ANY),),
    constraint_set=_ALWAYS,
    phases=(PhaseSpec(name="move", timeout_s=30.0),),
)

SKILLS: Mapping[str, Skill] = MappingProxyType({s.name: s for s in (_REACH, _PICK, _PLACE, _PUSH, _HOME)})
"""Every skill by its name. A cell allows some of them; nothing else can be planned."""
