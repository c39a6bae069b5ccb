"""How the process ends while a policy's thread still computes."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

STOPPED_WHILE_A_POLICY_THINKS = """
import sys, threading
import interlock.cli

def think(thinks):
    import torch
    torch.set_num_threads(1)
    numbers, layer = torch.ones(64, 64), torch.nn.Linear(64, 64)
    while True:
        layer(numbers)
        thinks.set()

def app(prog_name):
    thinks = threading.Event()
    threading.Thread(target=think, args=(thinks,), daemon=True).start()
    thinks.wait()
    print("the last line")
    sys.exit(4)

interlock.cli.app = app
from interlock import __main__ as process
getattr(process, "entry", lambda: sys.exit(process.main()))()
"""


def test_a_stop_while_a_policy_thinks_ends_with_its_own_code_and_its_last_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_A_POLICY_THINKS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "the last line\n", "")
