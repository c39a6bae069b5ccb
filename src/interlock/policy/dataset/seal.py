"""Writes the rest of a LeRobotDataset's meta/ from its data files: info, statistics, tasks, episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.hal.arrays import FloatArray
from interlock.policy.dataset.data_file import (
    DATA_PATH,
    PER_CHUNK,
    FileNote,
    data_path,
    write_atomically,
)
from interlock.policy.dataset.features import IMAGES, VERSION, Features
from interlock.policy.dataset.pictures import decode

__all__ = ["EPISODES", "INFO", "STATS", "TASKS", "write_meta"]

INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
_QUANTILES = (1, 10, 50, 90, 99)
_PICTURES = 100  # looked at for the statistics of pixels

Statistics = dict[str, dict[str, Any]]


def write_meta(folder: Path, features: Features, notes: Sequence[FileNote]) -> None:
    """Write all of meta/ but the head; each file whole or not at all.

    Raises:
        StorageError: if one cannot be written.
    """
    tasks: dict[str, int] = {}
    for note in notes:
        tasks |= note.tasks
    spoken = sorted(tasks, key=lambda task: tasks[task])
    statistics, one_by_one = _statistics(folder, features, notes)
    _write_parquet(folder / TASKS, _tasks(spoken))
    _write_parquet(folder / EPISODES, _episodes(notes, one_by_one))
    write_atomically(folder / STATS, (json.dumps(statistics) + "\n").encode())
    info = _info(folder, features, notes, len(spoken))
    write_atomically(folder / INFO, (json.dumps(info, indent=4) + "\n").encode())


def _info(folder: Path, features: Features, notes: Sequence[FileNote], tasks: int) -> dict[str, Any]:
    return {
        "codebase_version": VERSION,
        "robot_type": features.embodiment.tag,
        "total_episodes": len(notes),
        "total_frames": sum(note.length for note in notes),
        "total_tasks": tasks,
        "chunks_size": PER_CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": features.frame_rate_hz,
        "splits": {"train": f"0:{len(notes)}"},
        "data_path": DATA_PATH,
        "video_path": None,
        "features": dict(features.table()),
    }


def _tasks(spoken: list[str]) -> pa.Table:
    """Tasks as pandas writes a frame whose index is the task and whose one column is its number."""
    column = {"field_name": None, "metadata": None, "numpy_type": "object", "pandas_type": "unicode"}
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [{"name": None, **column, "metadata": {"encoding": "UTF-8"}}],
        "columns": [
            {
                **column,
                "name": "task_index",
                "field_name": "task_index",
                "numpy_type": "int64",
                "pandas_type": "int64",
            },
            {**column, "name": "task", "field_name": "task"},
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    table = pa.table({"task_index": pa.array(range(len(spoken)), pa.int64()), "task": spoken})
    return table.replace_schema_metadata({b"pandas": json.dumps(pandas).encode()})


def _episodes(notes: Sequence[FileNote], statistics: Sequence[Statistics]) -> pa.Table:
    rows = []
    for note, found in zip(notes, statistics, strict=True):
        chunk, number = divmod(note.episode, PER_CHUNK)
        row: dict[str, Any] = {
            "episode_index": note.episode,
            "tasks": list(note.tasks),
            "length": note.length,
            "data/chunk_index": chunk,
            "data/file_index": number,
            "dataset_from_index": note.first,
            "dataset_to_index": note.first + note.length,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }
        row |= {f"stats/{name}/{key}": value for name, each in found.items() for key, value in each.items()}
        rows.append(row)
    return pa.Table.from_pylist(rows) if rows else pa.table({"episode_index": pa.array([], pa.int64())})


def _statistics(
    folder: Path, features: Features, notes: Sequence[FileNote]
) -> tuple[Statistics, list[Statistics]]:
    """Of the whole set, and of each episode."""
    table = features.table()
    numeric = [n for n, f in table.items() if f["dtype"] not in ("image", "string", "bool")]
    per_file = [_columns(data_path(folder, note.episode), numeric, table) for note in notes]
    if not per_file:
        return {}, []
    whole = {name: _of(np.concatenate([columns[name] for columns in per_file])) for name in numeric}
    whole |= _of_pictures(folder, features, notes)
    return whole, [{name: _of(columns[name]) for name in numeric} for columns in per_file]


def _columns(path: Path, names: list[str], table: Mapping[str, Any]) -> dict[str, FloatArray]:
    read = pq.read_table(path, columns=names)
    return {
        name: np.array(read[name].to_pylist(), dtype=np.float64).reshape(-1, *table[name]["shape"])
        for name in names
    }


def _of(values: FloatArray) -> dict[str, Any]:
    """LeRobot's figures over the first axis."""
    figures: dict[str, Any] = {
        "min": values.min(axis=0).tolist(),
        "max": values.max(axis=0).tolist(),
        "mean": values.mean(axis=0).tolist(),
        "std": values.std(axis=0).tolist(),
        "count": [len(values)],
    }
    found = np.percentile(values, _QUANTILES, axis=0)
    return figures | {f"q{q:02d}": part.tolist() for q, part in zip(_QUANTILES, found, strict=True)}


def _of_pictures(folder: Path, features: Features, notes: Sequence[FileNote]) -> Statistics:
    """Of the pixels of a few pictures spread over the set, per channel, shape (3, 1, 1), from 0 to 1."""
    total = sum(note.length for note in notes)
    wanted = set(np.linspace(0, total - 1, min(_PICTURES, total)).astype(int).tolist())
    pixels: dict[str, list[NDArray[np.uint8]]] = {camera.role: [] for camera in features.cameras}
    for note in notes:
        rows = [k for k in range(note.length) if note.first + k in wanted]
        if not rows:
            continue
        names = [f"{IMAGES}{camera.role}" for camera in features.cameras]
        read = pq.read_table(data_path(folder, note.episode), columns=names)
        for camera in features.cameras:
            size = (camera.height_px, camera.width_px)
            kept = (decode(read[f"{IMAGES}{camera.role}"][k].as_py()["bytes"], size) for k in rows)
            pixels[camera.role] += [picture.reshape(-1, 3) for picture in kept]
    answer: Statistics = {}
    for role, pictures in pixels.items():
        found = _of(np.concatenate(pictures) / 255.0)
        shaped = {k: np.reshape(v, (3, 1, 1)).tolist() for k, v in found.items() if k != "count"}
        answer[f"{IMAGES}{role}"] = shaped | {"count": [len(pictures)]}
    return answer


def _write_parquet(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_atomically(path, sink.getvalue().to_pybytes())
