"""`lighter-tui journal verify|show|export`: what was recorded, also while the engine runs. Reads, never writes."""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import ConfigError
from tui.commands.words import EXIT_FAULT, Subparsers, add_profile, number, whole

if TYPE_CHECKING:
    from core.history import HistoryQuery, HistoryRow
    from core.units import MarketId

_AGO: Final = re.compile(r"(\d{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Its arguments."""
    journal = commands.add_parser("journal", help="check, read or export what was recorded; safe while the engine runs")
    actions = journal.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser(
        "verify", help="check the chain of digests, the tables and the file; 1 if anything is wrong"
    )
    show = actions.add_parser("show", help="print the newest rows, oldest of them first")
    show.add_argument("-n", "--rows", type=number(1, 10_000), default=50, metavar="N", help="how many (default 50)")
    export = actions.add_parser("export", help="write every row as a line of JSON, money as text")
    export.add_argument("--out", type=Path, metavar="FILE", help="a new file to write to, instead of standard output")
    for action in (verify, show, export):
        add_profile(action)
        files = "another journal than the profile's" + ("; or an archive, *.jsonl" if action is verify else "")
        action.add_argument("--file", type=Path, metavar="JOURNAL", help=files)
    for action in (show, export):
        _add_filters(action)


def _add_filters(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--kind", action="append", default=[], help="order, fill, command, denied, ...; may be repeated"
    )
    action.add_argument("--order", type=whole, metavar="ID", help="of one order, by our id or the venue's")
    action.add_argument("--market", metavar="SYMBOL", help="of one market, by symbol or number")
    action.add_argument("--origin", default="", help="part of who wanted it: operator, a strategy's name")
    action.add_argument("--text", default="", help="part of what the row holds")
    when = "2026-01-31, 2026-01-31T15:00 (UTC), or how long ago: 30m, 2h, 7d"
    action.add_argument("--since", type=moment, metavar="TIME", help=when)
    action.add_argument("--until", type=moment, metavar="TIME", help=when)


def run(options: argparse.Namespace) -> int:
    """Do it; a reader that goes away early (`| head`) is no fault."""
    from core.engine.journal_reader import open_reader  # noqa: PLC0415 - SQLite is not needed for --help

    path = _path(options)
    if options.action == "verify" and path.suffix == ".jsonl":
        return _verify_archive(path)
    with closing(open_reader(path)):
        pass
    try:
        code = {"verify": _verify, "show": _show, "export": _export}[options.action](options, path)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return 0
    return code


def _path(options: argparse.Namespace) -> Path:
    if options.file is not None:
        named: Path = options.file
        return named
    from core import config  # noqa: PLC0415 - a journal named by --file needs no configuration

    settings = config.load(options.config, profile=options.profile)
    return settings.state_dir / settings.profile / "journal.sqlite3"


def _verify(options: argparse.Namespace, path: Path) -> int:
    from core.engine.journal_reader import open_reader  # noqa: PLC0415
    from core.engine.verify import verify  # noqa: PLC0415

    del options
    with closing(open_reader(path)) as connection:
        verdict = verify(connection, path)
    if verdict.fault is not None:
        sys.stdout.write(f"{path}: {verdict.fault}\n")
        return EXIT_FAULT
    checked = f"rows {verdict.first:,} to {verdict.last:,} chain and agree with orders, fills and named values"
    archived = f"; {verdict.archived:,} older rows were archived" if verdict.archived else ""
    sys.stdout.write(f"{path}: {checked}{archived}; newest digest {verdict.head}\n")
    if not verdict.is_head_noted:
        sys.stdout.write(f"no {path.name}.head beside it: a cut end would show only by comparing the newest digest\n")
    return 0


def _verify_archive(path: Path) -> int:
    from core.engine.archive import verify_archive  # noqa: PLC0415

    verdict = verify_archive(path)
    if verdict.fault is not None:
        sys.stdout.write(f"{path}: {verdict.fault}\n")
        return EXIT_FAULT
    sys.stdout.write(f"{path}: rows {verdict.first:,} to {verdict.last:,} chain; last digest {verdict.head}\n")
    if not verdict.is_joined:
        sys.stdout.write(f"row {verdict.first:,} was taken as it is: the archive before it is not in the same folder\n")
    return 0


def _show(options: argparse.Namespace, path: Path) -> int:
    from core.engine.journal_reader import found, open_reader, symbols  # noqa: PLC0415

    with closing(open_reader(path)) as connection:
        names = symbols(connection)
        rows = list(found(connection, _query(options, names, options.rows)))
    for row in reversed(rows):
        sys.stdout.write(f"{_line(row, names)}\n")
    return 0


def _export(options: argparse.Namespace, path: Path) -> int:
    from core.engine.journal_reader import exported, open_reader, symbols  # noqa: PLC0415

    with closing(open_reader(path)) as connection:
        lines = exported(connection, _query(options, symbols(connection), 1))
        if options.out is None:
            for line in lines:
                sys.stdout.write(line.decode())
            return 0
        try:
            with open(options.out, "xb", opener=_private) as file:
                file.writelines(lines)
        except OSError as error:
            with suppress(OSError):
                if not isinstance(error, FileExistsError):
                    options.out.unlink()
            raise ConfigError(f"--out: expected a new file to write, got {options.out}: {error.strerror}") from None
    return 0


def _private(name: str, flags: int) -> int:
    """Readable by its owner alone, like the journal it comes from."""
    return os.open(name, flags, 0o600)


def _query(options: argparse.Namespace, names: Mapping[int, str], limit: int) -> "HistoryQuery":
    from core.history import HistoryQuery  # noqa: PLC0415

    return HistoryQuery(
        kinds=tuple(options.kind),
        order_id=options.order,
        market_id=_market(options.market, names),
        origin=options.origin,
        text=options.text,
        since_us=options.since,
        until_us=options.until,
        limit=limit,
    )


def _market(wanted: str | None, names: Mapping[int, str]) -> "MarketId | None":
    from core.units import MarketId  # noqa: PLC0415

    if wanted is None:
        return None
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        return MarketId(int(wanted))
    known = {symbol: market_id for market_id, symbol in names.items()}
    if wanted.upper() not in known:
        heard = ", ".join(sorted(known)[:12]) or "none yet"
        raise ConfigError(f"--market: expected a market of this journal ({heard}) or its number, got {wanted!r}")
    return MarketId(known[wanted.upper()])


def _line(row: "HistoryRow", names: Mapping[int, str]) -> str:
    """One row for the screen: number, time, kind, what it is about, what it says."""
    at = datetime.fromtimestamp(row.at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    about = [] if row.market_id is None else [names.get(row.market_id, f"market {row.market_id}")]
    about += [] if row.client_id is None else [f"ours {row.client_id}"]
    about += [] if row.venue_id is None else [f"theirs {row.venue_id}"]
    about += [row.origin] if row.origin else []
    text = "".join(letter if letter.isprintable() else " " for letter in row.text)
    told = f"{', '.join(about)}: {text}" if about else text
    return f"{row.seq:>8} {at}.{row.at_us % 1_000_000:06} {row.kind:<9} {told}"


def moment(text: str) -> int:
    """A moment in UTC microseconds, from a date, a date and time, or how long ago.

    Raises:
        argparse.ArgumentTypeError: it is none of them.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        now_us = int(datetime.now(UTC).timestamp()) * 1_000_000
        return now_us - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        expected = "a time such as 2026-01-31, 2026-01-31T15:00 or 2h (two hours ago)"
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text[:40]!r}") from None
    whole_s = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
    return whole_s * 1_000_000 + read.microsecond
