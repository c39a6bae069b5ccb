"""The results in a model card: a table for each evaluation, and what was seen beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.orchestrator.judged import Judged
from interlock.orchestrator.policy_eval import SEEN, GroupResult

__all__ = ["with_results"]

_RESULTS, _BEFORE = "## Results", "## Limits"


def with_results(card: str, judged: Sequence[Judged], limits: Sequence[str] = ()) -> str:
    """The card with these results in place of any that it had; the same results give the same card.

    Args:
        card: as `interlock train` or this function has written it.
        judged: evaluations of the checkpoint, and of others beside it.
        limits: sentences on what the results do not show.
    """
    kept = re.sub(rf"^{_RESULTS}\n.*?(?=^## |\Z)", "", card, flags=re.DOTALL | re.MULTILINE)
    # At the start of a line: the card of the weights that these began from is quoted, heading and all.
    found = re.search(rf"^{_BEFORE}\n", kept, flags=re.MULTILINE)
    start, end = (found.start(), found.end()) if found else (len(kept), len(kept))
    head, before, tail = kept[:start], kept[start:end], kept[end:]
    return "\n".join([f"{head}{_RESULTS}", "", *_section(judged, limits), "", before + tail])


def _section(judged: Sequence[Judged], limits: Sequence[str]) -> Iterator[str]:
    yield (
        "Simulated episodes that achieved their goal, with Wilson's interval at 95 %. The first row varies "
        "every axis as it was taught, each other one holds an axis out. Contacts are those of a moving "
        "arm with anything that it may not touch, seen by a referee that is no part of the gate."
    )
    for each in judged:
        yield from ("", f"### {each.preset} in {each.cell}", "", f"    {each.command()}", "")
        seeds = f"Seeds {each.seed} to {each.seed + each.episodes - 1}, {each.episodes} episodes a row."
        yield f"{seeds} Code: `{each.code}`." if each.code else seeds
        yield ""
        yield from _table(each)
    if limits:
        yield from ("", "What they do not show:", "", *[f"- {sentence}" for sentence in limits])


def _table(judged: Judged) -> Iterator[str]:
    halves = sorted({group.gated for group in judged.groups}, reverse=True)
    heads = ["variation"]
    for gated in halves:
        heads += ["n", "under the gate" if gated else "without the gate", "contacts", "limits broken"]
    yield _row(heads)
    yield _row(["---"] * len(heads))
    for name in dict.fromkeys(group.group for group in judged.groups):
        cells = ["as taught" if name == SEEN else f"{name} held out"]
        for gated in halves:
            cells += next(_cells(each) for each in judged.groups if (each.group, each.gated) == (name, gated))
        yield _row(cells)
    errors = sum(group.errors for group in judged.groups)
    if errors:
        yield from ("", f"{errors} episodes could not be played and count as nothing.")


def _cells(group: GroupResult) -> list[str]:
    if not group.episodes:
        return ["0", "", "", ""]
    low, high = group.wilson_95
    share = f"{group.achieved}: {group.achieved / group.episodes:.0%} ({low:.0%} to {high:.0%})"
    return [str(group.episodes), share, str(group.contacts), str(group.limit_violations)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
