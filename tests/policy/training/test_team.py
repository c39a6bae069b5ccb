"""Two processes that `torchrun` has started train as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.policy.training import teamed
from tests.policy.training.taught import BODY, write_set

from interlock.errors import BadInputError
from interlock.policy.training.options import parser, request_of
from interlock.policy.training.team import Team
from interlock.policy.training.train import train
from interlock.policy.vla.checkpoint import Checkpoint


def options(folder: Path) -> list[str]:
    """Of `interlock train`."""
    paths = ["--data", str(folder / "numbers"), "--out", str(folder / "trained")]
    stages = ["--stage", "t2a:1", "--stage", "pretrain:1", "--batch", "4"]
    return [*paths, "--preset", "smoke", "--device", "cpu", *stages]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two processes that have ended well."""
    folder = tmp_path_factory.mktemp("two")
    write_set(folder / "numbers")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *torchrun, teamed.__file__, str(folder), *options(folder)]
    loopback = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | loopback
    ) as started:
        try:
            _, said = started.communicate(timeout=120)
        except BaseException:
            started.terminate()  # killed, it would leave its processes behind
            raise
    assert started.returncode == 0, said
    return folder


@pytest.fixture
def told(two: Path) -> list[dict[str, Any]]:
    return [json.loads((two / f"{rank}.json").read_text(encoding="utf-8")) for rank in (0, 1)]


@pytest.mark.slow
def test_gradients_are_the_mean_and_a_parameter_that_one_did_not_use_counts_as_nothing_there(
    told: list[dict[str, Any]],
) -> None:
    assert [(each["rank"], each["world"], each["leads"]) for each in told] == [(0, 2, True), (1, 2, False)]
    for each in told:
        assert each["gradients"] == {
            "both": [2.0, 20.0],
            "first": [2.0, -4.0],
            "none": [0.0, 0.0],
            "wide": [[0.0, 4.0, 8.0], [2.0, 6.0, 10.0]],
            "half": [2.0, 2.0],
        }


@pytest.mark.slow
def test_all_end_when_one_of_them_says_so(told: list[dict[str, Any]]) -> None:
    for each in told:
        assert each["agreed"] == {"nobody": False, "first": True, "second": True, "both": True}


@pytest.mark.slow
def test_two_processes_come_to_the_same_weights_from_other_frames_and_leave_one_checkpoint(
    two: Path, told: list[dict[str, Any]]
) -> None:
    assert [each["code"] for each in told] == [0, 0]
    assert told[0]["weights"] == told[1]["weights"] != ""
    checkpoint = Checkpoint.load(two / "trained" / "checkpoint")
    assert checkpoint.body(BODY).tag == "pointer"
    assert all(bool(tensor.isfinite().all()) for tensor in checkpoint.model.state_dict().values())


@pytest.mark.slow
def test_one_does_not_go_on_with_what_two_began(two: Path) -> None:
    with pytest.raises(BadInputError) as refused:
        train(request_of(parser("interlock train").parse_args(options(two))))
    assert (refused.value.field, refused.value.value) == ("processes", 2)


def test_who_trains_alone_keeps_its_gradients_and_its_word() -> None:
    team = Team(rank=0, world=1, device=torch.device("cpu"))
    used, unused = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    used.grad = torch.tensor([1.0, 2.0])
    team.share_gradients([used, unused])
    assert used.grad.tolist() == [1.0, 2.0]
    assert unused.grad is None
    assert [team.agree(flag) for flag in (False, True)] == [False, True]
