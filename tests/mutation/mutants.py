"""All mutants of one module, each a small change to its source, known by what it changes and not by where."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from operators import replacements

__all__ = ["Mutant", "mutants_of", "sampled"]

_LEFT_ALONE = ("decorator_list", "annotation", "returns", "type_params")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One changed module.

    Attributes:
        module: its name in the package, such as `guards.gate`.
        function: qualified name of the function or class, "" at the top.
        operator: kind of change.
        before: the source lines that are changed, white space folded.
        after: the same lines as changed.
        occurrence: 0, or more for the next ones that read the same.
        source: the whole changed module.
    """

    module: str
    function: str
    operator: str
    before: str
    after: str
    occurrence: int
    source: str

    @property
    def key(self) -> str:
        """Ten hexadecimal digits that stay the same when lines elsewhere change."""
        told = (self.module, self.function, self.operator, self.before, self.after, self.occurrence)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class _Place:
    """A node, where it hangs, and the smallest node around it whose text can be cut out."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    anchor: ast.AST
    function: str

    def put(self, new: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, new)
        else:
            getattr(self.parent, self.field)[self.index] = new


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    tree = ast.parse(source)
    places = {id(place.node): place for place in _places(tree, "", None)}
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for place in list(places.values()):
        for operator, new in replacements(place.node):
            at = places[id(getattr(new, "instead_of", place.node))]
            changed, before, after = _changed(source, tree, at, new)
            told = (at.function, operator, before, after)
            found.append(
                Mutant(
                    module=module,
                    function=at.function,
                    operator=operator,
                    before=before,
                    after=after,
                    occurrence=seen[told],
                    source=changed,
                )
            )
            seen[told] += 1
    return found


def sampled(mutants: Sequence[Mutant], share: float, seed: int) -> list[Mutant]:
    """A share of them, chosen by seed; the rest of the choice stays when one mutant comes or goes."""
    return [m for m in mutants if Random(f"{seed}|{m.key}").random() < share]


def _places(node: ast.AST, function: str, text: ast.AST | None) -> Iterator[_Place]:
    """Every node that may change; `text` is the f-string around: its parts have no places in Python 3.11."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    if isinstance(node, ast.JoinedStr) and text is None:
        text = node
    for field, value in ast.iter_fields(node):
        if field in _LEFT_ALONE:
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if not isinstance(child, ast.AST) or _left_alone(child):
                continue
            inside = index if isinstance(value, list) else None
            yield _Place(child, node, field, inside, text if text is not None else child, function)
            yield from _places(child, function, text)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    names = [t.id for t in node.targets if isinstance(t, ast.Name)] if isinstance(node, ast.Assign) else []
    return "__all__" in names


def _changed(source: str, tree: ast.Module, place: _Place, new: ast.AST) -> tuple[str, str, str]:
    """The changed source, and the lines concerned before and after; the tree is as before at the end."""
    inside = place.anchor is not place.node
    place.put(new)
    wanted = ast.dump(tree)
    text = ast.unparse(place.anchor if inside else new)
    place.put(place.node)
    anchor = place.anchor
    lines = source.encode().splitlines(keepends=True)  # columns count bytes
    first, last = anchor.lineno - 1, anchor.end_lineno - 1  # type: ignore[attr-defined]
    head = lines[first][: anchor.col_offset]  # type: ignore[attr-defined]
    tail = lines[last][anchor.end_col_offset :]  # type: ignore[attr-defined]
    before = b"".join(lines[first : last + 1]).decode()
    for trial in (text, f"({text})"):
        after = (head + trial.encode() + tail).decode()
        changed = b"".join(lines[:first]).decode() + after + b"".join(lines[last + 1 :]).decode()
        if _dump(changed) == wanted:
            return changed, " ".join(before.split()), " ".join(after.split())
    raise RuntimeError(f"cannot write {text!r} in place of {before!r}")


def _dump(source: str) -> str | None:
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return None
