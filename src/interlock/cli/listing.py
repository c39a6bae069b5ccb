"""Commands that list what may be named: cells, guards, policies."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from interlock.cli.answer import answer
from interlock.cli.options import DEFAULT_CELL, CellOption, JsonOption

if TYPE_CHECKING:
    from interlock.orchestrator.catalog import CatalogEntry

__all__ = ["app"]

app = typer.Typer()


@app.command()
def cells(as_json: JsonOption = False) -> None:
    """List the cells that ship; the default is marked."""
    from interlock.orchestrator.catalog import list_cells

    _list(list_cells(), "default", as_json)


@app.command()
def guards(as_json: JsonOption = False) -> None:
    """List the guards: those that are always on, and plug-ins that a cell may name."""
    from interlock.orchestrator.catalog import list_guards

    _list(list_guards(), "always on", as_json)


@app.command()
def policies(cell: CellOption = DEFAULT_CELL, as_json: JsonOption = False) -> None:
    """List the policies, plug-ins included; the cell's own is marked."""
    from interlock.orchestrator.catalog import list_policies
    from interlock.orchestrator.cell_folder import find_cell
    from interlock.orchestrator.cell_reader import CellReader

    reader = CellReader(find_cell(cell))
    _list(list_policies(reader.parse(reader.content()).policy.name), "default", as_json)


def _list(entries: list[CatalogEntry], mark: str, as_json: bool) -> None:
    from interlock.orchestrator.console import catalog_table

    answer([asdict(entry) for entry in entries], lambda: catalog_table(entries, mark), as_json=as_json)
