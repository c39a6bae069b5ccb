"""The sdist holds what a wheel is built from; the wheel holds the rooms and the cells, and installs clean."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("guards", "hal", "orchestrator", "planners", "policy", "traces")

IMPORT_ROOMS = f"""
import sys
rooms = {ROOMS}
for room in rooms:
    __import__("interlock." + room)
assert not set(rooms) & set(sys.modules), "a bare room was imported"
print(sys.modules["interlock"].__file__)
"""

pytestmark = pytest.mark.slow


class Built(NamedTuple):
    """The two files a release consists of."""

    sdist: Path
    wheel: Path


def said(command: list[str | Path], folder: Path) -> str:
    """What a command prints when it runs in a folder outside the checkout, with nothing on PYTHONPATH."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    said([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], folder)
    return Built(next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")))


@pytest.fixture(scope="module")
def empty_environment(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with nothing but the wheel installed; a .pth line lends it the third-party packages.

    Python reads no .pth file of a folder that is itself named in one, so the checkout's editable install
    stays out of sight.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    said([*pip, "install", "--quiet", "--no-index", "--no-deps", built.wheel], folder)
    site = next(folder.glob("lib/python3*/site-packages"))
    lent = Path(sysconfig.get_path("purelib"))
    # pin and coal keep their modules under a prefix of their own.
    prefixed = lent / "cmeel.prefix" / lent.relative_to(sys.prefix)
    (site / "third_party.pth").write_text(f"{lent}\n{prefixed}\n")
    return python


def wheel_files(built: Built) -> set[str]:
    with zipfile.ZipFile(built.wheel) as archive:
        return set(archive.namelist())


def test_wheel_holds_the_package_as_it_stands_in_src(built: Built) -> None:
    source = ROOT / "src"
    expected = {str(file.relative_to(source)) for file in source.rglob("*.py")} | {"interlock/py.typed"}
    held = {name for name in wheel_files(built) if name.endswith((".py", "py.typed"))}
    assert held == expected


def test_wheel_holds_the_cells(built: Built) -> None:
    expected = {f"interlock/cells/{file.name}" for file in (ROOT / "cells").glob("*.yaml")}
    assert expected
    assert {name for name in wheel_files(built) if name.endswith(".yaml")} == expected


def test_wheel_holds_nothing_outside_its_package(built: Built) -> None:
    tops = {name.partition("/")[0] for name in wheel_files(built)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"interlock"}


def test_sdist_holds_no_links_and_no_tests(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        members = archive.getmembers()
    assert [member.name for member in members if member.issym() or member.islnk()] == []
    tops = {member.name.split("/")[1] for member in members if "/" in member.name}
    assert {"src", "cells", "pyproject.toml", "README.md", "LICENSE"} <= tops
    assert tops.isdisjoint({*ROOMS, "tests"})


def test_rooms_import_from_the_installed_wheel_alone(empty_environment: Path, tmp_path: Path) -> None:
    where = said([empty_environment, "-c", IMPORT_ROOMS], tmp_path)
    assert Path(where.strip()).is_relative_to(empty_environment.parents[1])


def test_installed_command_answers(empty_environment: Path, tmp_path: Path) -> None:
    command = empty_environment.with_name("interlock")
    assert "Usage" in said([command, "--help"], tmp_path)


def test_installed_command_finds_the_cells(empty_environment: Path, tmp_path: Path) -> None:
    listed = said([empty_environment.with_name("interlock"), "cells"], tmp_path)
    assert [file.stem for file in (ROOT / "cells").glob("*.yaml") if file.stem not in listed] == []
