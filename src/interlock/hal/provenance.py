"""Where a chunk came from, so that an auditor can make it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock import __version__

__all__ = ["CODE", "INLINE", "Provenance"]

CODE = f"interlock {__version__}"
"""Name and version of this code."""

INLINE = "inline"
"""Transport of a policy that runs in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a chunk came from. What nobody knows stays empty, and is left out of records and digests.

    Attributes:
        policy: name of the policy.
        version: its version.
        config_sha256: SHA-256 of all that configures it.
        seed: the run's seed.
        files: name and SHA-256 of each file that it was loaded from, by name; a mapping may be given.
        prompt_sha256: SHA-256 of the words that were read for this chunk, UTF-8.
        steps: steps of integration (Euler) from noise to chunk.
        question_seed: seed that this chunk was drawn with.
        code: name and version of the code that made it.
        transport: how it came here: "inline", or the protocol of the server that made it.
    """

    policy: str
    version: str
    config_sha256: str
    seed: int
    files: tuple[tuple[str, str], ...] = ()
    prompt_sha256: str = ""
    steps: int | None = None
    question_seed: int | None = None
    code: str = ""
    transport: str = ""

    def __post_init__(self) -> None:
        pairs = self.files.items() if isinstance(self.files, Mapping) else self.files
        object.__setattr__(self, "files", tuple(sorted((name, sha256) for name, sha256 in pairs)))

    def more(self) -> dict[str, Any]:
        """What it says beyond policy, version, configuration and seed, by field; plain data."""
        said = {
            "files": dict(self.files),
            "prompt_sha256": self.prompt_sha256,
            "steps": self.steps,
            "question_seed": self.question_seed,
            "code": self.code,
            "transport": self.transport,
        }
        return {name: value for name, value in said.items() if value is not None and value not in ("", {})}

    def to_json(self) -> dict[str, Any]:
        """All that it says, as plain data; `Provenance(**data)` is the way back."""
        first = {
            "policy": self.policy,
            "version": self.version,
            "config_sha256": self.config_sha256,
            "seed": self.seed,
        }
        return first | self.more()
