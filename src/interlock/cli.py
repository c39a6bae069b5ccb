"""The command line. A command imports what it needs when it runs: `--help` must be instant."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from interlock.orchestrator.catalog import CatalogEntry

__all__ = ["app"]

_EXIT_CODES = (
    "Exit codes: 0 achieved · 2 bad input, nothing started · 3 refused before moving · "
    "4 stopped (Ctrl-C included; latched once the robot may move) · 5 gave up safely, robot at standstill."
)
_DEFAULT_CELL = "panda_tabletop"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog=_EXIT_CODES,
    help="A goal in words becomes guarded motion: nothing a policy proposes reaches the robot unless it has "
    "just been shown that the robot can still stop in time. The stop is a software stop, not an emergency "
    "stop.\n\n"
    'Start with: interlock run "put the red block in the tray"',
)
trace_app = typer.Typer(no_args_is_help=True, help="Look at what a run left behind.", epilog=_EXIT_CODES)
app.add_typer(trace_app, name="trace")
policy_app = typer.Typer(no_args_is_help=True, help="Look at learned policies.", epilog=_EXIT_CODES)
app.add_typer(policy_app, name="policy")


class Telemetry(StrEnum):
    """Where spans go."""

    NONE = "none"
    CONSOLE = "console"
    OTLP = "otlp"


class Served(StrEnum):
    """What robots elsewhere speak."""

    OPENPI = "openpi"
    GROOT = "groot"


Goal = Annotated[str, typer.Argument(help='What to do, in plain English: "put the red block in the tray".')]
CellOption = Annotated[
    str, typer.Option("--cell", metavar="FILE", help="A cell file, or a name that `interlock cells` lists.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, metavar="N", help="Same seed, same run, bit by bit (in lockstep).")
]
StateDirOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="Identity of a simulated robot: its lock and its latch. Two runs side by side need two.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]


@app.command(epilog=_EXIT_CODES)
def run(
    goal: Goal,
    cell: CellOption = _DEFAULT_CELL,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", metavar="NAME", help="A policy that `interlock policies` lists; else the cell's."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="DIR",
            help="Let a checkpoint that `interlock train` has written propose, in its own action space.",
        ),
    ] = None,
    seed: SeedOption = 0,
    real_time: Annotated[
        bool,
        typer.Option("--real-time", help="Pace the simulation by this machine's clock, not in lockstep."),
    ] = False,
    gui: Annotated[bool, typer.Option("--gui", help="Open the simulator's window.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder for trace and report; else runs/CELL-POLICY-SEED-N."
        ),
    ] = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
    telemetry: Annotated[
        Telemetry, typer.Option("--telemetry", help="Where OpenTelemetry spans go.")
    ] = Telemetry.NONE,
) -> None:
    """Carry out a goal, guarded, and leave a trace and a report.

    The goal becomes a checked plan; a policy proposes motion for each task of it; the gate releases, corrects
    or refuses every tick. Ctrl-C brings the robot to a measured standstill and latches: `interlock reset` is
    needed before the next run. Before the robot could move it only ends the start.

    Try to break it: interlock run "put the red block in the tray" --policy reckless
    """
    from interlock.errors import InterlockError
    from interlock.orchestrator.interrupts import Interrupts

    try:
        with Interrupts(last=True) as interrupts:
            from interlock.orchestrator.cold_start import say_if_cold
            from interlock.orchestrator.console import make_console, native_stdout_to_stderr, print_answer
            from interlock.orchestrator.rich_progress import RichProgress
            from interlock.orchestrator.run_command import prepare_run

            request, folder = prepare_run(
                goal,
                cell=cell,
                policy=policy,
                seed=seed,
                real_time=real_time,
                gui=gui,
                out=out,
                state_dir=state_dir,
                telemetry=telemetry.value,
                checkpoint=checkpoint,
            )
            try:
                from interlock.orchestrator import session

                progress = RichProgress(make_console(stderr=as_json))
                say_if_cold()
                with native_stdout_to_stderr() if as_json else nullcontext():
                    summary = session.run(request, progress, interrupts=interrupts)
            except BaseException:
                folder.give_up()
                raise
    except InterlockError as error:
        from interlock.orchestrator.console import print_answer
        from interlock.orchestrator.summary import RunSummary

        refused = RunSummary.not_started(error, goal=goal, seed=seed)
        if as_json and refused is not None:
            print_answer(refused.to_json())
        raise
    if as_json:
        print_answer(summary.to_json())
    raise typer.Exit(int(summary.exit_code))


@app.command(epilog=_EXIT_CODES)
def plan(
    goal: Goal, cell: CellOption = _DEFAULT_CELL, seed: SeedOption = 0, as_json: JsonOption = False
) -> None:
    """Print the task graph of a goal; nothing moves.

    The plan is searched for, then validated by rules that name what they refuse. Words the cell does not
    know, places the arm cannot reach and goals that contradict themselves end here.

    Example: interlock plan "push the green block into the handover zone"
    """
    import json
    from dataclasses import asdict

    from interlock.orchestrator.console import make_console, plan_tree
    from interlock.orchestrator.run_command import make_plan

    made = make_plan(goal, cell, seed)
    if as_json:
        typer.echo(json.dumps(asdict(made)))
    else:
        make_console().print(plan_tree(made))


@app.command(epilog="Exit codes: 0 every check holds · 2 the cell cannot be read · 3 a check failed.")
def check(cell: CellOption = _DEFAULT_CELL, as_json: JsonOption = False) -> None:
    """Test a cell on this computer: model, capsules, limits, solvers, timing.

    Shows that the capsules cover the meshes, that the limits are no wider than the data sheet's, that two
    solvers agree, and how fast the control loop is here. Run it after every change of a cell file.
    """
    import json
    from dataclasses import asdict

    from interlock.orchestrator import self_check
    from interlock.orchestrator.cell import Cell
    from interlock.orchestrator.cold_start import say_if_cold
    from interlock.orchestrator.console import check_table, make_console

    checked = Cell.load(cell)
    say_if_cold()
    results = self_check.run(checked)
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results]))
    else:
        make_console().print(check_table(results))
    raise typer.Exit(0 if all(result.ok for result in results) else 3)


@app.command(epilog="Exit codes: 0 the stop is latched · 2 it cannot be written.")
def stop(
    cell: CellOption = _DEFAULT_CELL,
    state_dir: StateDirOption = None,
    cause: Annotated[str, typer.Option("--cause", help="Why; it is kept with the latch.")] = "operator stop",
) -> None:
    """Stop a robot and latch: it stays stopped until `interlock reset`.

    A living run brings its robot to a standstill and ends with code 4; without one the latch alone keeps the
    next run from starting. It survives restarts and reboots. This is a software stop, not an emergency stop.
    """
    import time

    from interlock.hal.latch import StopLatch, StopRequest
    from interlock.hal.state_dir import open_state_dir
    from interlock.orchestrator.robot_identity import robot_state_dir
    from interlock.orchestrator.robot_status import living_beside, who_is_stopping

    folder = open_state_dir(robot_state_dir(cell, state_dir))
    StopRequest(folder).ask(cause)  # the motor first, then the record
    StopLatch(folder).latch(cause, time.monotonic_ns())
    typer.echo(f"Stop latched for {folder.name} ({folder}). {who_is_stopping(folder)}")
    for other in living_beside(folder):
        typer.echo(f"Another robot still runs: `interlock stop --state-dir {other}` stops it.", err=True)


@app.command(epilog="Exit codes: 0 clear · 2 the latch cannot be removed · 4 a run is alive.")
def reset(
    cell: CellOption = _DEFAULT_CELL,
    state_dir: StateDirOption = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who resets; else the user of this computer.")
    ] = None,
) -> None:
    """Clear a latched stop, on purpose, after looking at the robot.

    Leads to DISARMED, never to motion. Refused while a run is alive.
    """
    from interlock.hal.latch import StopLatch
    from interlock.orchestrator.robot_identity import known_state_dir, user_name
    from interlock.orchestrator.terminal_text import plain

    folder = known_state_dir(cell, state_dir)
    causes = StopLatch(folder).reset(by or user_name())
    for cause in dict.fromkeys(cleared.cause for cleared in causes):
        typer.echo(f"cleared: {plain(cause)}")
    typer.echo("The latch is clear; the robot is disarmed." if causes else "Nothing was latched.")


@app.command(epilog="Exit codes: 0 · 2 the state folder cannot be read.")
def status(
    cell: CellOption = _DEFAULT_CELL, state_dir: StateDirOption = None, as_json: JsonOption = False
) -> None:
    """Say what a robot is doing: mode, latch, epoch, processes. Touches nothing."""
    from interlock.orchestrator.console import make_console, status_lines
    from interlock.orchestrator.robot_identity import robot_state_dir
    from interlock.orchestrator.robot_status import RobotStatus

    seen = RobotStatus.look(robot_state_dir(cell, state_dir))
    if as_json:
        typer.echo(seen.to_json())
    else:
        make_console().print(status_lines(seen))


@app.command()
def cells(as_json: JsonOption = False) -> None:
    """List the cells that ship; the default is marked."""
    from interlock.orchestrator.catalog import list_cells

    _list(list_cells(), "default", as_json)


@app.command()
def guards(as_json: JsonOption = False) -> None:
    """List the guards: those that are always on, and plug-ins that a cell may name."""
    from interlock.orchestrator.catalog import list_guards

    _list(list_guards(), "always on", as_json)


@app.command()
def policies(cell: CellOption = _DEFAULT_CELL, as_json: JsonOption = False) -> None:
    """List the policies, plug-ins included; the cell's own is marked."""
    from interlock.orchestrator.catalog import list_policies
    from interlock.orchestrator.cell_folder import find_cell
    from interlock.orchestrator.cell_reader import CellReader

    reader = CellReader(find_cell(cell))
    _list(list_policies(reader.parse(reader.content()).policy.name), "default", as_json)


