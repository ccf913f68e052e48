"""Figures and how they are shown: medians, spread and ratios, one table on the screen and JSON beside it."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

OUT: Final = Path(__file__).parent / "out" / "bench.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    group: str
    name: str
    unit: str
    median: float
    low: float
    """Smallest value, or p50 where `high` is p99."""
    high: float
    count: int
    note: str = ""
    ratio: float | None = None
    """Median of the ratios to the group's peer, round by round."""
    peer: str = ""
    samples: tuple[float, ...] = field(default=(), repr=False)


def interleave(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run A B C A B C ..., so that a slow moment of the machine falls on all of them."""
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, measure in subjects.items():
            found[name].append(measure())
    return found


def compared(group: str, unit: str, found: Mapping[str, Sequence[float]], peer: str) -> list[Figure]:
    """One figure a subject, each with the median of its per-round ratios to `peer`."""
    return [
        Figure(
            group=group,
            name=name,
            unit=unit,
            median=statistics.median(values),
            low=min(values),
            high=max(values),
            count=len(values),
            ratio=statistics.median([mine / theirs for mine, theirs in zip(values, found[peer], strict=True)]),
            peer=peer,
            samples=tuple(values),
        )
        for name, values in found.items()
    ]


def latencies(group: str, name: str, samples: Sequence[float], note: str = "") -> Figure:
    """Milliseconds: the median, with p50 and p99 as the spread."""
    ordered = sorted(samples)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return Figure(
        group=group,
        name=name,
        unit="ms",
        median=statistics.median(ordered),
        low=ordered[0],
        high=p99,
        count=len(ordered),
        note=note,
        samples=tuple(samples),
    )


def show(figures: Sequence[Figure], problems: Sequence[str]) -> None:
    """The table, and what could not be measured."""
    table = Table(title="lighter-tui bench", title_justify="left")
    for heading, justify in [
        ("benchmark", "left"), ("subject", "left"), ("median", "right"), ("from .. to", "right"), ("n", "right"),
        ("ratio", "right"), ("note", "left"),
    ]:  # fmt: skip
        table.add_column(heading, justify="right" if justify == "right" else "left")
    last = ""
    for figure in figures:
        if last and figure.group != last:
            table.add_section()
        ratio = "" if figure.ratio is None else f"{_short(figure.ratio)} x"
        note = figure.note or (f"x {figure.peer}" if figure.ratio is not None and figure.name != figure.peer else "")
        table.add_row(
            figure.group if figure.group != last else "",
            figure.name,
            f"{_short(figure.median)} {figure.unit}",
            f"{_short(figure.low)} .. {_short(figure.high)}",
            str(figure.count),
            ratio,
            note,
        )
        last = figure.group
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for problem in problems:
        console.print(f"not measured: {problem}", style="bold red")


def write(figures: Sequence[Figure], problems: Sequence[str], seconds: float) -> Path:
    """The same figures with every sample, for a machine to read."""
    OUT.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "load_1m": os.getloadavg()[0],
        },
        "commit": _commit(),
        "seconds": round(seconds, 1),
        "figures": [asdict(figure) for figure in figures],
        "problems": list(problems),
    }
    OUT.write_text(json.dumps(document, indent=1) + "\n")
    return OUT


def _short(value: float) -> str:
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git is there; none is fine too
        cwd=OUT.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
