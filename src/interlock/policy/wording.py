"""One step of a plan in words, as a policy hears it. What a step allows never depends on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from interlock.errors import BadInputError

__all__ = ["CANONICAL", "HELD_OUT", "SEEN", "Wording", "names_in"]

CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "home": "go home",
        "pick": "pick up the {object}",
        "place": "put the {object} {into} the {target}",
        "push": "push the {object} {into} the {target}",
        "reach": "move above the {target}",
    }
)
"""How each skill is said unless somebody asks for other words."""

SEEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "home": (CANONICAL["home"], "return home", "move back to the start"),
        "pick": (
            CANONICAL["pick"],
            "grasp the {object}",
            "take the {object}",
            "pick the {object} up",
            "lift the {object} off the table",
        ),
        "place": (
            CANONICAL["place"],
            "place the {object} {into} the {target}",
            "set the {object} down {into} the {target}",
            "drop the {object} off {into} the {target}",
        ),
        "push": (CANONICAL["push"], "slide the {object} {into} the {target}"),
        "reach": (CANONICAL["reach"], "hover over the {target}", "go above the {target}"),
    }
)
"""What a policy may have been taught with."""

HELD_OUT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "home": ("back to your rest position", "please go to the home pose"),
        "pick": (
            "grab hold of the {object}",
            "the {object}: get it into your hand",
            "please fetch me the {object}",
        ),
        "place": (
            "{into} the {target} goes the {object}",
            "lay the {object} {into} the {target}",
            "please leave the {object} {into} the {target}",
        ),
        "push": ("shove the {object} {into} the {target}", "nudge the {object} {into} the {target}"),
        "reach": ("position the hand over the {target}", "the space above the {target} is where to go"),
    }
)
"""What it is asked with to see whether it understands: other verbs, another order."""

_SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "red": ("crimson", "scarlet"),
        "green": ("emerald",),
        "blue": ("azure",),
        "yellow": ("lemon-coloured",),
        "grey": ("gray",),
    }
)


def names_in(steps: Iterable[str], skills: Iterable[str]) -> frozenset[str]:
    """The words that name things in steps of these skills; all words of a step said in no known way."""
    found: set[str] = set()
    for step, skill in set(zip(steps, skills, strict=True)):
        ways = (*SEEN.get(skill, ()), *HELD_OUT.get(skill, ()))
        fits = [match for way in ways if (match := re.fullmatch(_pattern(way), step))]
        names = [match.groupdict() for match in fits] or [{"all": step}]
        found |= {
            word for each in names for key, said in each.items() if key != "into" for word in said.split()
        }
    return frozenset(found)


def _pattern(template: str) -> str:
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(f"(?P<{part}>.+)" if k % 2 else re.escape(part) for k, part in enumerate(parts))


_CONTAINERS = frozenset({"basket", "bin", "bowl", "box", "cup", "drawer", "handover", "tray", "zone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A way to say every step.

    Attributes:
        templates: by skill, with {object}, {target} and {into}; `CANONICAL` for those left out.
        colors: other words for colours, by colour.
    """

    templates: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    colors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def drawn(cls, generator: np.random.Generator, *, held_out: bool, names: tuple[str, ...]) -> Wording:
        """One of the ways that are taught, or of those that are kept back.

        Args:
            generator: decides.
            held_out: whether from those kept back; they also use other words for colours.
            names: names of all objects; a colour word that one of them already uses is not used for another.
        """
        pool = HELD_OUT if held_out else SEEN
        templates = {skill: str(generator.choice(np.array(pool[skill]))) for skill in sorted(pool)}
        taken = {word for name in names for word in name.split("_")}
        colors = {}
        for color in sorted(_SYNONYMS) if held_out else ():
            free = [word for word in _SYNONYMS[color] if word not in taken]
            if free and generator.random() < 0.5:
                colors[color] = free[int(generator.integers(len(free)))]
        return cls(templates=MappingProxyType(templates), colors=MappingProxyType(colors))

    def say(self, skill: str, arguments: Mapping[str, str]) -> str:
        """A task in words.

        Args:
            skill: "reach", "pick", "place", "push" or "home".
            arguments: names of objects by parameter, e.g. {"object": "red_block", "target": "tray"}.

        Raises:
            BadInputError: if there are no words for the skill, or the template names what it does not have.
        """
        template = self.templates.get(skill, CANONICAL.get(skill))
        if template is None:
            raise BadInputError(
                "there are no words for this skill",
                field="task.skill",
                value=skill,
                mend=f"Use one of {', '.join(sorted(CANONICAL))}.",
            )
        target = arguments.get("target", "")
        into = "in" if _CONTAINERS.intersection(target.split("_")) else "on"
        words = {key: self._spoken(name) for key, name in arguments.items()}
        try:
            return template.format(into=into, **words)
        except (KeyError, IndexError, ValueError) as error:
            raise BadInputError(
                f"the words do not fit this step: {error}",
                field=f"wording.templates.{skill}",
                value=template,
                mend=f"Use {{into}} and {', '.join('{' + key + '}' for key in arguments)} alone.",
            ) from error

    def _spoken(self, name: str) -> str:
        return " ".join(self.colors.get(word, word) for word in name.split("_"))
