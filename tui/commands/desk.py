"""The desk: builds engine, screen and, for paper, the venue, and sees all of it to its end."""

import argparse
import asyncio
import gc
import os
import shutil
import signal
import sys
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import ConfigError
from tui.commands.places import (
    PAPER,
    engine_socket,
    is_live,
    live,
    paper,
    remember_paper,
    start_paper,
    state_folder,
)
from tui.commands.words import EXIT_FAULT, say
from tui.log_file import HeldLog, held_log, log_to

_SSH_KB: Final = 25
_DRILL_ROUNDS: Final = 10

if TYPE_CHECKING:
    from core.acting import StrategyRunner
    from core.bot import TradingBot
    from core.clock import Clock
    from core.config import Settings
    from core.connectors.venue.child import PaperVenue
    from core.engine.handle import EngineThread
    from core.engine.limits_file import LimitsFile
    from core.state import ExitReport
    from tui.app import Desk
    from tui.bridge import EngineHandle
    from tui.ending import Ending
    from tui.pump import DeskOptions


def run(options: argparse.Namespace) -> int:
    """Open it, and say in one sentence how it ended.

    What the configuration says is read once the screen stands: reading it takes as long as the screen does.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        from core import config  # noqa: PLC0415 - an unusable configuration is the first thing to say

        config.load(options.config, profile=options.profile)
        raise ConfigError("the desk needs a terminal on standard input and standard error; run it without a pipe")
    with held_log() as held, ExitStack() as stack:
        return _run(options, held, stack)


def _run(options: argparse.Namespace, held: HeldLog, stack: ExitStack) -> int:
    """Paint first; then read the configuration and build the engine, in its thread. Say in one sentence how it ended.

    What the engine's thread puts on the stack is taken down here, after that thread has ended.
    """
    from tui.kill_signal import hold_back, killing_on_signal  # noqa: PLC0415

    hold_back()  # before the first thread starts
    gc.disable()  # until the screen stands: collecting what is being built is time before the first paint
    from core.clock import SystemClock  # noqa: PLC0415
    from core.engine.late import LateEngine  # noqa: PLC0415
    from tui.app import Desk  # noqa: PLC0415
    from tui.ending import Ending  # noqa: PLC0415
    from tui.pump import DeskOptions  # noqa: PLC0415

    clock = SystemClock()

    def build() -> "EngineThread":
        from core import config  # noqa: PLC0415

        settings = config.load(options.config, profile=options.profile)
        folder = state_folder(settings.state_dir / settings.profile)
        stack.enter_context(log_to(folder / "lighter-tui.log", held))
        is_paper = settings.profile == PAPER
        handle.announce(settings.profile, "starting the paper venue" if is_paper else "preparing the engine")
        ending.policy = settings.exit_policy
        desk.configure(desk_options(options, settings, clock))
        venue = start_paper(settings, folder, stack) if is_paper else None
        return engine_of(settings, folder, venue, clock, stack)

    handle = LateEngine(build, clock, options.profile or "", "reading the configuration")
    desk = Desk(handle, DeskOptions(clock=clock))
    ending = Ending(desk, handle)
    with killing_on_signal(handle.kill), ending.on_signals():
        asyncio.run(_show(desk, handle, ending))
        code = last_words(desk.return_code, handle.exit_report())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt but the venue's orderly end
    return code


def desk_options(options: argparse.Namespace, settings: "Settings", clock: "Clock") -> "DeskOptions":
    """How the desk behaves, as configured."""
    from tui.hints import Hints  # noqa: PLC0415
    from tui.keymap import key_map  # noqa: PLC0415
    from tui.pump import DeskOptions  # noqa: PLC0415
    from tui.theme import THEMES  # noqa: PLC0415

    return DeskOptions(
        clock=clock,
        fps=options.fps or settings.desk.fps,
        theme=THEMES[settings.desk.theme].name,
        bell=settings.desk.bell,
        bytes_a_second=_line(settings),
        flash=settings.desk.flash,
        pictures=settings.state_dir / settings.profile,
        keys=key_map(settings.desk.keys),
        hints=Hints(settings.state_dir),
        stale_after_ms=settings.stale_after_ms,
        is_live=is_live(settings),
        sizes=tuple(sorted(settings.desk.ladder_sizes)),
        mouse=settings.desk.mouse,
        drill=_drill(options),
    )


def _drill(options: argparse.Namespace) -> tuple[str, ...]:
    """The kill's rehearsal as a process of its own; where possible one that makes way for what trades here."""
    nice = shutil.which("nice")
    way = () if nice is None else (nice, "-n", "10")
    file = () if options.config is None else ("--config", str(options.config))
    return (*way, sys.executable, "-P", "-m", "tui", "drill", "--rounds", str(_DRILL_ROUNDS), *file)


