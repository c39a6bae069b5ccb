"""Print the `gate` benchmark; see README.md here."""

from rich import print_json

from interlock.orchestrator.bench import run

if __name__ == "__main__":
    print_json(data=run("gate"))
