"""Changes gate, verifier and stop in small ways and demands that a test fails for each: `make mutate`.

The complete set of mutants is played, no sample, on two cores in well under an hour. What is changed runs
uncompiled; kernels that the change does not reach come compiled from the cache. Whatever survives must stand
in `evidence/mutants.json` with the reason why no test can tell it; that list may only shrink. A survivor that
is killed now, or is gone, is struck from it; one that is new fails the run until a test kills it, or until
`--accept KEY --because TEXT` puts it in on purpose.

Why no library: mutmut 3.8 leaves decorated functions and everything outside functions alone, which is all of
`stop.py` and every constant; cosmic-ray 8.7 writes each mutant over the file in the working tree and starts
Python anew for it, which costs several seconds a mutant here and not half of one.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported: children are forked

from mutants import Mutant, mutants_of, sampled
from nursery import PACKAGE, TESTS, Fate, Nursery
from survivors import COMMITTED, RUNS, Ledger, entry, read_table, sources, write_table

__all__ = ["judge", "main"]

MUST = ("guards.gate", "guards.verifier", "guards.stop")
LEAST = 0.95
"""The share of each module's mutants that tests must kill."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all is well; 1 if a survivor is not in the list or too few are killed; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", action="append", choices=[name.split(".")[-1] for name in TESTS], metavar="MODULE",
        help="this module (more than once for more); also sweep, curve and tool_speed, which `make mutate` "
        "leaves out because they are slow uncompiled",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, metavar="N", help="at most N mutants of each module")
    parser.add_argument("--sample", type=float, metavar="SHARE", help="that share of each module's mutants")
    parser.add_argument("--seed", type=int, default=0, help="chooses the sample (default 0)")
    parser.add_argument("--workers", type=int, default=2, help="processes side by side (default 2)")
    parser.add_argument("--afresh", action="store_true", help="forget the fates of an earlier run")
    parser.add_argument("--list", action="store_true", help="print the mutants, play nothing")
    parser.add_argument("--accept", metavar="KEY", help="put a survivor of the last run into the list")
    parser.add_argument("--because", metavar="TEXT", help="with --accept: why no test can tell it")
    options = parser.parse_args(arguments)
    if options.sample is not None and not 0.0 < options.sample <= 1.0:
        parser.error("--sample: a share is above 0 and at most 1")
    if (options.accept is None) != (options.because is None):
        parser.error("--accept and --because go together")
    modules = [f"guards.{name}" for name in options.only] if options.only else list(MUST)
    mutants = {name: _mutants(name) for name in (TESTS if options.accept else modules)}
    if options.accept:
        return _accept(options.accept, options.because.strip(), mutants)
    chosen = {name: _chosen(found, options) for name, found in mutants.items()}
    if options.list:
        for mutant in (m for some in chosen.values() for m in some):
            print(f"{mutant.key}  {mutant.module} {mutant.function}: {mutant.before}  ->  {mutant.after}")
        return 0
    try:
        return _play(mutants, chosen, options)
    except KeyboardInterrupt:
        _say("\nInterrupted. The fates so far are kept; the same command goes on from here.")
        return 130
    except RuntimeError as error:
        _say(f"No mutant can be judged: {error}")
        return 1


def _mutants(module: str) -> list[Mutant]:
    path = PACKAGE / (module.replace(".", "/") + ".py")
    return mutants_of(module, path.read_text(encoding="utf-8"))


def _chosen(mutants: Sequence[Mutant], options: argparse.Namespace) -> list[Mutant]:
    some = mutants if options.sample is None else sampled(mutants, options.sample, options.seed)
    return list(some if options.limit is None else some[: options.limit])


def _play(
    mutants: dict[str, list[Mutant]], chosen: dict[str, list[Mutant]], options: argparse.Namespace
) -> int:
    """Play what is missing, then hold it against the list."""
    if options.afresh:
        (RUNS / "fates.jsonl").unlink(missing_ok=True)
    ledger = Ledger()
    digests = {name: sources(name) for name in chosen}
    fates = {
        m.key: fate
        for some in chosen.values()
        for m in some
        if (fate := ledger.known(m, digests[m.module])) is not None
    }
    missing = [m for some in chosen.values() for m in some if m.key not in fates]
    began = time.monotonic()
    cpu_s = 0.0
    if fates:
        _say(f"{len(fates)} of {len(fates) + len(missing)} mutants were played before")
    if missing:
        _say("running the tests without a mutant")
        nursery = Nursery(sorted({m.module for m in missing}), options.workers)
        cpu_s = nursery.warm_cpu_s
        survived = 0
        for done, (mutant, fate) in enumerate(nursery.play(missing, ledger.likely), 1):
            ledger.add(mutant, digests[mutant.module], fate)
            fates[mutant.key] = fate
            cpu_s += fate.cpu_s
            survived += fate.status == "survived"
            _progress(done, len(missing), survived, time.monotonic() - began, mutant)
    wall_s = time.monotonic() - began
    _say(f"{len(missing)} mutants in {wall_s:.0f} s ({cpu_s:.0f} s of processor)")
    table = read_table()
    good, lines = judge(mutants, chosen, fates, table["modules"])
    whole = set(chosen) >= set(MUST) and all(len(chosen[name]) == len(mutants[name]) for name in MUST)
    if whole and len(missing) == sum(map(len, chosen.values())):
        table |= {"played": {"workers": options.workers, "wall_s": round(wall_s), "cpu_s": round(cpu_s)}}
    _write(table)
    for line in lines:
        _say(line)
    return 0 if good else 1


