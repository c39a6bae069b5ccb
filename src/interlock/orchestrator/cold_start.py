"""Says why the first start of a version on a machine takes longer."""

from __future__ import annotations

from interlock.guards.compile import is_cold, kernel_cache
from interlock.orchestrator.console import make_console

__all__ = ["say_if_cold"]


def say_if_cold() -> None:
    """Tell on stderr that the guards' kernels are compiled now, if they are, and where they are kept."""
    if is_cold():
        make_console(stderr=True).print(
            "Compiling the guards for this machine; that takes about half a minute, once. "
            f"Kept in {kernel_cache().parent}.",
            style="dim",
        )
