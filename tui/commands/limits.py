"""`lighter-tui limits`: shows and changes the risk limits of a running engine; checks a file without one."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.errors import ConfigError
from tui.commands.places import engine_socket, state_folder
from tui.commands.words import EXIT_FAULT, Subparsers, add_profile, say

_LIMIT_S: Final = 15
_YES: Final = "yes"


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    what = "show and change the risk limits of a running engine; check a file without one"
    parser = commands.add_parser("limits", help=what, description=what)
    doing = parser.add_subparsers(dest="op", required=True, metavar="show|set|reset|reload|check")
    show = doing.add_parser("show", help="every limit in force, how much of it is used, and what was set at run time")
    add_profile(show)
    setter = doing.add_parser("set", help="change one limit; it holds over the file until the file's value changes")
    setter.add_argument("name", help="as in the file: max_order_notional, breaker.loss_streak")
    setter.add_argument("value", help="a number, a list such as ETH,BTC, a word, or off")
    setter.add_argument("--yes", action="store_true", help="do not ask: for scripts")
    reset = doing.add_parser("reset", help="let the file's value hold again, of one limit or of all")
    reset.add_argument("name", nargs="?", default="", help="leave it out for all")
    for one in (setter, reset):
        add_profile(one)
        one.add_argument("--market", metavar="SYMBOL", default="", help="this market's own limit")
        one.add_argument("--reason", default="", metavar="TEXT", help="why; a raise needs one, and it is journalled")
    add_profile(doing.add_parser("reload", help="take over what the file says now"))
    check = doing.add_parser("check", help="say whether a configuration file could be used, without an engine")
    add_profile(check)
    check.add_argument("file", nargs="?", type=Path, help="the configured one by default")


def run(options: argparse.Namespace) -> int:
    """Ask the engine, or read the file; 0 when it was done or can be used."""
    from core import config  # noqa: PLC0415 - --help stays quick

    if options.op == "check":
        settings = config.load(options.file or options.config, profile=options.profile)
        own = f", {len(settings.risk.markets)} markets with limits of their own" if settings.risk.markets else ""
        _print(f"the limits can be used{own}")
        return 0
    settings = config.load(options.config, profile=options.profile)
    socket = engine_socket(state_folder(settings.state_dir / settings.profile))
    fields = ("op", "name", "value", "market", "reason")
    request: dict[str, object] = {"do": "limits", **{field: getattr(options, field, "") for field in fields}}
    if options.op == "set" and not options.yes and not _is_confirmed(socket, request):
        return EXIT_FAULT
    answer = _asked(socket, request)
    if answer.get("ok") is not True:
        say(str(answer.get("error")))
        return EXIT_FAULT
    if options.op == "show":
        _show(answer)
    else:
        _print(str(answer.get("detail")))
        if answer.get("remark"):
            _print(str(answer["remark"]))
    return 0


def _asked(socket: Path, request: Mapping[str, object]) -> Mapping[str, object]:
    from core.engine.control import ask  # noqa: PLC0415

    return next(iter(ask(socket, request, _LIMIT_S)), {"error": "the engine hung up without an answer"})


def _is_confirmed(socket: Path, request: Mapping[str, object]) -> bool:
    """Say what the change would do, and let it be typed that it is meant."""
    answer = _asked(socket, {**request, "op": "preview"})
    if answer.get("ok") is not True:
        say(str(answer.get("error")))
        return False
    if not sys.stdin.isatty():
        raise ConfigError("limits set: expected --yes where nobody can be asked")
    word = "raises" if answer.get("is_raise") else "changes"
    _print(f"this {word} {request['name']} from {answer['old']} to {answer['new']}")
    if answer.get("remark"):
        _print(str(answer["remark"]))
    sys.stdout.write(f"type {_YES} to go on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() == _YES:
        return True
    say("nothing was changed")
    return False


def _show(answer: Mapping[str, object]) -> None:
    limits, overrides, uses = (answer.get(name) for name in ("limits", "overrides", "uses"))
    held: dict[str, str] = {}
    for use in uses if isinstance(uses, list) else []:
        if use["scope"] != "all":
            _print(f"{use['name']} {use['scope']}: {use['used']} of {use['limit']} {use['unit']} in use")
        held[use["name"]] = f"  ({use['used']} {use['unit']} in use)" if use["scope"] == "all" else ""
    changed = overrides if isinstance(overrides, dict) else {}
    for name, value in (limits if isinstance(limits, dict) else {}).items():
        own = changed.get(name)
        told = f"  set by {own['by']}, the file says {own['file']}" if own else ""
        _print(f"{name} = {value}{held.get(name, '')}{told}")
    if answer.get("fault"):
        say(f"nothing trades: {answer['fault']}")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
