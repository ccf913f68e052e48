"""`lighter-tui kill`: the kill switch from another terminal, through a running engine or around it."""

import argparse
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import ConfigError, LighterTuiError
from tui.commands.places import PAPER, engine_socket, found_paper, live, state_folder
from tui.commands.words import EXIT_CONFIG, EXIT_FAULT, Subparsers, add_profile, number, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.config import Settings

_LIMIT_S: Final = 15


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    what = "halt a running engine and cancel everything at the venue, or --direct without an engine"
    killer = commands.add_parser("kill", help=what, description=f"{what}. Exit code 0 only when the venue confirmed.")
    add_profile(killer)
    killer.add_argument(
        "--direct", action="store_true", help="ask no engine: cancel at the venue with the profile's key"
    )
    killer.add_argument("--market", metavar="SYMBOL", help="this market alone, such as ETH")
    killer.add_argument("--strategy", metavar="NAME", help="the orders of this strategy alone")
    flatten = "then close positions by reduce-only orders, and confirm that the venue shows none"
    killer.add_argument("--flatten", action="store_true", help=flatten)
    within = f"seconds until the answer counts as no ({_LIMIT_S} by default)"
    killer.add_argument("--within", type=number(1, 600), default=_LIMIT_S, metavar="S", help=within)


def run(options: argparse.Namespace) -> int:
    """Kill; one line a phase on standard output, 0 only on CONFIRMED."""
    pressed_ns = time.monotonic_ns()
    from core import config  # noqa: PLC0415 - the press comes first

    settings = config.load(options.config, profile=options.profile)
    folder = state_folder(settings.state_dir / settings.profile)
    request: dict[str, object] = {
        "do": "kill",
        "pressed_ns": pressed_ns,
        "market": options.market,
        "strategy": options.strategy,
    }
    request["flatten"] = options.flatten
    if options.direct:
        if options.market or options.strategy or options.flatten:
            raise ConfigError("--direct cancels every order and does nothing else: leave the other options out")
        return _direct(settings, folder, pressed_ns, options.within)
    return _through_engine(settings, folder, request, options.within)


def _through_engine(settings: "Settings", folder: Path, request: "Mapping[str, object]", limit_s: int) -> int:
    from core.engine.control import ask  # noqa: PLC0415

    last: Mapping[str, object] = {}
    try:
        for answer in ask(engine_socket(folder), request, limit_s):
            last = answer
            if "error" in answer:
                say(f"nothing was killed: {answer['error']}")
                return EXIT_CONFIG
            _print(str(answer["phase"]), str(answer.get("ms", "")), str(answer["detail"]))
    except LighterTuiError as error:
        direct = f"lighter-tui kill --direct --profile {settings.profile}"
        say(f"not confirmed: {error}; to cancel at the venue without an engine: {direct}")
        return EXIT_FAULT
    if last.get("ok") is True:
        return 0
    say("not confirmed: the engine goes on trying; check the venue, or use --direct")
    return EXIT_FAULT


def _direct(settings: "Settings", folder: Path, pressed_ns: int, limit_s: int) -> int:
    import asyncio  # noqa: PLC0415

    from core.clock import SystemClock  # noqa: PLC0415
    from core.connectors.lighter.direct_kill import DirectKill  # noqa: PLC0415

    if settings.profile == PAPER:
        address = found_paper(settings, folder)
        if address is None:
            raise ConfigError(
                f"no paper venue is running: expected its address in {folder}, put there by a running desk"
            )
    else:
        address = live(settings)
    if address.kill_private_key is None:
        say("no kill key is configured: the trading key is used, whose nonces a running engine uses too")

    def tell(phase: str, milliseconds: Decimal, detail: str) -> None:
        _print(phase, str(milliseconds), detail)

    end = asyncio.run(DirectKill(address, SystemClock(), tell).run(pressed_ns, limit_s))
    if end.is_confirmed:
        return 0
    say(f"not confirmed: {end.detail}")
    return EXIT_FAULT


def _print(phase: str, milliseconds: str, detail: str) -> None:
    took = f"{Decimal(milliseconds):>10,.1f} ms" if milliseconds else " " * 13
    sys.stdout.write(f"{phase.upper():<18} {took}  {detail}\n")
    sys.stdout.flush()
