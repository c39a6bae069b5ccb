"""Print the `policy` benchmark; see README.md here."""

from rich.console import Console

from interlock.orchestrator.bench import run
from interlock.orchestrator.bench_table import bench_table

if __name__ == "__main__":
    Console().print(bench_table(run("policy")))
