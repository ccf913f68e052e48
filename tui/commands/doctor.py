"""`lighter-tui doctor`: is everything in place to trade with a profile?"""

import argparse
import asyncio
import sys
from contextlib import ExitStack

from tui.commands.places import PAPER, live, paper, start_paper, state_folder
from tui.commands.words import EXIT_FAULT, Subparsers, add_profile


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    what = "check venue, clock, keys, permissions, tier and markets; sends nothing"
    add_profile(commands.add_parser("doctor", help=what))


def run(options: argparse.Namespace) -> int:
    """One line a check; 0 when nothing failed, 1 when something did."""
    from core import config  # noqa: PLC0415
    from core.clock import SystemClock  # noqa: PLC0415
    from core.connectors.lighter.doctor import Health, findings  # noqa: PLC0415

    settings = config.load(options.config, profile=options.profile)
    folder = state_folder(settings.state_dir / settings.profile)
    with ExitStack() as stack:
        is_paper = settings.profile == PAPER
        address = paper(settings, start_paper(settings, folder, stack).result().ready) if is_paper else live(settings)
        found = asyncio.run(findings(address, SystemClock()))
    for one in found:
        sys.stdout.write(f"{one.health.value:<5} {one.check:<12} {one.text}\n")
    return EXIT_FAULT if any(one.health is Health.BAD for one in found) else 0
