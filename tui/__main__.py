"""The composition root: reads the command line, builds everything, and knows everyone. Nobody imports it.

Exit codes: 0 clean; 1 something may be left at the venue, or a fault; 2 the configuration or the command line cannot
be used. Heavy imports happen inside the commands that need them.
"""

import argparse
import asyncio
import gc
import importlib.metadata
import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import ConfigError, LighterTuiError
from tui import arguments

if TYPE_CHECKING:
    from core.clock import Clock
    from core.config import Settings
    from core.connectors.lighter.connector import LighterSettings
    from core.connectors.venue.child import PaperVenue
    from core.engine.handle import EngineThread
    from core.state import ExitReport
    from tui.app import Desk
    from tui.bridge import EngineHandle
    from tui.ending import Ending

EXIT_FAULT: Final = 1
EXIT_CONFIG: Final = 2
PAPER: Final = "paper"
TESTNET_CHAIN: Final = 300
"""Chain id of both testnets (endpoint profiles of lighter-sdk 1.1.8)."""
_GC_THRESHOLDS: Final = (20_000, 50, 1_000)
"""Full collections over Textual's objects were measured at 17 to 55 ms; these make them rare."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the command `lighter-tui`; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    commands = {"venue": _venue, "record": _record, "config": _config, "doctor": _doctor}
    try:
        return commands.get(options.command, _desk)(options)
    except ConfigError as error:
        _say(str(error))
        return EXIT_CONFIG
    except LighterTuiError as error:
        _say(str(error))
        return EXIT_FAULT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lighter-tui",
        description="Operator's terminal and execution engine for a trading bot on Lighter.",
        epilog="Without a command it opens the desk.",
    )
    parser.add_argument("--version", action="version", version=f"lighter-tui {_version()}")
    _add_choice_of_profile(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    venue = commands.add_parser("venue", help="run the paper venue as a process of its own, on 127.0.0.1")
    venue.add_argument("--port", type=_port, default=0, help="port to listen on; 0 picks a free one (default)")
    venue.add_argument("--seed", type=_whole, default=1, help="seed of the market generator (default 1)")
    venue.add_argument("--markets", type=_whole, default=12, help="how many markets to trade, 1 to 200 (default 12)")
    venue.add_argument("--rate", type=_whole, default=None, help="book frames a second over all markets, for load")
    venue.add_argument("--parent-pid", type=_whole, default=None, help="stop when this process is gone")
    arguments.add_venue(venue)
    recorder = commands.add_parser("record", help="write what a profile's venue streams and answers to a file")
    _add_choice_of_profile(recorder, is_repeated=True)
    arguments.add_recorder(recorder)
    config = commands.add_parser("config", help="show the configuration in force, secrets hidden")
    _add_choice_of_profile(config, is_repeated=True)
    doctor = commands.add_parser(
        "doctor", help="check venue, clock, keys, permissions, tier and markets; sends nothing"
    )
    _add_choice_of_profile(doctor, is_repeated=True)
    return parser


def _add_choice_of_profile(parser: argparse.ArgumentParser, *, is_repeated: bool = False) -> None:
    default = argparse.SUPPRESS if is_repeated else None
    parser.add_argument("--profile", default=default, help="paper (default), or a [profiles.NAME] table of the file")
    parser.add_argument("--config", type=Path, default=default, metavar="FILE", help="configuration file (TOML)")


def _version() -> str:
    return importlib.metadata.version("lighter-tui")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text[:40]!r}")
    return int(text)


def _port(text: str) -> int:
    port = _whole(text)
    if port > 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {port}")
    return port


def _venue(options: argparse.Namespace) -> int:
    from core.connectors.venue.process import VenueOptions, list_faults, serve  # noqa: PLC0415 - not the desk's to pay

    if options.list_faults:
        sys.stdout.write(list_faults())
        return 0
    return serve(
        VenueOptions(
            port=options.port,
            seed=options.seed,
            markets=options.markets,
            rate=options.rate,
            parent_pid=options.parent_pid,
            volatility_percent=options.volatility,
            tier=options.tier,
            virtual_from_s=options.clock_start if options.clock == "virtual" else None,
            has_control=options.control,
            faults=options.faults,
            replay=options.replay,
            speed_percent=options.speed,
            upstream=options.upstream,
            verifies_signatures=options.verify_signatures,
        )
    )


def _config(options: argparse.Namespace) -> int:
    from core import config  # noqa: PLC0415 - pydantic is not needed for --help

    file = options.config
    settings = config.load(file, profile=options.profile)
    sys.stdout.write(f"# {file or config.default_file()}\n{settings.model_dump_json(indent=2)}\n")
    return 0


def _record(options: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - heavy, and only for this command

    from core import config  # noqa: PLC0415
    from core.clock import SystemClock  # noqa: PLC0415
    from core.connectors.recorder import record  # noqa: PLC0415
    from core.connectors.venue.recording import Recorder  # noqa: PLC0415

    settings = config.load(options.config, profile=options.profile)
    with ExitStack() as stack:
        folder = _state_folder(settings.state_dir / settings.profile)
        venue = _start_paper(settings, folder, stack).result() if settings.profile == PAPER else None
        address = _paper(settings, venue) if venue is not None else _live(settings)
        recorder = Recorder(options.out)
        stack.callback(recorder.close)
        asyncio.run(record(address, recorder, SystemClock(), options.seconds))
        _say(f"{recorder.count} messages written to {options.out}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    """One line a check; 0 when nothing failed, 1 when something did."""
    from core import config  # noqa: PLC0415
    from core.clock import SystemClock  # noqa: PLC0415
    from core.connectors.lighter.doctor import Health, findings  # noqa: PLC0415

    settings = config.load(options.config, profile=options.profile)
    folder = _state_folder(settings.state_dir / settings.profile)
    with ExitStack() as stack:
        is_paper = settings.profile == PAPER
        address = _paper(settings, _start_paper(settings, folder, stack).result()) if is_paper else _live(settings)
        found = asyncio.run(findings(address, SystemClock()))
    for one in found:
        sys.stdout.write(f"{one.health.value:<5} {one.check:<12} {one.text}\n")
    return EXIT_FAULT if any(one.health is Health.BAD for one in found) else 0


def _desk(options: argparse.Namespace) -> int:
    from core import config  # noqa: PLC0415 - --help and --version stay quick

    settings = config.load(options.config, profile=options.profile)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError("the desk needs a terminal on standard input and standard error; run it without a pipe")
    folder = _state_folder(settings.state_dir / settings.profile)
    with _log_to(folder / "lighter-tui.log"), ExitStack() as stack:
        return _run(settings, folder, stack)


def _run(settings: "Settings", folder: Path, stack: ExitStack) -> int:
    """Build everything, run the desk, and say in one sentence how it ended.

    The paper venue starts in another process while this one imports the screen; the engine is built in its own thread
    after the first paint.
    """
    venue = _start_paper(settings, folder, stack) if settings.profile == PAPER else None

    from core.clock import SystemClock  # noqa: PLC0415
    from core.engine.late import LateEngine  # noqa: PLC0415
    from tui.app import Desk  # noqa: PLC0415
    from tui.ending import Ending  # noqa: PLC0415
    from tui.pump import DeskOptions  # noqa: PLC0415

    clock = SystemClock()
    detail = "starting the paper venue" if venue else "preparing the engine"
    handle = LateEngine(lambda: _engine(settings, folder, venue, clock), clock, settings.profile, detail)
    options = DeskOptions(
        fps=settings.desk.fps, clock=clock, stale_after_ms=settings.stale_after_ms, is_live=_is_live(settings)
    )
    desk = Desk(handle, options)
    gc.set_threshold(*_GC_THRESHOLDS)
    ending = Ending(desk, handle, settings.exit_policy)
    with ending.on_signals():
        asyncio.run(_show(desk, handle, ending))
        code = _last_words(desk.return_code, handle.exit_report())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt but the venue's orderly end
    return code


async def _show(desk: "Desk", handle: "EngineHandle", ending: "Ending") -> None:
    """Run the screen. The loop then waits for the engine's thread, which may still be cancelling: say so."""
    await desk.run_async()
    if handle.exit_report() is None:
        ending.watch()
        _say("the engine is ending; please wait until it says how")


