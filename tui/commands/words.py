"""What commands read and say: arguments with one clear sentence each, and one sentence on standard error."""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

EXIT_FAULT: Final = 1
EXIT_CONFIG: Final = 2

Subparsers = argparse._SubParsersAction  # noqa: SLF001 - the only name argparse gives it


def add_profile(parser: argparse.ArgumentParser, *, is_repeated: bool = True) -> None:
    """Which profile and which file; accepted before the command and after it."""
    default = argparse.SUPPRESS if is_repeated else None
    parser.add_argument("--profile", default=default, help="paper (default), or a [profiles.NAME] table of the file")
    parser.add_argument("--config", type=Path, default=default, metavar="FILE", help="configuration file (TOML)")


def whole(text: str) -> int:
    """A whole number of less than 19 digits.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text[:40]!r}")
    return int(text)


def number(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, got {text[:40]!r}")
        return int(text)

    return read


def say(text: str) -> None:
    """One sentence on standard error, which may be a terminal that is gone."""
    with suppress(OSError):
        sys.stderr.write(f"lighter-tui: {text}\n")
        sys.stderr.flush()