def judge(
    mutants: dict[str, list[Mutant]],
    chosen: dict[str, list[Mutant]],
    fates: dict[str, Fate],
    listed: dict[str, Any],
) -> tuple[bool, list[str]]:
    """Whether the fates hold against the list, and what to say; what survives no more is struck from it."""
    good, lines = True, []
    for name, some in chosen.items():
        by_key = {m.key: m for m in mutants[name]}
        old = {told["key"]: told for told in listed.get(name, {}).get("survivors", [])}
        survivors = [m for m in some if fates[m.key].status == "survived"]
        errors = [m for m in some if fates[m.key].status == "error"]
        killed = len(some) - len(survivors) - len(errors)
        share = killed / len(some) if some else 1.0
        good = good and share >= LEAST and not errors
        verdict = "" if share >= LEAST else f": FEWER THAN {LEAST:.0%}"
        lines.append(f"{name}: {killed} of {len(some)} mutants killed, {share:.1%}{verdict}")
        lines += [f"  could not be played: {_told(m)}: {fates[m.key].by}" for m in errors]
        new = [m for m in survivors if m.key not in old]
        good = good and not new
        lines += [f"  SURVIVES and is not in the list: {_told(m)}" for m in new]
        alive = {m.key for m in survivors}
        played = {m.key for m in some}
        for key, told in list(old.items()):
            if key not in by_key or (key in played and key not in alive):
                how = "killed now" if key in by_key else "no such mutant now"
                lines.append(f"  struck from the list ({how}): {key} {told['before']}  ->  {told['after']}")
                del old[key]
        if len(some) == len(by_key):
            timeouts = sum(fates[m.key].status == "timeout" for m in some)
            listed[name] = {"mutants": len(some), "killed": killed, "timed_out": timeouts}
        elif name not in listed:
            continue
        listed[name]["survivors"] = [old[key] for key in by_key if key in old]
    return good, lines


def _accept(key: str, why: str, mutants: dict[str, list[Mutant]]) -> int:
    """Put one survivor into the list."""
    found = [m for some in mutants.values() for m in some if m.key == key]
    if not found or not why:
        _say(f"there is no mutant {key}" if not found else "--because needs a reason")
        return 1
    mutant = found[0]
    fate = Ledger().known(mutant, sources(mutant.module))
    if fate is None or fate.status != "survived":
        _say(f"{key} is not a survivor of the last run: {fate.status if fate else 'it was not played'}")
        return 1
    table = read_table()
    module = table["modules"].setdefault(mutant.module, {"survivors": []})
    module["survivors"] = [told for told in module["survivors"] if told["key"] != key] + [entry(mutant, why)]
    places = {m.key: place for place, m in enumerate(mutants[mutant.module])}
    module["survivors"].sort(key=lambda told: places.get(told["key"], -1))
    _write(table)
    _say(f"accepted: {_told(mutant)}")
    return 0


def _write(table: dict[str, Any]) -> None:
    head = {"table": "mutants", "command": "make mutate", "sample": "none: every mutant is played"}
    head |= {"least_killed": LEAST, **({"played": table["played"]} if "played" in table else {})}
    write_table(table["modules"], head, COMMITTED)


def _told(mutant: Mutant) -> str:
    return f"{mutant.key} {mutant.module} {mutant.function}: {mutant.before}  ->  {mutant.after}"


def _progress(done: int, total: int, survived: int, elapsed_s: float, mutant: Mutant) -> None:
    left_s = elapsed_s / done * (total - done)
    line = f"{done}/{total}  {survived} survive  {elapsed_s:.0f} s, {left_s:.0f} s left  {mutant.module}"
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="" if done < total else "\n", file=sys.stderr, flush=True)
    elif done % 25 == 0 or done == total:
        _say(line)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have told background jobs to ignore Ctrl-C
        signal.signal(number, signal.default_int_handler)
    raise SystemExit(main())
