"""`lighter-tui config`: the configuration in force."""

import argparse
import sys

from tui.commands.words import Subparsers, add_profile


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    add_profile(commands.add_parser("config", help="show the configuration in force, secrets hidden"))


def run(options: argparse.Namespace) -> int:
    """Print it, secrets hidden."""
    from core import config  # noqa: PLC0415 - pydantic is not needed for --help

    file = options.config
    from tui.keymap import key_map  # noqa: PLC0415

    settings = config.load(file, profile=options.profile)
    key_map(settings.desk.keys)
    sys.stdout.write(f"# {file or config.default_file()}\n{settings.model_dump_json(indent=2)}\n")
    return 0
