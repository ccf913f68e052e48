"""`lighter-tui venue`: the paper exchange as a process of its own."""

import argparse
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path

from tui.commands.words import Subparsers, number, whole


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    venue = commands.add_parser("venue", help="run the paper venue as a process of its own, on 127.0.0.1")
    venue.add_argument("--port", type=_port, default=0, help="port to listen on; 0 picks a free one (default)")
    venue.add_argument("--seed", type=whole, default=1, help="seed of the market generator (default 1)")
    venue.add_argument("--markets", type=whole, default=12, help="how many markets to trade, 1 to 200 (default 12)")
    venue.add_argument("--rate", type=whole, default=None, help="book frames a second over all markets, for load")
    venue.add_argument("--parent-pid", type=whole, default=None, help="stop when this process is gone")
    venue.add_argument("--volatility", type=number(0, 10_000), default=100, help="percent of the usual (default 100)")
    band = "refuse prices that are this many percent worse than the market (codes 21733 and 21734; default: none)"
    venue.add_argument("--price-band", type=number(1, 1_000), default=None, metavar="PERCENT", help=band)
    venue.add_argument("--tier", choices=("standard", "plus", "premium"), help="latency and budgets of this tier")
    venue.add_argument("--clock", choices=("real", "virtual"), default="real", help="virtual: time moves by --control")
    start = "Unix second at which virtual time begins (default 2026-01-01)"
    venue.add_argument("--clock-start", type=number(0, 10**10), default=1_767_225_600, help=start)
    venue.add_argument("--control", action="store_true", help="open /control/ to the token in the ready line")
    venue.add_argument("--replay", type=Path, metavar="FILE", help="markets move as in this recording")
    venue.add_argument("--speed", type=_speed, default=100, help="of the replay: 1 is as recorded (default)")
    venue.add_argument("--upstream", metavar="URL", help="markets move as at this live venue, on its public data")
    venue.add_argument("--faults", type=Path, metavar="FILE", help="schedule of faults (TOML or JSON)")
    venue.add_argument("--verify-signatures", action="store_true", help="refuse what was signed by another key")
    venue.add_argument("--list-faults", action="store_true", help="describe every fault, and end")


def run(options: argparse.Namespace) -> int:
    """Serve until a signal, or until the parent is gone."""
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
            price_band_percent=options.price_band,
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


def _port(text: str) -> int:
    port = whole(text)
    if port > 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {port}")
    return port


def _speed(text: str) -> int:
    """A multiple of real time, as percent."""
    try:
        percent = int(Decimal(text) * 100)
    except (InvalidOperation, ValueError, OverflowError):
        percent = 0
    if not 1 <= percent <= 100_000:
        raise argparse.ArgumentTypeError(f"expected a speed from 0.01 to 1000, got {text[:40]!r}")
    return percent
