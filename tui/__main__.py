"""The command line: hands over to a room of `tui.commands`. Nobody imports it.

Exit codes: 0 clean; 1 something may be left at the venue, or a fault; 2 the configuration or the command line cannot
be used. Heavy imports happen inside the commands that need them.
"""

import argparse
import importlib.metadata
import sys
from collections.abc import Sequence

from core.errors import ConfigError, LighterTuiError
from tui.commands import config, desk, doctor, drill, journal, kill, limits, rearm, record, serve, venue
from tui.commands.words import EXIT_CONFIG, EXIT_FAULT, add_profile, number, say

COMMANDS = {
    "venue": venue,
    "serve": serve,
    "record": record,
    "config": config,
    "doctor": doctor,
    "kill": kill,
    "rearm": rearm,
    "limits": limits,
    "drill": drill,
    "journal": journal,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the command `lighter-tui`; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options) if options.command else desk.run(options)
    except ConfigError as error:
        say(str(error))
        return EXIT_CONFIG
    except LighterTuiError as error:
        say(str(error))
        return EXIT_FAULT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lighter-tui",
        description="Operator's terminal and execution engine for a trading bot on Lighter.",
        epilog="Without a command it opens the desk.",
    )
    parser.add_argument(
        "--version", action="version", version=f"lighter-tui {importlib.metadata.version('lighter-tui')}"
    )
    add_profile(parser, is_repeated=False)
    parser.add_argument("--fps", type=number(1, 30), help="paints a second of the desk (default: as configured)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS.values():
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
