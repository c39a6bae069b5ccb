from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pybullet")

from interlock.errors import BadInputError, StoppedError
from interlock.orchestrator import kept_rows, resumption
from interlock.orchestrator.axes import Axis
from interlock.orchestrator.eval_command import eval_table
from interlock.orchestrator.eval_run import EvalOrder, EvalRow, play_episode
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.kept_rows import KeptRows
from interlock.orchestrator.policy_eval import EvalRequest, GroupResult, evaluate, groups_of
from interlock.orchestrator.spread import Split

AXES = (Axis.POSITION, Axis.LIGHTING)


def request_for(out: Path, **changes: Any) -> EvalRequest:
    fields: dict[str, Any] = {
        "cell": "panda_tabletop",
        "policy": "scripted",
        "checkpoint": "",
        "axes": AXES,
        "episodes": 4,
        "seed": 5,
        "goals": ("go home",),
        "puppet": True,
        "workers": 1,
        "out": out,
    }
    return EvalRequest(**(fields | changes))


def row_of(order: EvalOrder) -> EvalRow:
    """The gate costs nothing; without it everything is hit; held-out light defeats the policy."""
    good = order.group != "lighting"
    return EvalRow(
        group=order.group,
        seed=order.seed,
        gated=order.gated,
        goal=order.goal,
        outcome="achieved" if good else "gave_up",
        reason="",
        contacts=0 if order.gated else 2,
        varied=tuple(axis.value for axis, _ in order.splits),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[EvalOrder]:
    """What the workers were asked for; none is started."""
    orders: list[EvalOrder] = []

    def done(
        function: object, jobs: Iterable[EvalOrder], workers: int, what: str
    ) -> Iterator[tuple[EvalOrder, dict[str, Any]]]:
        for order in jobs:
            orders.append(order)
            yield order, asdict(row_of(order))

    monkeypatch.setattr(resumption, "done_as_ready", done)
    return orders


def quiet(done: int, total: int, row: object) -> None:
    pass


def test_each_axis_is_held_out_in_a_group_of_its_own() -> None:
    groups = groups_of(AXES)
    assert list(groups) == ["seen", "position", "lighting"]
    assert set(dict(groups["seen"]).values()) == {Split.SEEN}
    assert dict(groups["lighting"]) == {Axis.POSITION: Split.SEEN, Axis.LIGHTING: Split.HELD_OUT}


def test_results_count_each_group_under_the_gate_and_without_it(
    tmp_path: Path, asked: list[EvalOrder]
) -> None:
    results = evaluate(request_for(tmp_path), quiet, Interrupts())
    found = {(r.group, r.gated): r for r in results}
    assert len(found) == 6
    assert found["seen", True].achieved == 4
    assert found["lighting", True].achieved == 0
    assert found["position", True].contacts == 0
    assert found["position", False].contacts == 8
    assert found["seen", True].wilson_95 == pytest.approx((0.5101, 1.0), abs=1e-4)  # 4 of 4, by tables
    assert {order.seed for order in asked} == {5, 6, 7, 8}
    assert "lighting, held out" in str(list(eval_table(results).columns[0].cells))


def test_evaluation_goes_on_where_it_was_cut_off(tmp_path: Path, asked: list[EvalOrder]) -> None:
    interrupts = Interrupts()

    def stop_at_seven(done: int, total: int, row: object) -> None:
        if done == 7:
            interrupts.cause = "operator: Ctrl-C"

    with pytest.raises(StoppedError, match="7 of 24"):
        evaluate(request_for(tmp_path), stop_at_seven, interrupts)
    with (tmp_path / "episodes.jsonl").open("a") as file:
        file.write('{"digest": "cut')
    before = len(asked)
    evaluate(request_for(tmp_path), quiet, Interrupts())
    assert len(asked) - before == 24 - 7
    asked.clear()
    evaluate(request_for(tmp_path), quiet, Interrupts())
    assert not asked  # what came behind the line that was cut off is kept too


def test_rows_come_in_any_order_and_are_given_in_that_of_the_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backwards(
        function: object, jobs: Iterable[int], workers: int, what: str
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from ((job, {"number": job}) for job in reversed(list(jobs)))

    monkeypatch.setattr(resumption, "done_as_ready", backwards)
    interrupts = Interrupts()

    def stop_at_two(done: int, total: int, row: object) -> None:
        if done == 2:
            interrupts.cause = "operator: Ctrl-C"

    def played(tell: resumption.Tell, interrupts: Interrupts) -> list[dict[str, Any]]:
        kept = KeptRows(tmp_path / "rows.jsonl", "digest", "out")
        return resumption.play_missing(
            range(5),
            lambda number: {},
            key=lambda number: [number],
            kept=kept,
            workers=2,
            tell=tell,
            interrupts=interrupts,
        )

    with pytest.raises(StoppedError, match="2 of 5"):
        played(stop_at_two, interrupts)
    lines = [json.loads(line)["key"] for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert lines == [[4], [3]]
    assert played(quiet, Interrupts()) == [{"number": number} for number in range(5)]


def test_what_is_taught_can_be_judged_alone(tmp_path: Path, asked: list[EvalOrder]) -> None:
    alone = evaluate(request_for(tmp_path / "alone", held_out=False), quiet, Interrupts())
    assert {result.group for result in alone} == {"seen"}
    first = list(asked)
    asked.clear()
    evaluate(request_for(tmp_path / "all"), quiet, Interrupts())
    assert first == [order for order in asked if order.group == "seen"]


def test_folder_of_another_evaluation_is_refused(tmp_path: Path, asked: list[EvalOrder]) -> None:
    evaluate(request_for(tmp_path), quiet, Interrupts())
    with pytest.raises(BadInputError, match="--out"):
        evaluate(request_for(tmp_path, policy="reckless"), quiet, Interrupts())


def test_rows_of_another_version_of_the_code_are_not_mixed_with_those_of_this_one(
    tmp_path: Path, asked: list[EvalOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(request_for(tmp_path), quiet, Interrupts())
    monkeypatch.setattr(kept_rows, "code_sha256", lambda: "another")
    with pytest.raises(BadInputError, match=r"another version.*--out") as refused:
        evaluate(request_for(tmp_path), quiet, Interrupts())
    assert refused.value.field == "out"


def test_episode_that_could_not_be_played_is_no_failure_of_the_policy() -> None:
    rows = [
        EvalRow(group="seen", seed=k, gated=True, goal="g", outcome=outcome, reason="")
        for k, outcome in enumerate(["achieved", "error", "gave_up"])
    ]
    result = GroupResult.of("seen", True, rows)
    assert (result.episodes, result.achieved, result.errors) == (2, 1, 1)
    assert GroupResult.of("seen", False, rows).wilson_95 == (0.0, 1.0)


def test_rows_say_what_was_played(tmp_path: Path, asked: list[EvalOrder]) -> None:
    evaluate(request_for(tmp_path, episodes=1, puppet=False), quiet, Interrupts())
    lines = [json.loads(line)["row"] for line in (tmp_path / "episodes.jsonl").read_text().splitlines()]
    assert [line["group"] for line in lines] == ["seen", "position", "lighting"]
    assert all(line["gated"] and line["goal"] == "go home" for line in lines)
    assert all(line["varied"] == ["position", "lighting"] for line in lines)


def changed_row(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the second row that an evaluation has left."""
    path = folder / "episodes.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    change(entries[1]["row"])
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


FOREIGN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an unknown field": (lambda row: row.update(mood="good"), r"row\.mood"),
    "a missing field": (lambda row: row.pop("reason"), r"row\.reason"),
    "axes that are no list": (lambda row: row.update(varied="lighting"), r"row\.varied"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_row_is_refused_before_anything_is_played(
    case: str, tmp_path: Path, asked: list[EvalOrder]
) -> None:
    evaluate(request_for(tmp_path, episodes=1), quiet, Interrupts())
    change, field = FOREIGN[case]
    changed_row(tmp_path, change)
    asked.clear()
    with pytest.raises(BadInputError, match=rf"{field}.*episodes\.jsonl.*--out DIR"):
        evaluate(request_for(tmp_path), quiet, Interrupts())
    assert not asked


def test_rows_that_do_not_say_what_was_varied_go_on(tmp_path: Path, asked: list[EvalOrder]) -> None:
    before = evaluate(request_for(tmp_path), quiet, Interrupts())
    changed_row(tmp_path, lambda row: row.pop("varied"))
    asked.clear()
    assert evaluate(request_for(tmp_path), quiet, Interrupts()) == before
    assert not asked


@pytest.mark.parametrize("gated", [True, False])
def test_a_real_episode_is_played_under_the_gate_and_without_it(gated: bool) -> None:
    order = EvalOrder(
        cell="panda_tabletop",
        policy="scripted",
        checkpoint="",
        goal="go home",
        group="seen",
        splits=tuple((axis, Split.SEEN) for axis in AXES),
        seed=3,
        gated=gated,
    )
    row = play_episode(order)
    assert (row.outcome, row.contacts, row.gated) == ("achieved", 0, gated), row
    assert row.varied == ("position", "lighting")


def test_rows_without_a_key_are_not_taken_for_those_of_this_evaluation(
    tmp_path: Path, asked: list[EvalOrder]
) -> None:
    (tmp_path / "episodes.jsonl").write_text('{"digest": "of something else", "row": {}}\n')
    with pytest.raises(BadInputError, match="--out"):
        evaluate(request_for(tmp_path), quiet, Interrupts())
