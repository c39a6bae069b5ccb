"""What kinds of part the surroundings are made of, as the arrays of `Obstacles` name them.

The projector's and the verifier's kernels both take these. The word `@kernel` is here for `kernel_cache`,
which compiles them anew when a file that says it has changed.
"""

from __future__ import annotations

__all__ = ["BOX", "HALF_SPACE", "HULL", "SEGMENT"]

SEGMENT, BOX, HULL, HALF_SPACE = 0, 1, 2, 3
