"""Demonstrations come back from disk as they were, and a set that was cut off goes on."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pq = pytest.importorskip("pyarrow.parquet")

from tests.policy.dataset.two_cameras import two_cameras  # noqa: E402

from interlock.errors import BadInputError, ShapeError  # noqa: E402
from interlock.hal.embodiment import Channel, ChannelKind, Embodiment, Reference  # noqa: E402
from interlock.policy.dataset.data_file import data_path, read_note  # noqa: E402
from interlock.policy.dataset.episode import DemoFrame, Episode  # noqa: E402
from interlock.policy.dataset.features import Features  # noqa: E402
from interlock.policy.dataset.head import HEAD, Head  # noqa: E402
from interlock.policy.dataset.pictures import decode, encode  # noqa: E402
from interlock.policy.dataset.reader import Demonstrations  # noqa: E402
from interlock.policy.dataset.seal import INFO, STATS  # noqa: E402
from interlock.policy.dataset.writer import DatasetWriter  # noqa: E402
from interlock.policy.proprioception import pose_numbers  # noqa: E402

HORIZON, SIDE = 4, 16


def _channel(name: str, kind: ChannelKind, unit: str) -> Channel:
    return Channel(
        name=name,
        kind=kind,
        unit=unit,
        frame="world",
        reference=Reference.CHUNK_START,
        lower=-1.0,
        upper=1.0,
    )


BODY = Embodiment(
    tag="toy",
    channels=(
        _channel("tool_x", ChannelKind.TOOL_POSITION, "m"),
        _channel("gripper_width", ChannelKind.GRIPPER_WIDTH, "m"),
    ),
    rate_hz=25.0,
    horizon=HORIZON,
)
FEATURES = Features(embodiment=BODY, joints=("j1", "j2"), cameras=two_cameras(SIDE), frame_rate_hz=6.25)
STEPS = ("pick up the red block", "put the red block in the tray")


def head(**command: Any) -> Head:
    return Head(
        features=FEATURES,
        cell="toy_cell",
        cell_sha256="0" * 64,
        base_in_world=tuple(np.eye(4).ravel().tolist()),
        command={"seed": 1} | command,
        versions={"interlock": "0"},
    )


def frame(generator: np.random.Generator, step: str) -> DemoFrame:
    pose = np.eye(4)
    pose[:3, 3] = generator.normal(size=3)
    return DemoFrame(
        pictures={
            role: encode(np.full((SIDE, SIDE, 3), generator.integers(255), np.uint8))
            for role in ("base", "wrist")
        },
        projections={"base": generator.normal(size=(3, 4))},
        time_s=float(generator.random()),
        state=generator.normal(size=12),
        chunk=generator.normal(size=(HORIZON, 2)),
        anchor=pose,
        task_object=None if step == STEPS[1] else pose,
        task_object_size=None if step == STEPS[1] else np.array([0.04, 0.04, 0.06]),
        task_target=None if step == STEPS[0] else (0.1, 0.2, 0.3),
        phase="approach",
        skill="pick",
        step=step,
    )


def episode(attempt: int, frames: int = 5) -> Episode:
    """Always the same for one attempt."""
    generator = np.random.default_rng(attempt)
    return Episode(
        frames=tuple(frame(generator, STEPS[int(k >= frames // 2)]) for k in range(frames)),
        attempt=attempt,
        success=True,
        note={"goal": "g", "seed": attempt},
    )


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    writer = DatasetWriter(tmp_path / "set", head())
    for attempt in (0, 2, 3):
        writer.add(episode(attempt))
    writer.seal(failed=1)
    return tmp_path / "set"


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_frames_come_back_as_they_were(sealed: Path) -> None:
    demos = Demonstrations(sealed)
    wanted = [f for attempt in (0, 2, 3) for f in episode(attempt).frames]
    assert len(demos) == len(wanted) == 15
    assert demos.embodiment == BODY
    assert demos.roles == ("base", "wrist")
    for k, want in enumerate(wanted):
        assert demos.state[k] == pytest.approx(want.state, abs=1e-6)
        assert demos.chunk[k] == pytest.approx(want.chunk, abs=1e-6)
        assert demos.anchor[k] == pytest.approx(want.anchor, abs=1e-6)
        assert (demos.picture("base", k) == decode(want.pictures["base"], (SIDE, SIDE))).all()
        assert demos.words("step")[k] == want.step
        assert demos.projection("base")[k] == pytest.approx(want.projections["base"], abs=1e-6)
        assert not demos.projection("wrist")[k].any()
        poses, known = demos.task_object
        assert known[k] == (want.task_object is not None)
        if want.task_object is not None:
            assert poses[k] == pytest.approx(pose_numbers(want.task_object), abs=1e-6)
        assert demos.task_target[1][k] == (want.task_target is not None)
    assert [list(r) for r in demos.episodes()] == [list(range(5 * k, 5 * k + 5)) for k in range(3)]
    assert demos.column("action") == pytest.approx(demos.chunk[:, 0])
    assert not demos.state.flags.writeable
    assert [note["attempt"] for note in demos.head.episodes] == [0, 2, 3]
    assert demos.head.failed == 1


def _spoil(folder: Path, column: str) -> None:
    """Another byte in the middle of every chunk of a column."""
    for number in range(3):
        path = data_path(folder, number)
        data, metadata = bytearray(path.read_bytes()), pq.read_metadata(path)
        for k in range(metadata.num_columns):
            chunk = metadata.row_group(0).column(k)
            if chunk.path_in_schema.startswith(f"{column}."):
                first = chunk.dictionary_page_offset or chunk.data_page_offset
                data[first + chunk.total_compressed_size // 2] ^= 0xFF
        path.write_bytes(bytes(data))


def test_reads_only_the_columns_that_are_wanted(sealed: Path) -> None:
    whole = Demonstrations(sealed).state
    _spoil(sealed, "observation.images.base")
    some = Demonstrations(sealed, {"observation.state", "episode_index", "step", "observation.images.above"})
    assert (some.state == whole).all()
    assert some.words("step")[0] in STEPS
    assert [len(each) for each in some.episodes()] == [5, 5, 5]
    for ask in (lambda: some.chunk, lambda: some.words("phase"), lambda: some.picture("wrist", 0)):
        with pytest.raises(BadInputError, match="left out"):
            ask()
    with pytest.raises(BadInputError, match="cannot be read"):
        Demonstrations(sealed).state  # noqa: B018


def test_says_how_much_its_columns_take_before_any_is_read(sealed: Path) -> None:
    files = [pq.read_metadata(data_path(sealed, number)).row_group(0) for number in range(3)]
    sizes: dict[str, int] = {}
    for group in files:
        for k in range(group.num_columns):
            chunk = group.column(k)
            sizes[chunk.path_in_schema] = sizes.get(chunk.path_in_schema, 0) + chunk.total_compressed_size
    for column in ("observation.images.base", "action"):
        _spoil(sealed, column)
    assert Demonstrations(sealed).compressed_bytes == sum(sizes.values())
    picture = sizes["observation.images.base.bytes"] + sizes["observation.images.base.path"]
    assert Demonstrations(sealed, {"observation.images.base"}).compressed_bytes == picture
    # `action` begins the name of `action_chunk` too, and `observation.task_object` that of its mask.
    action = sizes["action.list.element"]
    assert Demonstrations(sealed, {"action"}).compressed_bytes == action
    task = sizes["observation.task_object.list.element"]
    assert Demonstrations(sealed, {"observation.task_object"}).compressed_bytes == task
    assert Demonstrations(sealed, ()).compressed_bytes == 0


def test_its_meta_has_what_lerobot_reads(sealed: Path) -> None:
    info = json.loads((sealed / INFO).read_text())
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (3, 15, 2)
    assert (info["fps"], info["robot_type"], info["splits"]) == (6.25, "toy", {"train": "0:3"})
    assert info["data_path"] == "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    defaults = {"timestamp": "float32"} | dict.fromkeys(
        ("frame_index", "episode_index", "index", "task_index"), "int64"
    )
    for name, dtype in defaults.items():
        assert info["features"][name] == {"dtype": dtype, "shape": [1], "names": None}
    assert info["features"]["observation.images.wrist"]["dtype"] == "image"
    assert info["features"]["observation.state"]["names"][9:] == ["gripper_width", "j1", "j2"]
    data = pq.read_table(sealed / "data/chunk-000/file-001.parquet")
    assert set(data.column_names) == set(info["features"])
    assert data["timestamp"].to_pylist() == pytest.approx([k / 6.25 for k in range(5)])
    assert data["index"].to_pylist() == list(range(5, 10))
    assert data["next.done"].to_pylist() == [False] * 4 + [True]
    with Image.open(io.BytesIO(data["observation.images.base"][0].as_py()["bytes"])) as picture:
        assert picture.size == (SIDE, SIDE)
    tasks = pq.read_table(sealed / "meta/tasks.parquet")
    assert tasks["task"].to_pylist() == list(STEPS)
    assert tasks["task_index"].to_pylist() == [0, 1]
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["task"]
    episodes = pq.read_table(sealed / "meta/episodes/chunk-000/file-000.parquet")
    keys = "episode_index tasks length data/chunk_index data/file_index dataset_from_index dataset_to_index"
    assert set(keys.split()) <= set(episodes.column_names)
    assert episodes["dataset_to_index"].to_pylist() == [5, 10, 15]
    statistics = json.loads((sealed / STATS).read_text())
    assert {"min", "max", "mean", "std", "count", "q01", "q99"} <= set(statistics["observation.state"])
    assert np.shape(statistics["observation.images.base"]["mean"]) == (3, 1, 1)


def test_the_same_episodes_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        writer = DatasetWriter(tmp_path / name, head())
        writer.add(episode(0))
        writer.seal(failed=0)
    assert content(tmp_path / "one") == content(tmp_path / "other")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink], ids=["cut off", "changed", "gone"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_damaged_file_is_made_again_and_the_set_is_as_before(
    sealed: Path, number: int, damage: Callable[[Path], None]
) -> None:
    before = content(sealed)
    damage(data_path(sealed, number))
    writer = DatasetWriter(sealed, head())
    assert writer.episodes == number
    while writer.episodes < 3:
        attempt = writer.next_attempt
        if attempt != 1:  # the one that had failed
            writer.add(episode(attempt))
        else:
            writer.add(episode(2))
    writer.seal(failed=1)
    assert content(sealed) == before


def test_files_that_do_not_follow_on_what_fills_a_gap_are_dropped(sealed: Path) -> None:
    data_path(sealed, 1).unlink()
    writer = DatasetWriter(sealed, head())
    writer.add(replace(episode(2), frames=episode(2).frames[:3]))
    assert writer.episodes == 2


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_dataset import DatasetWriter, episode, head
writer = DatasetWriter(Path(sys.argv[1]), head())
print("began", flush=True)
for attempt in range(100_000):
    writer.add(episode(attempt))
    print(attempt, flush=True)
"""


