"""How the process ends while a policy's thread still computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


INTERRUPTED_INSIDE_A_LIBRARY = """
import ctypes, sys
import interlock.cli

def app(prog_name):
    ctypes.pythonapi.PyRun_SimpleString(b"raise KeyboardInterrupt")
    sys.exit(4)

interlock.cli.app = app
"""


def test_a_ctrl_c_that_came_inside_a_library_ends_with_the_code_of_a_stop(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(
        INTERRUPTED_INSIDE_A_LIBRARY + "from interlock.__main__ import entry\nentry()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4


def test_a_stop_while_a_policy_thinks_ends_with_its_own_code_and_its_last_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_A_POLICY_THINKS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "the last line\n", "")
