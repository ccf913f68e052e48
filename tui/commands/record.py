"""`lighter-tui record`: what a venue streams and answers, to a file that `venue --replay` serves again."""

import argparse
from contextlib import ExitStack
from pathlib import Path

from tui.commands.places import PAPER, live, paper, start_paper, state_folder
from tui.commands.words import Subparsers, add_profile, number, say


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    recorder = commands.add_parser("record", help="write what a profile's venue streams and answers to a file")
    add_profile(recorder)
    recorder.add_argument("--out", type=Path, required=True, metavar="FILE", help="recording to write, or to append to")
    recorder.add_argument("--for", dest="seconds", type=number(1, 10**8), help="stop after so many seconds")


def run(options: argparse.Namespace) -> int:
    """Record until interrupted, or for as long as asked."""
    import asyncio  # noqa: PLC0415 - heavy, and only for this command

    from core import config  # noqa: PLC0415
    from core.clock import SystemClock  # noqa: PLC0415
    from core.connectors.recorder import record  # noqa: PLC0415
    from core.connectors.venue.recording import Recorder  # noqa: PLC0415

    settings = config.load(options.config, profile=options.profile)
    with ExitStack() as stack:
        folder = state_folder(settings.state_dir / settings.profile)
        venue = start_paper(settings, folder, stack).result() if settings.profile == PAPER else None
        address = paper(settings, venue.ready) if venue is not None else live(settings)
        recorder = Recorder(options.out)
        stack.callback(recorder.close)
        asyncio.run(record(address, recorder, SystemClock(), options.seconds))
        say(f"{recorder.count} messages written to {options.out}")
    return 0