def test_a_set_whose_writer_was_killed_goes_on_with_what_was_committed(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    here = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), here], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]  # five are committed
        os.kill(process.pid, signal.SIGKILL)
    assert lines[-1] == "4\n"
    with pytest.raises(BadInputError, match=r"cut off.*Run the command"):
        Demonstrations(folder)
    writer = DatasetWriter(folder, head())
    assert writer.episodes >= 5
    assert writer.next_attempt == writer.episodes
    writer.add(episode(writer.next_attempt))
    writer.seal(failed=0)
    demos = Demonstrations(folder)
    assert len(demos) == 5 * writer.episodes
    assert not list(folder.rglob("*.part"))


def test_refuses_to_go_on_with_another_command_cell_or_folder(sealed: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"command\.seed.*got 1"):
        DatasetWriter(sealed, head(seed=2))
    with pytest.raises(BadInputError, match="cell_sha256"):
        DatasetWriter(sealed, replace(head(), cell_sha256="1" * 64))
    (tmp_path / "foreign" / "data").mkdir(parents=True)
    with pytest.raises(BadInputError, match="something else"):
        DatasetWriter(tmp_path / "foreign", head())


def _edit(relative: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = json.loads((folder / relative).read_text())
        change(data)
        (folder / relative).write_text(json.dumps(data))

    return damage


def _drop_column(folder: Path) -> None:
    path = data_path(folder, 1)
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["anchor"]), path)


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "an older version": (_edit(INFO, lambda d: d.update(codebase_version="v2.1")), "'v2.1'.*'v3.0'"),
    "another shape": (
        _edit(INFO, lambda d: d["features"]["action"].update(shape=[3])),
        "info.json says.*action",
    ),
    "too few frames": (_edit(INFO, lambda d: d.update(total_frames=14)), "15 frames, not 14"),
    "no column": (_drop_column, "episode 1 lacks the column anchor"),
    "no file": (lambda folder: data_path(folder, 2).unlink(), "file-002.parquet.*cannot be read"),
    "another body": (
        _edit(HEAD, lambda d: d["embodiment"].update(tag="other")),
        "fingerprint is not that",
    ),
    "no head": (lambda folder: (folder / HEAD).unlink(), "no set of demonstrations"),
    "a newer schema": (_edit(HEAD, lambda d: d.update(schema=2)), "schema 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses_a_set_that_is_not_what_it_says(sealed: Path, name: str) -> None:
    damage, said = BAD[name]
    damage(sealed)
    with pytest.raises(BadInputError, match=said):
        Demonstrations(sealed)


def test_refuses_frames_of_another_form(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "set", head())
    good = episode(0)
    for change, said in (
        ({"chunk": np.zeros((HORIZON, 3))}, "action_chunk"),
        ({"state": np.zeros(11)}, "state"),
        ({"pictures": {"base": good.frames[0].pictures["base"]}}, "lacks the picture.*wrist"),
    ):
        with pytest.raises(ShapeError, match=said):
            writer.add(replace(good, frames=(replace(good.frames[0], **change),)))
    with pytest.raises(BadInputError, match="attempts rise"):
        writer.add(replace(good, frames=()))
    assert writer.episodes == 0
    assert read_note(data_path(tmp_path / "set", 0)) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_reads_pictures_that_others_wrote(kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (200, 100, 50)).save(buffer, format=kind)
    assert np.abs(decode(buffer.getvalue(), (SIDE, SIDE))[0, 0].astype(int) - (200, 100, 50)).max() < 5


def test_a_picture_comes_back_bit_for_bit() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    assert (decode(encode(picture), (SIDE, SIDE)) == picture).all()
    assert encode(picture) == encode(picture)


def test_refuses_bytes_and_roles_that_are_no_picture(sealed: Path) -> None:
    demos = Demonstrations(sealed)
    with pytest.raises(BadInputError, match=r"no camera of this role.*base, wrist"):
        demos.picture("above", 0)
    with pytest.raises(BadInputError, match="no picture"):
        decode(b"GIF89a", (SIDE, SIDE))
    with pytest.raises(ShapeError, match="another size"):
        decode(encode(np.zeros((8, 8, 3), np.uint8)), (SIDE, SIDE))
    with pytest.raises(ShapeError, match="of bytes"):
        encode(np.zeros((8, 8)))  # type: ignore[arg-type]
