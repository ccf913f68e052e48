"""`lighter-tui drill`: rehearses the kill on a paper venue of its own, and prints how long it took."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tui.commands.words import EXIT_FAULT, Subparsers, add_profile, number

_ROUNDS: Final = 20
_MOST: Final = 10_000
_LOG: Final = "drill.jsonl"
_SHOWN: Final = {
    "halted_ns": "press to halted, as every send sees it",
    "heard_ns": "press to the engine's own state",
    "sent_ns": "press to first cancel bytes",
    "confirmed_ns": "press to the venue's empty list",
}


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    what = "rehearse the kill on a paper venue of its own and print the measured distribution"
    more = "It is paper whatever the profile. Exit code 0 only if every round confirmed."
    drill = commands.add_parser("drill", help=what, description=f"{what}. {more}")
    add_profile(drill)
    drill.add_argument("--rounds", type=number(1, _MOST), default=_ROUNDS, help=f"kills to rehearse ({_ROUNDS})")
    drill.add_argument("--resting", type=number(0, 20), default=6, help="orders at rest before each kill (6)")
    drill.add_argument("--in-flight", type=number(0, 50), default=4, help="orders asked for right before it (4)")
    drill.add_argument("--foreign", type=number(0, 10), default=2, help="orders placed behind the engine's back (2)")
    drill.add_argument("--load", type=number(0, 20_000), default=0, metavar="N", help="book frames a second besides")
    drill.add_argument(
        "--faults", type=Path, metavar="FILE", help="faults of the venue during each kill (TOML or JSON)"
    )
    patience = "seconds that each step of a round may take (20)"
    drill.add_argument("--patience", type=number(1, 600), default=20, metavar="S", help=patience)


def run(options: argparse.Namespace) -> int:
    """Every round on one venue and one engine; the results on standard output and in the profile's folder."""
    from core import config  # noqa: PLC0415 - --help stays quick
    from core.connectors.venue.child import PaperVenue  # noqa: PLC0415
    from tui.commands.drill_faults import Trouble, read  # noqa: PLC0415
    from tui.commands.drill_round import Plan, rehearse  # noqa: PLC0415
    from tui.commands.places import PAPER, paper, state_folder  # noqa: PLC0415
    from tui.log_file import held_log  # noqa: PLC0415

    settings = config.load(options.config, profile=PAPER)
    folder = state_folder(settings.state_dir / PAPER)
    plan = Plan(
        rounds=options.rounds,
        resting=options.resting,
        in_flight=options.in_flight,
        foreign=options.foreign,
        patience_s=options.patience,
    )
    faults = None if options.faults is None else read(options.faults)
    words = () if faults is None else ("--control",)
    with (
        held_log(),  # a rehearsal's log lines are no news; what counts is printed
        TemporaryDirectory(prefix="lighter-tui-drill-") as scratch,
        PaperVenue(seed=settings.paper.seed, rate=options.load or None, options=words) as venue,
    ):
        address, trouble = paper(settings, venue.ready), Trouble(venue.ready, faults)
        results = asyncio.run(rehearse(address, plan, trouble, Path(scratch), _say_round))
    samples = {name: [one.spans[name] for one in results if name in one.spans] for name in _SHOWN}
    failed = [one for one in results if not one.is_good]
    for name, title in _SHOWN.items():
        sys.stdout.write(f"{title:<40} {_line(samples[name])}\n")
    word = "every round confirmed, with no open order at the venue" if not failed else f"{len(failed)} ROUNDS FAILED"
    sys.stdout.write(f"{len(results)} of {options.rounds} rounds: {word}\n")
    _log(folder / _LOG, options, samples, failed=[one.detail for one in failed])
    return EXIT_FAULT if failed or len(results) < options.rounds else 0


def _say_round(number_: int, detail: str) -> None:
    sys.stdout.write(f"round {number_}: {detail}\n")
    sys.stdout.flush()


def _line(spans_ns: Sequence[int]) -> str:
    """Median, p99 and worst in milliseconds."""
    if not spans_ns:
        return "never"
    ordered = sorted(spans_ns)
    median, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    shown = [f"{word} {nanoseconds / 10**6:9.2f} ms" for word, nanoseconds in _named(median, p99, ordered[-1])]
    return "   ".join(shown)


def _named(median: int, p99: int, worst: int) -> tuple[tuple[str, int], ...]:
    return ("median", median), ("p99", p99), ("worst", worst)


def _log(file: Path, options: argparse.Namespace, samples: dict[str, list[int]], failed: list[str]) -> None:
    """One line a drill, for the record."""
    line = {
        "at_us": time.time_ns() // 1_000,
        "rounds": options.rounds,
        "resting": options.resting,
        "in_flight": options.in_flight,
        "foreign": options.foreign,
        "load": options.load,
        "faults": None if options.faults is None else str(options.faults),
        "failed": failed,
        "nanoseconds": samples,
    }
    with file.open("a") as opened:
        opened.write(json.dumps(line) + "\n")
