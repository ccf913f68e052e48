"""Command-line arguments of the paper venue and of the recorder; what they mean is the composition root's business."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_venue(venue: argparse.ArgumentParser) -> None:
    """What rehearsals need beyond a port, a seed and markets."""
    venue.add_argument("--volatility", type=_number(0, 10_000), default=100, help="percent of the usual (default 100)")
    venue.add_argument("--tier", choices=("standard", "plus", "premium"), help="latency and budgets of this tier")
    venue.add_argument("--clock", choices=("real", "virtual"), default="real", help="virtual: time moves by --control")
    start = "Unix second at which virtual time begins (default 2026-01-01)"
    venue.add_argument("--clock-start", type=_number(0, 10**10), default=1_767_225_600, help=start)
    venue.add_argument("--control", action="store_true", help="open /control/ to the token in the ready line")
    venue.add_argument("--faults", type=Path, metavar="FILE", help="schedule of faults (TOML or JSON)")
    venue.add_argument("--verify-signatures", action="store_true", help="refuse what was signed by another key")
    venue.add_argument("--list-faults", action="store_true", help="describe every fault, and end")


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, got {text[:40]!r}")
        return int(text)

    return read
