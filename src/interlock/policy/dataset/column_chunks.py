"""How much of a data file its columns take, from its footer alone."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow.parquet as pq

__all__ = ["compressed_bytes"]


def compressed_bytes(metadata: pq.FileMetaData, names: Collection[str]) -> int:
    """Bytes of the column chunks that are read for these columns, compressed as they are in the file.

    A column of lists or of pictures has chunks named `column.list.element` or `column.bytes`; pyarrow picks
    them by that beginning too.
    """
    wanted = {k for k in range(metadata.num_columns) if _belongs(metadata.schema.column(k).path, names)}
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    return sum(group.column(k).total_compressed_size for group in groups for k in wanted)


def _belongs(path: str, names: Collection[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)
