from __future__ import annotations

from xml.etree import ElementTree

from interlock.traces.task_graph import task_graph

_TASKS = [
    {"id": "a", "skill": "pick", "arguments": {"object": "red_block"}, "after": []},
    {"id": "b", "skill": "pick", "arguments": {"object": "blue_block"}, "after": []},
    {
        "id": "c",
        "skill": "place",
        "arguments": {"object": "red_block", "target": "tray"},
        "after": ["a", "b"],
    },
]


def _boxes(svg: str) -> list[ElementTree.Element]:
    return [g for g in ElementTree.fromstring(svg).iter("g") if g.get("class", "").startswith("task")]


def test_one_box_for_each_task_and_one_arrow_for_each_order() -> None:
    svg = task_graph({"tasks": _TASKS}, [], achieved=False)
    arrows = [p for p in ElementTree.fromstring(svg).iter("path") if p.get("class") == "edge"]
    assert (len(_boxes(svg)), len(arrows)) == (3, 2)


def test_boxes_do_not_overlap() -> None:
    svg = task_graph({"tasks": _TASKS}, [], achieved=False)
    corners = {(r.get("x"), r.get("y")) for r in ElementTree.fromstring(svg).iter("rect")}
    assert len(corners) == 3


def test_states_tell_done_from_last_and_never_begun() -> None:
    boxes = _boxes(task_graph({"tasks": _TASKS}, ["a", "b"], achieved=False))
    assert [b.get("class") for b in boxes] == ["task done", "task last", "task not-reached"]
    boxes = _boxes(task_graph({"tasks": _TASKS}, ["a", "b", "c"], achieved=True))
    assert {b.get("class") for b in boxes} == {"task done"}


def test_hostile_names_stay_text() -> None:
    task = {"id": "<i>", "skill": "</svg><script>", "arguments": {"&": '"><b>'}, "after": ["gone"]}
    svg = task_graph({"tasks": [task]}, [], achieved=False)
    assert "<script>" not in svg
    assert "</svg><script>" in "".join(ElementTree.fromstring(svg).itertext())


def test_plan_of_no_tasks_is_an_empty_drawing() -> None:
    assert _boxes(task_graph({"tasks": []}, [], achieved=False)) == []
