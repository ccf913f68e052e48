"""`lighter-tui serve`: the engine here, the desk in a browser on this machine."""

import argparse
import asyncio
import importlib.util
import secrets
import signal
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from core.errors import ConfigError
from tui.commands.desk import desk_options, engine_of, last_words
from tui.commands.places import PAPER, start_paper, state_folder
from tui.commands.words import Subparsers, add_profile, number, say
from tui.log_file import held_log, log_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.driver import Driver

    from core.clock import Clock
    from core.config import Settings
    from core.engine.handle import EngineThread
    from core.engine.late import LateEngine
    from tui.app import Desk

_PORT: Final = 8_040


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    what = "run the engine here and show the desk in a browser on this machine; it only watches unless told otherwise"
    parser = commands.add_parser("serve", help=what, description=what)
    add_profile(parser)
    parser.add_argument("--port", type=number(0, 65_535), default=_PORT, help="of 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--act", action="store_true", help="let the browser trade; without it only the kill works there"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until told to end by a signal, or until the engine ends; the engine's exit code."""
    if importlib.util.find_spec("textual_serve") is None:
        raise ConfigError("serve needs the package textual-serve; install lighter-tui[serve]")
    from tui.kill_signal import hold_back, killing_on_signal  # noqa: PLC0415

    hold_back()  # before the first thread starts
    from core import config  # noqa: PLC0415
    from core.clock import SystemClock  # noqa: PLC0415
    from core.engine.late import LateEngine  # noqa: PLC0415

    settings = config.load(options.config, profile=options.profile)
    options.fps = None
    clock = SystemClock()
    folder = state_folder(settings.state_dir / settings.profile)
    with held_log() as held, ExitStack() as stack:
        stack.enter_context(log_to(folder / "lighter-tui.log", held))

        def build() -> "EngineThread":
            venue = start_paper(settings, folder, stack) if settings.profile == PAPER else None
            return engine_of(settings, folder, venue, clock, stack)

        handle = LateEngine(build, clock, settings.profile, "preparing the engine")
        with killing_on_signal(handle.kill):
            asyncio.run(_serve(options, settings, handle, clock))
        return last_words(None, handle.exit_report())


def _desks(
    options: argparse.Namespace, settings: "Settings", handle: "LateEngine", clock: "Clock"
) -> "Callable[[type[Driver]], Desk]":
    from dataclasses import replace  # noqa: PLC0415

    from tui.app import Desk  # noqa: PLC0415
    from tui.web.watching import Watching  # noqa: PLC0415

    chosen = replace(desk_options(options, settings, clock), is_session=True, is_read_only=not options.act)
    return lambda driver: Desk(Watching(handle, may_act=options.act), chosen, driver)


async def _serve(options: argparse.Namespace, settings: "Settings", handle: "LateEngine", clock: "Clock") -> None:
    """The engine in a thread of its own, the browser's desk on this loop."""
    from aiohttp import web  # noqa: PLC0415

    from tui.web.server import HOST, DeskServer  # noqa: PLC0415

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number_, told.set)
    token = secrets.token_urlsafe(24)
    runner = web.AppRunner(DeskServer(_desks(options, settings, handle, clock), token).application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, options.port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(f"port {options.port}: expected a free one, got: {error.strerror}") from None
    engine = threading.Thread(target=handle.run, args=(lambda: False,), name="engine")
    engine.start()
    where = f"http://{HOST}:{runner.addresses[0][1]}/?token={token}"
    say(f"the desk is at {where} (opens once; ctrl+c here ends the engine)")
    over = asyncio.create_task(asyncio.to_thread(engine.join))
    asked = asyncio.create_task(told.wait())
    await asyncio.wait([over, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    handle.request_stop(settings.exit_policy, "told to end")
    if not over.done():
        say("the engine is ending; please wait until it says how")
    await over
    await runner.cleanup()
