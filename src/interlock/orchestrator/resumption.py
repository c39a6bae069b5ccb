"""Long work that was cut off goes on: what is missing is done, and all of it given in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

from interlock.errors import StoppedError
from interlock.orchestrator.interrupts import Interrupts
from interlock.orchestrator.kept_rows import KeptRows
from interlock.orchestrator.worker_pool import done_as_ready

__all__ = ["Tell", "play_missing"]

Order = TypeVar("Order")

Tell = Callable[[int, int, dict[str, Any] | None], None]
"""Is told how many rows are there, of how many, and the last one."""


def play_missing(
    orders: Sequence[Order],
    function: Callable[[Order], dict[str, Any]],
    *,
    key: Callable[[Order], Sequence[Any]],
    kept: KeptRows,
    workers: int,
    tell: Tell,
    interrupts: Interrupts,
) -> list[dict[str, Any]]:
    """Do what is missing, and give all rows in the order of the orders.

    Args:
        orders: everything that is wanted.
        function: does one, and says what is to be kept of it as plain JSON; can be pickled.
        key: of an order, as plain JSON.
        kept: what is there.
        workers: processes that do it.
        tell: as `Tell`.
        interrupts: Ctrl-C: what was done is kept.

    Raises:
        StoppedError: after Ctrl-C.
        StorageError: if a row cannot be kept.
    """
    keys = [json.dumps(list(key(order))) for order in orders]
    missing = [order for order, each in zip(orders, keys, strict=True) if each not in kept.rows]
    done = len(orders) - len(missing)
    tell(done, len(orders), None)
    try:
        with closing(done_as_ready(function, missing, workers, "plays episodes")) as played:
            for order, row in played:
                kept.add(key(order), row)
                done += 1
                tell(done, len(orders), row)
                if interrupts.cause:
                    break
    except KeyboardInterrupt:
        pass
    if done < len(orders):
        raise StoppedError(
            f"{interrupts.cause or 'operator: Ctrl-C'}; {done} of {len(orders)} episodes are kept",
            mend="Run the same command again: it goes on there.",
        )
    return [kept.rows[each] for each in keys]
