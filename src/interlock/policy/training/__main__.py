"""`python -m interlock.policy.training`: the same as `interlock train`, where only torch and pyarrow are."""

from __future__ import annotations

import sys

from interlock.policy.training.command import main

if __name__ == "__main__":
    sys.exit(main())