def _line(settings: "Settings") -> int | None:
    """What painting may write in a second: as configured, or little over SSH, whose lines are shared and far."""
    wanted = settings.desk.kilobytes_a_second
    if wanted is None and "SSH_CONNECTION" in os.environ:
        wanted = _SSH_KB
    return None if wanted is None else wanted * 1_000


async def _show(desk: "Desk", handle: "EngineHandle", ending: "Ending") -> None:
    """Run the screen. The loop then waits for the engine's thread, which may still be cancelling: say so."""
    await desk.run_async()
    if handle.exit_report() is None:
        ending.watch()
        say("the engine is ending; please wait until it says how")


def engine_of(
    settings: "Settings", folder: Path, venue: "Future[PaperVenue] | None", clock: "Clock", stack: ExitStack
) -> "EngineThread":
    """Everything below the screen; runs in the engine's thread."""
    from core.connectors.lighter.connector import LighterConnector  # noqa: PLC0415
    from core.engine.handle import EngineThread  # noqa: PLC0415
    from core.engine.retention import Retention  # noqa: PLC0415
    from core.engine.runtime import EngineParts  # noqa: PLC0415
    from core.risk import RiskManager  # noqa: PLC0415

    bot, runner = _bot(settings, clock, stack, is_paper=venue is not None)
    if venue:
        remember_paper(folder, venue.result().ready, stack)
    address = paper(settings, venue.result().ready) if venue else live(settings)
    engine = EngineThread(
        EngineParts(
            connector=LighterConnector(address, clock),
            risk=RiskManager(settings.risk),
            journal_path=folder / "journal.sqlite3",
            control_path=engine_socket(folder),
            limits_file=_limits_file(settings),
            clock=clock,
            profile=settings.profile,
            account=PAPER if venue else address.world,
            settings=settings.model_dump_json(),
            retention=Retention(
                log_days=settings.journal.keep_log_days,
                order_days=settings.journal.keep_orders_days,
                is_archiving=settings.journal.archive,
            ),
            exit_policy=settings.exit_policy,
            deadman_s=settings.deadman,
            recent_limit=settings.engine.recent_orders,
            tuning=settings.engine,
            breaker_trips_to=settings.risk.breaker_trips_to,
            autopilot=bot,
        )
    )
    runner.attach(engine)
    return engine


def _bot(
    settings: "Settings", clock: "Clock", stack: ExitStack, *, is_paper: bool
) -> "tuple[TradingBot, StrategyRunner]":
    """The bot with every strategy of the configuration, and what runs those that act by themselves."""
    from core.acting import StrategyRunner  # noqa: PLC0415
    from core.bot import TradingBot  # noqa: PLC0415
    from core.demo import DemoMaker  # noqa: PLC0415
    from core.guard import GuardedStrategies  # noqa: PLC0415
    from core.risk import PositionSizer  # noqa: PLC0415
    from core.strategy_loader import loaded  # noqa: PLC0415

    how = settings.strategies
    limit_seconds = how.answer_within_ms / 1_000
    demo = [DemoMaker(settings.demo.markets)] if is_paper and settings.demo.enabled else []
    runner = StrategyRunner(clock, limit_seconds=limit_seconds)
    stack.callback(runner.close)
    bot = TradingBot(
        loaded(how.load, how.folder, demo),
        PositionSizer(settings.sizing),
        settings.risk,
        GuardedStrategies(limit_seconds=limit_seconds),
        runner,
        cancel_on_fault=how.cancel_on_fault,
    )
    return bot, runner


def _limits_file(settings: "Settings") -> "LimitsFile":
    """Where limits are read again: the file they came from, or the one that may yet be written."""
    from core import config  # noqa: PLC0415
    from core.engine.limits_file import LimitsFile  # noqa: PLC0415

    file, profile = settings.file, settings.profile
    return LimitsFile(file or config.default_file(), lambda: config.load(file, profile=profile).risk)


def last_words(return_code: int | None, report: "ExitReport | None") -> int:
    """Say how it ended on a terminal that is ours again; the exit code."""
    if report is None:
        say("the engine ended without a report; check the venue for open orders")
        return EXIT_FAULT
    if report.text:
        say(report.text)
    return max(report.exit_code, EXIT_FAULT if return_code else 0)
