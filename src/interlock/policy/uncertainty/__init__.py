"""Whether a question looks like those of successful rollouts, and what to do with the answer if it does not.

No safety mechanism: nothing here is trusted, and nothing here lets a proposal past the gate. It can only make
a learned policy propose more slowly, or not at all; `docs/uncertainty.md` says what that is worth.
May import: `interlock.errors`, the data types of `interlock.hal`, numpy, scipy; never torch.
Importing this package imports nothing else; take what you need from its modules.
"""

from __future__ import annotations

__all__: list[str] = []
