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
_ORIGIN: dict[str, type] = {
    "prompt_sha256": str,
    "steps": int,
    "question_seed": int,
    "code": str,
    "transport": str,
}


def not_a_chunk(proposed: object) -> str:
    """Why `proposed` has not the form of a chunk, or ""; its values are for the gate to judge."""
    if type(proposed) is not ActionChunk:
        return f"it is a {type(proposed).__name__}"
    for name, form in _FORM.items():
        value = getattr(proposed, name)
        if not isinstance(value, form) or isinstance(value, bool):
            return f"its {name} is a {type(value).__name__}, not a {form.__name__}"
    return _not_an_origin(proposed.provenance)


def _not_an_origin(origin: Provenance) -> str:
    """What would not come back from a record as it was, or ""."""
    if type(origin) is not Provenance:
        return f"its provenance is a {type(origin).__name__}"
    for name, form in _ORIGIN.items():
        value = getattr(origin, name)
        if type(value) is not form and not (value is None and form is int):
            return f"its provenance.{name} is a {type(value).__name__}, not a {form.__name__}"
    if not all(type(text) is str for pair in origin.files for text in pair):
        return "its provenance.files are no names and hashes"
    return ""
