"""Lets the tests of this folder import the mutator's modules by the names its script uses."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