def _engine(settings: "Settings", folder: Path, venue: "Future[PaperVenue] | None", clock: "Clock") -> "EngineThread":
    """Everything below the screen; runs in the engine's thread."""
    from core.bot import TradingBot  # noqa: PLC0415
    from core.connectors.lighter.connector import LighterConnector  # noqa: PLC0415
    from core.demo import DemoMaker  # noqa: PLC0415
    from core.engine.handle import EngineThread  # noqa: PLC0415
    from core.engine.runtime import EngineParts  # noqa: PLC0415
    from core.risk import PositionSizer, RiskManager  # noqa: PLC0415

    strategies = [DemoMaker(settings.demo.markets)] if venue and settings.demo.enabled else []
    address = _paper(settings, venue.result()) if venue else _live(settings)
    return EngineThread(
        EngineParts(
            connector=LighterConnector(address, clock),
            risk=RiskManager(settings.risk),
            journal_path=folder / "journal.sqlite3",
            clock=clock,
            profile=settings.profile,
            exit_policy=settings.exit_policy,
            breaker_trips_to=settings.risk.breaker_trips_to,
            autopilot=TradingBot(strategies, PositionSizer(settings.sizing), settings.risk),
        )
    )


def _is_live(settings: "Settings") -> bool:
    """Whether real money stands behind it: anything but the paper venue and the venue's testnets."""
    return settings.profile != PAPER and settings.venue_profile().chain_id != TESTNET_CHAIN


