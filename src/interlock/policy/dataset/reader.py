"""Reads a set of demonstrations: the columns that are wanted, pictures decoded when they are asked for."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from interlock.errors import BadInputError, ShapeError
from interlock.hal.arrays import FloatArray
from interlock.hal.embodiment import Embodiment
from interlock.policy.dataset.column_chunks import compressed_bytes
from interlock.policy.dataset.data_file import data_path
from interlock.policy.dataset.features import IMAGES, PROJECTION, VERSION, Features
from interlock.policy.dataset.head import Head
from interlock.policy.dataset.pictures import decode
from interlock.policy.dataset.seal import INFO

__all__ = ["Demonstrations"]


class Demonstrations:
    """A sealed set, frame by frame; index i runs over all episodes in order.

    Numbers are arrays whose first axis is the frame. Pictures stay compressed in memory until `picture`
    decodes one, so that ten thousand frames cost what they cost on disk. At first only the footers of its
    files are looked at; the columns are read together when the first of them is asked for.

    Args:
        folder: the set's folder.
        columns: names of those to read, whatever else the set holds; None for all.

    Attributes:
        folder: the same.
        head: where the set comes from.
        features: body, joints, cameras.
        compressed_bytes: what the columns to read take in the files, compressed as they are there.

    Raises:
        BadInputError: if it is no set, not sealed, of another version, or lacks a file or a column.
        ShapeError: if a column has another shape than meta/info.json says.
    """

    def __init__(self, folder: Path, columns: Collection[str] | None = None) -> None:
        self.folder = folder
        self.head = Head.read(folder)
        self.features: Features = self.head.features
        if not self.head.sealed:
            raise self._broken("it was cut off", "Run the command that writes it again: it goes on.")
        info = self._info()
        self._files = [data_path(folder, number) for number in range(int(info["total_episodes"]))]
        names = self.features.schema().names
        self._read = names if columns is None else [name for name in names if name in columns]
        self._frames, self.compressed_bytes = self._look_at_footers()
        if self._frames != info["total_frames"]:
            raise self._broken(f"it has {self._frames} frames, not {info['total_frames']}")
        self._numbers: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        """Number of frames."""
        return self._frames

    @property
    def sha256(self) -> str:
        """SHA-256 over those of the data files, in their order, in hexadecimal."""
        digest = hashlib.sha256()
        for number in range(len(self.head.episodes)):
            digest.update(hashlib.sha256(data_path(self.folder, number).read_bytes()).digest())
        return digest.hexdigest()

    @property
    def still(self) -> bool:
        """Whether it shows what is meant and where it is, and no motion: its chunks are all 0."""
        return bool(self.head.command.get("stills"))

    @property
    def embodiment(self) -> Embodiment:
        """The body whose channels the actions are in."""
        return self.features.embodiment

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the cameras."""
        return tuple(camera.role for camera in self.features.cameras)

    @property
    def state(self) -> FloatArray:
        """Tool pose, gripper width, joints as `features.state_names`, shape (N, S)."""
        return self.column("observation.state")

    @property
    def chunk(self) -> FloatArray:
        """The expert's clean chunks, shape (N, H, C), physical units."""
        return self.column("action_chunk")

    @property
    def anchor(self) -> FloatArray:
        """Tool poses that relative channels start from, shape (N, 4, 4), [m]."""
        return self.column("anchor").reshape(-1, 4, 4)

    @property
    def task_object(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Position and two rotation columns of the task's object, shape (N, 9), and where there is one."""
        return self.column("observation.task_object"), self.column("observation.task_object_mask") > 0

    @property
    def task_target(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Where the object goes, shape (N, 3), [m], and where that is known."""
        return self.column("observation.task_target"), self.column("observation.task_target_mask") > 0

    @property
    def task_object_size(self) -> FloatArray:
        """Full lengths of the task's object along its own axes, shape (N, 3), [m]; 0 where there is none."""
        return self.column("observation.task_object_size")

    def projection(self, role: str) -> FloatArray:
        """Camera matrices of a role as `Frame.projection`, shape (N, 3, 4); all 0 where nobody knew it."""
        return self.column(f"{PROJECTION}{role}").reshape(-1, 3, 4)

    @property
    def episode(self) -> NDArray[np.int64]:
        """Number of each frame's episode, shape (N,)."""
        return self.column("episode_index").astype(np.int64)

    def column(self, name: str) -> FloatArray:
        """A column of numbers, first axis the frame, read-only.

        Raises:
            BadInputError: if there is no such column of numbers, or it is not read.
        """
        if name not in self._numbers:
            feature = self.features.table().get(name)
            if feature is None or feature["dtype"] in ("image", "string"):
                raise BadInputError(
                    "there is no such column of numbers",
                    field="column",
                    value=name,
                    mend=f"Use one of {', '.join(self._columns_of('numbers'))}.",
                )
            shape = (len(self), *(() if feature["shape"] == [1] else feature["shape"]))
            flat = self._of(name).combine_chunks()
            while pa.types.is_list(flat.type) or pa.types.is_fixed_size_list(flat.type):
                flat = flat.flatten()
            values = np.asarray(flat.to_numpy(zero_copy_only=False), dtype=np.float64)
            if values.size != np.prod(shape):
                raise ShapeError(
                    f"this column should have shape {shape}",
                    field=name,
                    value=values.shape,
                    mend="Make the demonstrations again.",
                )
            values = values.reshape(shape)
            values.setflags(write=False)
            self._numbers[name] = values
        return self._numbers[name]

    def words(self, name: str) -> list[str]:
        """A column of words: "phase", "skill" or "step".

        Raises:
            BadInputError: if there is no such column of words, or it is not read.
        """
        if self.features.table().get(name, {}).get("dtype") != "string":
            raise BadInputError(
                "there is no such column of words",
                field="column",
                value=name,
                mend=f"Use one of {', '.join(self._columns_of('words'))}.",
            )
        words: list[str] = self._of(name).to_pylist()
        return words

    def _columns_of(self, kind: str) -> list[str]:
        """Names of the columns of "numbers" or of "words"."""
        types = {name: feature["dtype"] for name, feature in self.features.table().items()}
        if kind == "words":
            return [name for name, dtype in types.items() if dtype == "string"]
        return [name for name, dtype in types.items() if dtype not in ("image", "string")]

    def picture(self, role: str, index: int) -> NDArray[np.uint8]:
        """What a camera saw, shape (height, width, 3), uint8, RGB, read-only; decoded at each call.

        Raises:
            BadInputError: if there is no camera of that role, its column is not read, or its bytes are no
                picture.
        """
        camera = next((c for c in self.features.cameras if c.role == role), None)
        if camera is None:
            raise BadInputError(
                "there is no camera of this role",
                field="role",
                value=role,
                mend=f"Use one of {', '.join(self.roles)}.",
            )
        content = self._of(f"{IMAGES}{role}")[index].as_py()["bytes"]
        return decode(content, (camera.height_px, camera.width_px))

    def episodes(self) -> Iterator[range]:
        """The frames of each episode, in order."""
        ends = np.flatnonzero(np.diff(self.episode)) + 1
        edges = [0, *ends.tolist(), len(self)]
        for start, stop in itertools.pairwise(edges):
            yield range(start, stop)

    def _info(self) -> Mapping[str, Any]:
        try:
            info: dict[str, Any] = json.loads((self.folder / INFO).read_text(encoding="utf-8"))
            version, features = info["codebase_version"], info["features"]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise self._broken(f"{INFO} cannot be used: {type(error).__name__}: {error}") from error
        if version != VERSION:
            raise self._broken(f"its version is {version!r}, and {VERSION!r} is read here")
        for name, wanted in self.features.table().items():
            if features.get(name) != wanted:
                raise self._broken(f"meta/info.json says {features.get(name)} of {name}, not {wanted}")
        return info

    def _look_at_footers(self) -> tuple[int, int]:
        """Number of frames, and bytes of the columns to read; nothing of them is read."""
        schema, frames, size = self.features.schema(), 0, 0
        for number, path in enumerate(self._files):
            with self._opened(path) as file:
                found = file.schema_arrow
                for field in schema:
                    if field.name not in found.names or found.field(field.name).type != field.type:
                        raise self._broken(f"episode {number} lacks the column {field.name} as {field.type}")
                frames += file.metadata.num_rows
                size += compressed_bytes(file.metadata, self._read)
        return frames, size

    @cached_property
    def _table(self) -> pa.Table:
        whole = self.features.schema()
        schema, tables = pa.schema([whole.field(name) for name in self._read]), []
        for path in self._files:
            try:
                with self._opened(path) as file:
                    table = file.read(columns=self._read)
            except (OSError, pa.ArrowException) as error:
                raise self._unreadable(path, error) from error
            tables.append(table.select(schema.names).replace_schema_metadata(None))
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def _of(self, name: str) -> pa.ChunkedArray:
        if name not in self._read:
            raise BadInputError(
                "this column was left out when the set was opened",
                field="column",
                value=name,
                mend="Name it among the columns to read.",
            )
        return self._table[name]

    def _opened(self, path: Path) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(path, page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(path, error) from error

    def _unreadable(self, path: Path, error: Exception) -> BadInputError:
        return self._broken(f"{path.name} of {path.parent.name} cannot be read: {error}")

    def _broken(self, what: str, mend: str = "Make the demonstrations again.") -> BadInputError:
        return BadInputError(
            f"this set cannot be used: {what}", field="data", value=str(self.folder), mend=mend
        )
