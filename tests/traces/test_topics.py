from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from mcap.reader import make_reader

from interlock.traces.read import TraceReader
from interlock.traces.topics import topic_named

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")


def test_every_record_fits_the_schema_of_its_channel(recorded: Path) -> None:
    checked: Counter[str] = Counter()
    for message in TraceReader(recorded).messages():
        if checked[message.topic] < 40:
            jsonschema.validate(message.json(), topic_named(message.topic).schema)
            checked[message.topic] += 1
    assert {"/state", "/verdict", "/certificate", "/command", "/chunk", "/markers", "/event"} <= set(checked)


def test_any_mcap_reader_finds_foxglove_schemas_and_an_index(recorded: Path) -> None:
    with (recorded / "trace.mcap").open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    names = {
        channel.topic: (summary.schemas[channel.schema_id].name, summary.schemas[channel.schema_id].encoding)
        for channel in summary.channels.values()
    }
    assert names["/camera/overview"] == ("foxglove.CompressedImage", "jsonschema")
    assert names["/markers"] == ("foxglove.SceneUpdate", "jsonschema")
    assert names["/event"] == ("foxglove.Log", "jsonschema")
    assert names["/verdict"] == ("interlock.Verdict", "jsonschema")
    assert {c.message_encoding for c in summary.channels.values()} == {"json"}
    assert {c.compression for c in summary.chunk_indexes} == {"zstd"}


def test_unknown_topic_has_no_channel() -> None:
    with pytest.raises(KeyError):
        topic_named("/surprise")
