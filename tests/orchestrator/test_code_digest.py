from __future__ import annotations

from pathlib import Path

import pytest

from interlock.errors import StorageError
from interlock.orchestrator.code_digest import code_sha256


def test_a_byte_or_a_name_that_changes_makes_other_code(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    file = tmp_path / "room" / "a.py"
    file.write_text("x = 1\n")
    (tmp_path / "notes.md").write_text("no code")
    (tmp_path / ".#lock.py").symlink_to(tmp_path / "nowhere")
    found = [code_sha256(tmp_path), code_sha256(tmp_path)]
    file.write_text("x = 2\n")
    found.append(code_sha256(tmp_path))
    file.rename(tmp_path / "room" / "b.py")
    found.append(code_sha256(tmp_path))
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_where_there_is_no_code_nobody_can_say_which_it_is(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no Python files"):
        code_sha256(tmp_path)
    assert len(code_sha256()) == 64
