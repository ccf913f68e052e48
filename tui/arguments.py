"""Command-line arguments of the paper venue and of the recorder; what they mean is the composition root's business."""

import argparse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path


def add_venue(venue: argparse.ArgumentParser) -> None:
    """What rehearsals need beyond a port, a seed and markets."""
    venue.add_argument("--volatility", type=_number(0, 10_000), default=100, help="percent of the usual (default 100)")
    venue.add_argument("--tier", choices=("standard", "plus", "premium"), help="latency and budgets of this tier")
    venue.add_argument("--clock", choices=("real", "virtual"), default="real", help="virtual: time moves by --control")
    start = "Unix second at which virtual time begins (default 2026-01-01)"
    venue.add_argument("--clock-start", type=_number(0, 10**10), default=1_767_225_600, help=start)
    venue.add_argument("--control", action="store_true", help="open /control/ to the token in the ready line")
    venue.add_argument("--replay", type=Path, metavar="FILE", help="markets move as in this recording")
    venue.add_argument("--speed", type=_speed, default=100, help="of the replay: 1 is as recorded (default)")
    venue.add_argument("--upstream", metavar="URL", help="markets move as at this live venue, on its public data")
    venue.add_argument("--faults", type=Path, metavar="FILE", help="schedule of faults (TOML or JSON)")
    venue.add_argument("--verify-signatures", action="store_true", help="refuse what was signed by another key")
    venue.add_argument("--list-faults", action="store_true", help="describe every fault, and end")


def add_recorder(record: argparse.ArgumentParser) -> None:
    """What a recording needs besides a profile."""
    record.add_argument("--out", type=Path, required=True, metavar="FILE", help="recording to write, or to append to")
    record.add_argument("--for", dest="seconds", type=_number(1, 10**8), help="stop after so many seconds")


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, got {text[:40]!r}")
        return int(text)

    return read


def _speed(text: str) -> int:
    """A multiple of real time, as percent."""
    try:
        percent = int(Decimal(text) * 100)
    except (InvalidOperation, ValueError, OverflowError):
        percent = 0
    if not 1 <= percent <= 100_000:
        raise argparse.ArgumentTypeError(f"expected a speed from 0.01 to 1000, got {text[:40]!r}")
    return percent
