"""What a policy hands over: a stranger's object, until its form has been looked at."""

from __future__ import annotations

from interlock.hal.chunk import ActionChunk, Provenance

__all__ = ["not_a_chunk"]

_FORM: dict[str, type] = {
    "seq": int,
    "embodiment": str,
    "t_obs_ns": int,
    "t_ready_ns": int,
    "t0_ns": int,
    "dt_s": float,
    "provenance": Provenance,
}


def not_a_chunk(proposed: object) -> str:
    """Why `proposed` has not the form of a chunk, or ""; its values are for the gate to judge."""
    if type(proposed) is not ActionChunk:
        return f"it is a {type(proposed).__name__}"
    for name, form in _FORM.items():
        value = getattr(proposed, name)
        if not isinstance(value, form) or isinstance(value, bool):
            return f"its {name} is a {type(value).__name__}, not a {form.__name__}"
    return ""