def _start_paper(settings: "Settings", folder: Path, stack: ExitStack) -> "Future[PaperVenue]":
    from core.connectors.venue.child import PaperVenue  # noqa: PLC0415

    def start() -> PaperVenue:
        paper = settings.paper
        venue = PaperVenue(port=paper.port, seed=paper.seed, markets=paper.markets, log_file=folder / "venue.log")
        stack.callback(venue.stop)
        return venue

    starter = stack.enter_context(ThreadPoolExecutor(1, "paper venue"))
    return starter.submit(start)


def _paper(settings: "Settings", venue: "PaperVenue") -> "LighterSettings":
    from core.connectors.lighter.connector import LighterSettings  # noqa: PLC0415

    ready = venue.ready
    return LighterSettings(
        name=PAPER,
        # A paper venue begins anew with every start: its ids are those of a world of their own.
        world=f"{PAPER} {time.time_ns()}",
        url=ready.url,
        ws_url=ready.ws_url,
        chain_id=ready.chain_id,
        account_index=ready.trading.account_index,
        api_key_index=ready.trading.api_key_index,
        private_key=ready.trading.private_key,
        kill_api_key_index=ready.kill.api_key_index,
        kill_private_key=ready.kill.private_key,
        markets=settings.markets,
        stale_after_ms=settings.stale_after_ms,
        book_silent_after_ms=settings.book_silent_after_ms,
    )


def _live(settings: "Settings") -> "LighterSettings":
    from core.connectors.lighter.connector import LighterSettings  # noqa: PLC0415

    chosen = settings.venue_profile()
    return LighterSettings(
        name=settings.profile,
        world=f"chain {chosen.chain_id} account {chosen.account_index}",
        url=chosen.url.rstrip("/"),
        ws_url=chosen.ws_url,
        chain_id=chosen.chain_id,
        account_index=chosen.account_index,
        api_key_index=chosen.api_key_index,
        private_key=chosen.private_key,
        kill_api_key_index=chosen.kill_api_key_index,
        kill_private_key=chosen.kill_private_key,
        markets=settings.markets,
        stale_after_ms=settings.stale_after_ms,
        book_silent_after_ms=settings.book_silent_after_ms,
    )


def _state_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"state_dir: expected a folder this user can write, got {folder}: {error.strerror}") from None
    return folder


@contextmanager
def _log_to(file: Path) -> Iterator[None]:
    """The log of this run: every warning, our own information, never a debug line (those may hold secrets)."""
    from logging.handlers import RotatingFileHandler  # noqa: PLC0415

    try:
        handler = RotatingFileHandler(file, maxBytes=5_000_000, backupCount=3, encoding="utf-8", delay=False)
    except OSError as error:
        raise ConfigError(f"state_dir: expected a log file this user can write, got {file}: {error.strerror}") from None
    file.chmod(0o600)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for ours in ("core", "tui"):
        logging.getLogger(ours).setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()


def _say(text: str) -> None:
    """One sentence on standard error, which may be a terminal that is gone."""
    with suppress(OSError):
        sys.stderr.write(f"lighter-tui: {text}\n")
        sys.stderr.flush()


def _last_words(return_code: int | None, report: "ExitReport | None") -> int:
    """Say how it ended on a terminal that is ours again; the exit code."""
    if report is None:
        _say("the engine ended without a report; check the venue for open orders")
        return EXIT_FAULT
    if report.text:
        _say(report.text)
    return max(report.exit_code, EXIT_FAULT if return_code else 0)


if __name__ == "__main__":
    sys.exit(main())
