"""One episode as one parquet file of a LeRobotDataset, committed whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from interlock.errors import ShapeError, StorageError
from interlock.hal.arrays import FloatArray
from interlock.policy.dataset.episode import DemoFrame, Episode
from interlock.policy.dataset.features import IMAGES, PROJECTION, Features
from interlock.policy.proprioception import pose_numbers

__all__ = ["DATA_PATH", "FileNote", "data_path", "read_note", "write_atomically", "write_episode"]

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
PER_CHUNK = 1000
_KEY = b"interlock"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNote:
    """What a data file says of itself, in its footer: a file that was cut off has none.

    Attributes:
        episode: its number.
        attempt: which try of the command it was.
        first: index of its first frame in the whole set.
        length: number of frames.
        tasks: index of each of its tasks, by the task in words, in the order they came.
        success: whether the goal was achieved.
        note: how it came about.
    """

    episode: int
    attempt: int
    first: int
    length: int
    tasks: Mapping[str, int]
    success: bool
    note: Mapping[str, Any]


def data_path(folder: Path, episode: int) -> Path:
    """Where the file of an episode is."""
    chunk, number = divmod(episode, PER_CHUNK)
    return folder / DATA_PATH.format(chunk_index=chunk, file_index=number)


def write_episode(folder: Path, features: Features, episode: Episode, note: FileNote) -> int:
    """Write one episode, whole or not at all; how many bytes it takes.

    Raises:
        ShapeError: if a frame does not fit the features.
        StorageError: if it cannot be written.
    """
    table = _table(features, episode.frames, note)
    path = data_path(folder, note.episode)
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=["phase", "skill", "step"],
        write_page_checksum=True,
        write_statistics=False,
    )
    content = sink.getvalue().to_pybytes()
    write_atomically(path, content)
    return len(content)


def read_note(path: Path) -> FileNote | None:
    """What a data file says of itself; None if it is not there, cut off or not ours."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            text = (file.schema_arrow.metadata or {})[_KEY]
            rows = file.metadata.num_rows
            for group in range(file.num_row_groups):
                file.read_row_group(group)  # every page's checksum
        note = FileNote(**json.loads(text))
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return None
    return note if note.length == rows else None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and make it last.

    Raises:
        StorageError: if it cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror or error}",
            field="out",
            value=str(path),
            mend="Free some space or name another folder; the same command then goes on where it was.",
        ) from error


def _table(features: Features, frames: tuple[DemoFrame, ...], note: FileNote) -> pa.Table:
    count, schema = len(frames), features.schema()
    body, poses = features.embodiment, [f.task_object for f in frames]
    numbers = np.arange(count)
    columns: dict[str, Any] = {
        f"{IMAGES}{camera.role}": _pictures(frames, camera.role) for camera in features.cameras
    }
    for camera in features.cameras:
        columns[f"{PROJECTION}{camera.role}"] = _projections(frames, camera.role)
    sizes = [np.zeros(3) if f.task_object_size is None else f.task_object_size for f in frames]
    chunks = _stacked([f.chunk for f in frames], (body.horizon, len(body.channels)), "action_chunk")
    columns |= {
        "observation.state": _stacked([f.state for f in frames], (len(features.state_names),), "state"),
        "observation.task_object": np.array([np.zeros(9) if p is None else pose_numbers(p) for p in poses]),
        "observation.task_object_size": _stacked(sizes, (3,), "task_object_size"),
        "observation.task_object_mask": [pose is not None for pose in poses],
        "observation.task_target": np.array([f.task_target or (0.0, 0.0, 0.0) for f in frames]),
        "observation.task_target_mask": [f.task_target is not None for f in frames],
        "observation.time": [f.time_s for f in frames],
        "action": chunks[:, 0],
        "action_chunk": chunks,
        "anchor": np.array([f.anchor.reshape(16) for f in frames]),
        "phase": [f.phase for f in frames],
        "skill": [f.skill for f in frames],
        "step": [f.step for f in frames],
        "next.done": numbers == count - 1,
        # LeRobot wants frames evenly spaced; `observation.time` is when they were taken.
        "timestamp": numbers / features.frame_rate_hz,
        "frame_index": numbers,
        "episode_index": np.full(count, note.episode),
        "index": note.first + numbers,
        "task_index": [note.tasks[f.step] for f in frames],
    }
    arrays = [_array(columns[field.name], field.type) for field in schema]
    said = {key: getattr(note, key) for key in FileNote.__slots__}
    return pa.Table.from_arrays(arrays, schema=schema.with_metadata({_KEY: json.dumps(said).encode()}))


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, np.ndarray) and values.ndim > 1:
        values = values.astype(np.float32).tolist()
    elif isinstance(values, np.ndarray):
        values = values.tolist()
    return pa.array(values, type=kind)


def _pictures(frames: tuple[DemoFrame, ...], role: str) -> list[dict[str, Any]]:
    if not all(role in frame.pictures for frame in frames):
        raise ShapeError(
            "a frame lacks the picture of this camera",
            field="frame.pictures",
            value=role,
            mend="Give one picture for each role.",
        )
    return [{"bytes": frame.pictures[role], "path": None} for frame in frames]


def _projections(frames: tuple[DemoFrame, ...], role: str) -> FloatArray:
    found = [frame.projections.get(role) for frame in frames]
    # All 0 where nobody knows it: then no point is in front of the camera.
    matrices = [np.zeros((3, 4)) if matrix is None else matrix for matrix in found]
    return _stacked(matrices, (3, 4), "projections").reshape(len(frames), 12)


def _stacked(values: list[FloatArray], shape: tuple[int, ...], name: str) -> FloatArray:
    for value in values:
        if value.shape != shape:
            raise ShapeError(
                f"a frame has shape {shape} here",
                field=f"frame.{name}",
                value=value.shape,
                mend="Make frames for the embodiment of this set.",
            )
    return np.array(values)
