"""`lighter-tui rearm`: lifts a confirmed kill of a running engine, with a typed word and a reason."""

import argparse
from typing import Final

from core.errors import ConfigError
from tui.commands.places import engine_socket, state_folder
from tui.commands.words import EXIT_FAULT, Subparsers, add_profile, say

_WORD: Final = "REARM"
_LIMIT_S: Final = 10


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    what = "let a killed engine, market or strategy trade again, once the venue confirmed the kill"
    parser = commands.add_parser("rearm", help=what, description=what)
    add_profile(parser)
    parser.add_argument("word", metavar=_WORD, help=f"the word {_WORD}, typed, so that nothing is lifted by mistake")
    parser.add_argument("--market", metavar="SYMBOL", help="this market alone, such as ETH")
    parser.add_argument("--strategy", metavar="NAME", help="this strategy alone")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it is journalled")


def run(options: argparse.Namespace) -> int:
    """Ask the engine; 0 when it is lifted, 1 when it is not."""
    from core import config  # noqa: PLC0415 - --help stays quick
    from core.engine.control import ask  # noqa: PLC0415

    if options.word != _WORD:
        raise ConfigError(f"expected the word {_WORD}, got {options.word!r}; nothing was lifted")
    settings = config.load(options.config, profile=options.profile)
    folder = state_folder(settings.state_dir / settings.profile)
    request = {"do": "rearm", "market": options.market, "strategy": options.strategy, "reason": options.reason}
    for answer in ask(engine_socket(folder), request, _LIMIT_S):
        if answer.get("ok") is True:
            say("re-armed: trading may go on")
            return 0
        say(f"not re-armed: {answer.get('error') or answer.get('detail')}")
    return EXIT_FAULT
