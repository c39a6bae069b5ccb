"""Writes a set of demonstrations so that it can be cut off at any instant and go on afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from interlock.errors import BadInputError
from interlock.policy.dataset.data_file import (
    PER_CHUNK,
    FileNote,
    data_path,
    read_note,
    write_atomically,
    write_episode,
)
from interlock.policy.dataset.episode import Episode
from interlock.policy.dataset.head import HEAD, Head
from interlock.policy.dataset.seal import write_meta

__all__ = ["DatasetWriter"]


class DatasetWriter:
    """One set on disk, an episode a file.

    Every episode's file says in its footer what it is, and is put in place whole; meta/ is written from the
    files by `seal`. A file that is missing or damaged leaves a gap, which the next episode fills: attempts
    are the same each time, so what fills a gap is what was there.

    Args:
        folder: the set's folder; made if it is not there.
        head: where it comes from.

    Attributes:
        damaged: numbers of the files that were found cut off or changed, and dropped.

    Raises:
        BadInputError: if the folder holds a set of another origin.
        StorageError: if it cannot be written.
    """

    def __init__(self, folder: Path, head: Head) -> None:
        self.folder = folder
        self._head = head
        if (folder / HEAD).exists():
            _require_same(Head.read(folder), head, folder)
        elif (folder / "meta").exists() or (folder / "data").exists():
            raise BadInputError(
                "this folder holds something else",
                field="out",
                value=str(folder),
                mend="Name a new folder with --out DIR.",
            )
        write_atomically(folder / HEAD, replace(head, sealed=False, episodes=(), failed=0).to_json().encode())
        self.damaged: list[int] = []
        self._notes = self._found()

    @property
    def episodes(self) -> int:
        """Episodes that stand in a row from the first; the next one written is that number."""
        number = 0
        while number in self._notes:
            number += 1
        return number

    @property
    def next_attempt(self) -> int:
        """The attempt after that of the last episode in the row."""
        last = self.episodes - 1
        return 0 if last < 0 else self._notes[last].attempt + 1

    @property
    def frames(self) -> int:
        """Frames of the episodes in the row."""
        return sum(note.length for note in self._row())

    @property
    def nbytes(self) -> int:
        """Bytes of all data files."""
        return sum(data_path(self.folder, number).stat().st_size for number in self._notes)

    def add(self, episode: Episode) -> int:
        """Write an episode at the end of the row, whole or not at all; how many bytes it takes.

        Raises:
            BadInputError: if its attempt is one that was made before, or it has no frame.
            ShapeError: if a frame does not fit.
            StorageError: if it cannot be written.
        """
        row = self._row()
        if not episode.frames or episode.attempt < self.next_attempt:
            raise BadInputError(
                "an episode has frames, and attempts rise",
                field="episode.attempt",
                value=(episode.attempt, len(episode.frames)),
                mend=f"Give one from {self.next_attempt} on.",
            )
        note = FileNote(
            episode=len(row),
            attempt=episode.attempt,
            first=sum(each.length for each in row),
            length=len(episode.frames),
            tasks=self._number_tasks(row, episode),
            success=episode.success,
            note=dict(episode.note),
        )
        size = write_episode(self.folder, self._head.features, episode, note)
        self._notes[note.episode] = note
        self._drop_misfits(note)
        return size

    def seal(self, failed: int) -> None:
        """Write meta/, so that the set can be read.

        Args:
            failed: attempts that were not kept.

        Raises:
            StorageError: if it cannot be written.
        """
        row = self._row()
        for number in sorted(self._notes)[len(row) :]:  # behind a gap that was not filled
            self._drop(number)
        write_meta(self.folder, self._head.features, row)
        notes = tuple(
            {
                "episode_index": note.episode,
                "attempt": note.attempt,
                "frames": note.length,
                "success": note.success,
                **note.note,
            }
            for note in row
        )
        write_atomically(self.folder / HEAD, self._head.as_sealed(notes, failed).to_json().encode())

    def _row(self) -> list[FileNote]:
        return [self._notes[number] for number in range(self.episodes)]

    def _found(self) -> dict[int, FileNote]:
        """What the files say, without those that are damaged or do not follow on the ones before."""
        notes: dict[int, FileNote] = {}
        files = sorted((self.folder / "data").glob("chunk-*/file-*.parquet"))
        for draft in (self.folder / "data").glob("chunk-*/.file-*.part"):
            draft.unlink()
        for path in files:
            number = _number_of(path)
            note = read_note(path)
            if note is None or note.episode != number:
                self.damaged.append(number)
                path.unlink()
            else:
                notes[number] = note
        return notes

    def _number_tasks(self, row: list[FileNote], episode: Episode) -> dict[str, int]:
        known: dict[str, int] = {}
        for note in row:
            known |= note.tasks
        numbered = {}
        for frame in episode.frames:
            if frame.step not in numbered:
                numbered[frame.step] = known.setdefault(frame.step, len(known))
        return numbered

    def _drop_misfits(self, last: FileNote) -> None:
        """Files behind a gap are kept if they follow on what filled it."""
        behind = self._notes.get(last.episode + 1)
        if behind is not None and (
            behind.first != last.first + last.length or behind.attempt <= last.attempt
        ):
            for number in [n for n in self._notes if n > last.episode]:
                self._drop(number)

    def _drop(self, number: int) -> None:
        del self._notes[number]
        data_path(self.folder, number).unlink(missing_ok=True)


def _number_of(path: Path) -> int:
    """Number of the episode that a file is named for; -1 for a name of nobody's."""
    try:
        chunk, file = (int(name.rpartition("-")[2]) for name in (path.parent.name, path.stem))
    except ValueError:
        return -1
    return PER_CHUNK * chunk + file


def _require_same(there: Head, head: Head, folder: Path) -> None:
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("command", dict(there.command), dict(head.command)),
        ("cell_sha256", there.cell_sha256, head.cell_sha256),
        ("embodiment", there.features.embodiment.fingerprint, head.features.embodiment.fingerprint),
        ("cameras", there.features.cameras, head.features.cameras),
    )
    for field, old, new in pairs:
        if old != new:
            if isinstance(old, dict) and isinstance(new, dict):
                keys = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
                field, old = f"command.{keys[0]}", old.get(keys[0])
            raise BadInputError(
                "the set in this folder was begun with something else here",
                field=field,
                value=old,
                mend=f"Run the command that began it, or name a new folder than {folder} with --out DIR.",
            )