@app.command()
def bench(
    name: Annotated[
        str | None, typer.Argument(help="tick, gate, chunk, growth, program or realtime; else all.")
    ] = None,
    peer: Annotated[
        Path | None,
        typer.Option(
            metavar="PYTHON", help="An interpreter with cbfpy, for gate; else that of `make bench`."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what this host can do: the parts of a tick, median and 99th percentile."""
    import json

    from interlock.orchestrator import bench as benchmarks
    from interlock.orchestrator.bench_table import bench_table
    from interlock.orchestrator.cold_start import say_if_cold
    from interlock.orchestrator.console import make_console

    say_if_cold()
    measured = benchmarks.run(name, peer or benchmarks.PEER)
    if as_json:
        typer.echo(json.dumps(measured))
    else:
        make_console().print(bench_table(measured))


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Exit codes: 0 trained · 2 bad input · 4 ended early, with a state to go on from.",
)
def train(context: typer.Context) -> None:
    """Train the learned policy from demonstrations; `interlock train --help` lists the options.

    The same as `python -m interlock.policy.training`, which torchrun can start.

    Example: interlock train --data demos/panda_tabletop --out trained --stage t2a:500 --stage pretrain:5000
    """
    from interlock.policy.training.command import main

    raise typer.Exit(main(context.args, prog="interlock train"))


@app.command(epilog="Exit codes: 0 ended by Ctrl-C or SIGTERM · 2 bad input, nothing was served.")
def serve(
    protocol: Annotated[Served, typer.Option("--protocol", help="What the clients speak.")] = Served.OPENPI,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", metavar="NAME", help="A policy that `interlock policies` lists; else the cell's."
        ),
    ] = None,
    cell: CellOption = _DEFAULT_CELL,
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on; any other than this one is exposed, in plain."),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="0 for a free one; else openpi 8000, groot 5555."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", metavar="FILE", help="Holds the token; made (mode 0600) if it is not there."
        ),
    ] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Serve a policy to robots elsewhere, over openpi's or Isaac-GR00T's protocol. It moves no robot.

    An observation must hold the measured joint positions [rad], the gripper's width [m] and force [N] where
    there is a gripper, and the task in words; it may hold velocities, commanded values and pictures of the
    cell's cameras. docs/remote.md names the keys. The answer is a chunk in the cell's channels.

    One client at a time, with the token that this prints. In another terminal:
    INTERLOCK_POLICY_TOKEN=… interlock run "put the red block in the tray" --policy openpi
    """
    import json

    from interlock.orchestrator import serve as serving
    from interlock.orchestrator.cell import Cell
    from interlock.orchestrator.run_command import choose_policy

    loaded = Cell.load(cell)
    request = serving.ServeRequest(
        cell=loaded,
        policy=choose_policy(loaded, policy),
        seed=seed,
        protocol=protocol.value,
        host=host,
        port=port,
        token_file=token_file,
    )

    def ready(what: serving.Serving) -> None:
        if what.exposed:
            typer.echo("Other machines can reach this; nothing is encrypted, the token included.", err=True)
        if as_json:
            facts = {"address": what.address, "port": what.port, "policy": request.policy}
            typer.echo(json.dumps(facts | {"token_file": str(what.token_file)}))
            return
        typer.echo(f"Serving {request.policy} for {loaded.name} at {what.address}; Ctrl-C ends it.")
        typer.echo(f"Token: {what.token.reveal() if what.fresh else 'the one'} in {what.token_file}")

    serving.serve(request, ready, serving.end_on_signals())


@app.command(
    epilog="Exit codes: 0 as many as asked for, or --max-bytes reached · 2 bad input · 3 a goal was refused "
    "· 4 stopped with Ctrl-C; what was made can be read, and the same command goes on."
)
def demos(
    cell: Annotated[
        list[str] | None,
        typer.Option("--cell", metavar="FILE", help="A cell; repeat for more. [default: panda_tabletop]"),
    ] = None,
    episodes: Annotated[
        int,
        typer.Option(
            "--episodes", min=1, metavar="N", help="How many for each cell; failed ones not counted."
        ),
    ] = 50,
    seed: SeedOption = 0,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder; each cell's set is in DIR/CELL.")
    ] = Path("demos"),
    noise: Annotated[
        float,
        typer.Option(
            "--noise", min=0.0, help="How much the motion is pushed off its way; labels stay clean."
        ),
    ] = 1.0,
    variation: Annotated[
        str,
        typer.Option(
            "--variation",
            metavar="AXES",
            help="all, none, or some of position,arrangement,lighting,texture,instance,camera,paraphrase.",
        ),
    ] = "all",
    workers: Annotated[
        int,
        typer.Option("--workers", min=1, metavar="N", help="Processes that play; the result is the same."),
    ] = 1,
    goal: Annotated[
        list[str] | None,
        typer.Option(
            "--goal",
            metavar="GOAL",
            help="A goal; repeat for more, taken in turn. Else: each block into the tray.",
        ),
    ] = None,
    action_space: Annotated[
        str,
        typer.Option(
            "--action-space", metavar="SPACE", help="joint_position, tool_pose, tool_delta or tool_step."
        ),
    ] = "tool_delta",
    max_bytes: Annotated[
        int | None,
        typer.Option("--max-bytes", min=1, metavar="N", help="Stop before all files together are larger."),
    ] = None,
    keep_failed: Annotated[
        bool, typer.Option("--keep-failed", help="Keep demonstrations that missed their goal, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make demonstrations for training: the expert in varied cells, under the gate.

    Each set is a LeRobotDataset v3.0 on disk. Cut off at any time, the same command
    goes on where it was; the same command always makes the same set.

    Example: interlock demos --episodes 200 --out demos --workers 2
    """
    import json
    from dataclasses import asdict

    from interlock.orchestrator.interrupts import Interrupts

    with Interrupts(last=True) as interrupts:
        from interlock.orchestrator.cold_start import say_if_cold
        from interlock.orchestrator.console import make_console, native_stdout_to_stderr
        from interlock.orchestrator.demos_command import demos as make

        say_if_cold()
        with native_stdout_to_stderr() if as_json else nullcontext():
            made = make(
                cell or [_DEFAULT_CELL],
                episodes=episodes,
                seed=seed,
                out=out,
                noise=noise,
                variation=variation,
                workers=workers,
                goals=goal or [],
                action_space=action_space,
                max_bytes=max_bytes,
                keep_failed=keep_failed,
                console=make_console(stderr=True),
                interrupts=interrupts,
            )
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in made]))
        return
    for each in made:
        typer.echo(
            f"{each.folder}: {each.episodes} episodes, {each.frames} frames, {each.nbytes / 2**20:.1f} MiB; "
            f"{each.failed} attempts failed{' (--max-bytes reached)' if each.full else ''}"
        )


@trace_app.command(
    "show",
    epilog="Exit codes: 0 its chain is whole, or its run never closed it · 2 there is no readable trace · "
    "3 its chain is broken.",
)
def trace_show(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its trace file.")],
) -> None:
    """Say in one screen what a trace holds and whether its chain is whole.

    A chain that is broken ends with code 3: something was changed, added or taken away after the run.
    """
    from interlock.traces.chain import ChainState
    from interlock.traces.show import render_text, summarise

    summary = summarise(run_folder)
    typer.echo(render_text(summary), nl=False)
    raise typer.Exit(3 if summary.chain.state is ChainState.BROKEN else 0)


@trace_app.command("report", epilog="Exit codes: 0 · 2 there is no readable trace.")
def trace_report(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its trace file.")],
) -> None:
    """Write the report of a trace again: one HTML file that needs no network."""
    from interlock.traces.report import build_report

    typer.echo(str(build_report(run_folder)))


@trace_app.command(
    "replay",
    epilog="Exit codes: 0 every answer is the same · 2 there is no readable trace, or records of it are "
    "missing · 3 an answer differs, or its chain is broken · 4 every answer is the same, but this is not the "
    "whole run: the recorder left out ticks, or never closed the trace.",
)
def trace_replay(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or its trace file.")],
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Compare every bit of preview, verdict, certificate and command. Without it: texts, whole "
            "numbers, and others within 1e-6, but no hashes and reasons (for another kind of processor).",
        ),
    ] = False,
    cell: Annotated[
        str | None, typer.Option("--cell", metavar="FILE", help="Use this cell, not the one in the trace.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the gate again, at every tick of a trace, what it was asked then, and compare the answers.

    It also follows the hash chain, and finds ticks that lack a record, that do not begin one period after
    the one before, or that moved otherwise than by the last command, its stop and standstill. It does not
    show why the gate was not asked where the stop in hand plays all the same, nor what was left out.
    Nothing moves: it needs no robot and no simulator, only the trace, the robot's URDF and the same packages.
    A trace names the plug-ins of its cell, and they are imported: replay only what you would also run.
    """
    from interlock.orchestrator.cold_start import say_if_cold
    from interlock.orchestrator.console import counting, make_console
    from interlock.orchestrator.replay import replay
    from interlock.orchestrator.terminal_text import plain

    say_if_cold()
    with counting("ticks asked again") as tell:
        result = replay(run_folder, cell=cell, exact=exact, tell=tell)
    if as_json:
        typer.echo(result.to_json())
    else:
        how = "bit for bit" if exact else "within 1e-6"
        make_console().print(
            f"{result.same} of {result.decisions} decisions are the same, {how}; "
            f"at {result.not_asked} ticks the gate was not asked.",
            highlight=False,
        )
        if result.dropped:
            typer.echo(
                f"Not the whole run: the recorder left out {result.dropped} ticks, and said so; "
                "nothing is shown of them."
            )
        if result.first_difference:
            typer.echo(f"First difference: {plain(result.first_difference)}")
        if result.chain.reason:
            typer.echo(f"Chain {result.chain.state}: {plain(result.chain.reason)}")
    raise typer.Exit(3 if not result.holds else 0 if result.whole else 4)


@policy_app.command(
    "eval",
    epilog="Exit codes: 0 evaluated · 2 bad input · 4 stopped with Ctrl-C; what was played is kept.",
)
def policy_eval(
    cell: CellOption = _DEFAULT_CELL,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", metavar="NAME", help="A policy that `interlock policies` lists; else the cell's."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="DIR", help="A checkpoint that `interlock train` has written."),
    ] = None,
    variation: Annotated[
        str,
        typer.Option(
            "--variation",
            metavar="AXES",
            help="all, none, or some of position,arrangement,lighting,texture,instance,camera,paraphrase.",
        ),
    ] = "all",
    episodes: Annotated[
        int, typer.Option("--episodes", min=1, metavar="N", help="How many for each row of the table.")
    ] = 50,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="The first episode's; others follow.")
    ] = 1_000_000,
    goal: Annotated[
        list[str] | None,
        typer.Option(
            "--goal",
            metavar="GOAL",
            help="A goal; repeat for more, taken in turn. Else: each block into the tray.",
        ),
    ] = None,
    puppet: Annotated[
        bool,
        typer.Option(
            "--puppet/--no-puppet",
            help="Play each episode without the gate too, on a simulated arm that is no robot.",
        ),
    ] = True,
    workers: Annotated[
        int,
        typer.Option("--workers", min=1, metavar="N", help="Processes that play."),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the episodes; else runs/eval/CELL-POLICY."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a policy on variation, not on one demo: success with n and Wilson's interval, and contacts.

    The first row varies everything as it was taught; each other row holds one axis out. Cut off at any time,
    the same command goes on. Use seeds that no demonstration had.

    Example: interlock policy eval --checkpoint trained/checkpoint --episodes 50 --workers 2
    """
    import json
    from dataclasses import asdict

    from interlock.orchestrator.console import make_console, native_stdout_to_stderr, print_answer
    from interlock.orchestrator.eval_command import eval_policy, eval_table
    from interlock.orchestrator.interrupts import Interrupts

    with Interrupts(last=True) as interrupts, native_stdout_to_stderr():
        results = eval_policy(
            cell=cell,
            policy=policy,
            checkpoint=checkpoint,
            variation=variation,
            episodes=episodes,
            seed=seed,
            goals=goal or (),
            puppet=puppet,
            workers=workers,
            out=out,
            console=make_console(stderr=True),
            interrupts=interrupts,
        )
    if as_json:
        print_answer(json.dumps([asdict(result) for result in results]))
    else:
        make_console().print(eval_table(results))


@policy_app.command("describe", epilog="Exit codes: 0 · 2 there is no such preset or checkpoint.")
def policy_describe(
    name: Annotated[str, typer.Argument(metavar="NAME|FOLDER", help="A preset, or a checkpoint's folder.")],
    as_json: JsonOption = False,
) -> None:
    """Count a learned policy's parameters, part by part; needs no memory for them.

    Example: interlock policy describe qwen-vla-4b
    """
    import json

    from interlock.orchestrator.console import make_console
    from interlock.orchestrator.policy_table import policy_table
    from interlock.policy.vla.describe import describe, find_config

    description = describe(find_config(name))
    if as_json:
        typer.echo(json.dumps(description.to_json()))
    else:
        make_console().print(policy_table(description))


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from interlock import __version__

        typer.echo(__version__)
        raise typer.Exit(0)


def _list(entries: list[CatalogEntry], mark: str, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from interlock.orchestrator.console import catalog_table, make_console

    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in entries]))
    else:
        make_console().print(catalog_table(entries, mark))
