"""The composition root: reads the command line, builds everything, and knows everyone. Nobody imports it.

Exit codes: 0 clean; 1 something may be left at the venue, or a fault; 2 the configuration or the command line cannot
be used. Heavy imports happen inside the commands that need them.
"""

import argparse
import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import ConfigError, LighterTuiError

EXIT_FAULT = 1
EXIT_CONFIG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the command `lighter-tui`; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "venue":
                return _venue(options)
            case "config":
                return _config(options)
            case _:
                return _desk(options)
    except ConfigError as error:
        sys.stderr.write(f"lighter-tui: {error}\n")
        return EXIT_CONFIG
    except LighterTuiError as error:
        sys.stderr.write(f"lighter-tui: {error}\n")
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
    venue.add_argument("--markets", type=_whole, default=12, help="how many markets to trade (default 12)")
    venue.add_argument("--rate", type=_whole, default=None, help="book frames a second over all markets, for load")
    venue.add_argument("--parent-pid", type=_whole, default=None, help="stop when this process is gone")
    config = commands.add_parser("config", help="show the configuration in force, secrets hidden")
    _add_choice_of_profile(config, is_repeated=True)
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
    from core.connectors.venue.process import VenueOptions, serve  # noqa: PLC0415 - the desk does not pay for it

    return serve(
        VenueOptions(
            port=options.port,
            seed=options.seed,
            markets=options.markets,
            rate=options.rate,
            parent_pid=options.parent_pid,
        )
    )


def _config(options: argparse.Namespace) -> int:
    from core import config  # noqa: PLC0415 - pydantic is not needed for --help

    file = options.config
    settings = config.load(file, profile=options.profile)
    sys.stdout.write(f"# {file or config.default_file()}\n{settings.model_dump_json(indent=2)}\n")
    return 0


def _desk(options: argparse.Namespace) -> int:
    return 0


if __name__ == "__main__":
    sys.exit(main())
