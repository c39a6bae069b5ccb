"""From the text of a cell file to its checked form, or to one error that says what to mend."""

from __future__ import annotations

import math
import stat
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from interlock.errors import CellError
from interlock.orchestrator.cell_schema import CellFile
from interlock.orchestrator.nearest import nearest

__all__ = ["CellReader"]

_MAX_BYTES = 1_000_000


class CellReader:
    """Reads one cell file.

    Args:
        path: the YAML file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def content(self) -> bytes:
        """The file as it is.

        Raises:
            CellError: if it cannot be read, is no regular file, or is far larger than a cell file.
        """
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # opening a pipe would wait for whoever writes
                raise OSError("it is no regular file")
            with self.path.open("rb") as stream:
                content = stream.read(_MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise CellError(
                f"the cell file cannot be read ({getattr(error, 'strerror', None) or error})",
                field="cell",
                value=str(self.path),
                mend="Name a readable YAML file, or a cell that `interlock cells` lists.",
            ) from error
        if len(content) > _MAX_BYTES:
            raise CellError(
                "the file is too large for a cell file",
                field="cell",
                value=str(self.path),
                mend=f"Keep it under {_MAX_BYTES} bytes.",
            )
        return content

    def parse(self, content: bytes) -> CellFile:
        """The checked form of `content`.

        Raises:
            CellError: if it is not YAML, or does not have the form of a cell file.
        """
        data = self._yaml(content)
        if not isinstance(data, dict):
            raise CellError(
                "a cell file is a mapping of keys to values",
                field="cell",
                value=str(self.path),
                mend="Start from a copy of a cell that `interlock cells` lists.",
            )
        try:
            return CellFile.model_validate(data)
        except ValidationError as error:
            raise _fault(error) from error

    def _yaml(self, content: bytes) -> Any:
        try:
            return yaml.load(content, Loader=_CellLoader)  # a SafeLoader
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
            raise self._broken(f"{where}{error.problem or error.context}") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self._broken(str(error)) from error
        except (AttributeError, LookupError, TypeError) as error:  # PyYAML, at "!!int ''" and the like
            raise self._broken("a value does not fit the tag (!!) before it") from error

    def _broken(self, why: str) -> CellError:
        return CellError(
            f"the cell file is not the YAML it should be ({why})",
            field="cell",
            value=str(self.path),
            mend="Mend that place; indent with spaces and quote texts that hold ': ' or '#'.",
        )


class _CellLoader(yaml.SafeLoader):
    """YAML's safe loader, without what hides or blows up a value: repeated or merged keys, anchors."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.composer.ComposerError(
                None, None, "anchors and aliases are not read here; write the value out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            why = _why_no_key(key, seen)
            if why:
                raise yaml.constructor.ConstructorError(None, None, why, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _why_no_key(key: yaml.Node, seen: set[str]) -> str:
    """Why a node may not be a key beside those already seen, or ""."""
    if not isinstance(key, yaml.ScalarNode):
        return "a key must be a word, not a list or a mapping"
    if key.tag == "tag:yaml.org,2002:merge":
        return "merge keys (<<) are not read here; write the values out"
    return f"the key {key.value!r} stands twice in one mapping" if key.value in seen else ""


def _fault(error: ValidationError) -> CellError:
    """One error a person can act on: the first that is not a mere consequence of another."""
    details = error.errors(include_url=False)
    order = {"extra_forbidden": 0, "missing": 2}
    first = min(details, key=lambda d: order.get(d["type"], 1))
    more = f" ({len(details) - 1} more like this follow once it is mended)" if len(details) > 1 else ""
    value = None if first["type"] == "missing" else _shown(first["input"])
    return CellError(_what(first) + more, field=_dotted(first["loc"]), value=value, mend=_mend(first))


def _dotted(loc: Sequence[str | int]) -> str:
    text = ""
    for step in _in_the_file(loc):
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _in_the_file(loc: Sequence[str | int]) -> list[str | int]:
    """The steps that stand in the file: not "[key]", nor "[path]", which says what a value was taken for."""
    return [step for step in loc if isinstance(step, int) or not step.startswith("[")]


def _shown(value: object) -> object:
    """The value as it came in; a whole section is too long to show."""
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)} keys"
    if isinstance(value, list) and len(value) > 8:
        return f"a list of {len(value)} values"
    return value


def _what(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "this key is not known"
    if detail["type"] == "missing":
        return "this key is missing"
    if isinstance(detail["input"], float) and not math.isfinite(detail["input"]):
        return "this is not a finite number"
    message = detail["msg"]
    return message[0].lower() + message[1:]


def _mend(detail: ErrorDetails) -> str:
    kind, context, loc = detail["type"], detail.get("ctx", {}), detail["loc"]
    bounds = {
        "greater_than": "above",
        "greater_than_equal": "of at least",
        "less_than": "below",
        "less_than_equal": "of at most",
    }
    if kind == "extra_forbidden":
        return nearest(str(loc[-1]), _keys_at(loc[:-1]))
    if kind == "missing":
        return _missing_mend(loc)
    if kind == "invalid_key":
        return "Quote the key: YAML reads a bare on, off, yes, no or number as something else than a word."
    if kind in bounds:
        limit = next(iter(context.values()))
        return f"Give a number {bounds[kind]} {limit}."
    if kind == "finite_number":
        return "Give a finite number."
    if kind == "float_type" and isinstance(detail["input"], str):
        return "Give a number without quotes; in YAML an exponent needs a point and a sign, like 1.0e-3."
    if kind in {"float_type", "int_type"}:
        return f"Give {'a whole number' if kind == 'int_type' else 'a number'}, in the unit the key names."
    if kind == "string_pattern_mismatch" and loc[-1] == "prefix":
        return "Use lower-case letters, digits and _, with _ at the end, such as left_ and right_."
    if kind == "string_pattern_mismatch":
        return "Use a name made of lower-case letters, digits and _, without spaces."
    if kind in {"literal_error", "enum"}:
        return f"Give one of: {context.get('expected')}."
    if kind == "too_short" and context.get("min_length", 1) > 1:
        return f"Give at least {context['min_length']} values."
    if kind == "too_long" and "max_length" in context:
        return f"Give {context['max_length']} values."
    return "Compare with a cell that `interlock cells` lists."


def _missing_mend(loc: Sequence[str | int]) -> str:
    if isinstance(loc[-1], int):
        return f"Give at least {loc[-1] + 1} values."
    return f"Add `{loc[-1]}:` there."


def _keys_at(loc: Sequence[str | int]) -> list[str]:
    """The keys that the form knows at this place."""
    place: Any = CellFile
    for step in _in_the_file(loc):
        sections = _sections_in(place)
        if not sections:
            return []
        inside_a_container = get_origin(place) in {tuple, dict}
        fields = sections[0].model_fields
        place = sections[0] if inside_a_container or step not in fields else fields[str(step)].annotation
    return [key for section in _sections_in(place)[:1] for key in section.model_fields]


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections that `Section`, `Section | None`, `tuple[Section, ...]` or `dict[str, Section]` names."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [section for inner in get_args(annotation) for section in _sections_in(inner)]
