"""How values look: exact, fixed width, free of anything a terminal would obey. Pure functions, no colours.

Money, prices and sizes are `Decimal` from start to end; nothing here rounds a value that is sent anywhere.
"""

import re
import unicodedata
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum
from typing import Final

from rich.cells import cell_len, set_cell_size

from core.clock import SECOND_NS, SECOND_US

NOTHING: Final = "\u2013"
"""Stands where a value is not known."""
HIDDEN: Final = "•••"
"""Stands where an amount is hidden on request."""
_FIGURES: Final = re.compile(r"\d[\d.,]*")
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_EIGHTHS: Final = 8
_EXACT: Final = Context(prec=200)
"""Wide enough for any figure a venue may send, however absurd."""
_MOST_PERCENT: Final = 999
_BPS: Final = Decimal(10_000)
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PLAIN: Final = frozenset(chr(code) for code in range(0x20, 0x7F))
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


class Align(Enum):
    """Which edge a text keeps to."""

    LEFT = "left"
    RIGHT = "right"


def clean(text: str, limit: int = 1_000) -> str:
    """`text` as one line that no terminal obeys: control, bidirectional and invisible characters become `·`."""
    cut = text[:limit]
    if _PLAIN.issuperset(cut):
        return cut
    return "".join("·" if unicodedata.category(letter) in _HIDDEN else letter for letter in cut)


def fit(text: str, width: int, align: Align = Align.LEFT) -> str:
    """Exactly `width` cells: padded, or cut with an ellipsis. For words; see `fit_number` for figures."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if align is Align.RIGHT else text + padding


def fit_number(text: str, width: int) -> str:
    """Exactly `width` cells, to the right; a figure that does not fit shows as `###`, never as another figure."""
    return text.rjust(width) if len(text) <= width else "#" * width


def hide(text: str, *, is_figure: bool) -> str:
    """An amount that nobody beside the operator shall read; of a sentence, only its figures."""
    return HIDDEN if is_figure else _FIGURES.sub(HIDDEN, text)


def decimal(value: Decimal | None, decimals: int) -> str:
    """Fixed-point with this many decimals; never an exponent, never `-0.00`."""
    if value is None:
        return NOTHING
    return f"{_rounded(value, decimals):f}"


def signed(value: Decimal | None, decimals: int) -> str:
    """As `decimal`, with `+` before gains: the sign never depends on colour."""
    if value is None:
        return NOTHING
    rounded = _rounded(value, decimals)
    return f"+{rounded:f}" if rounded > 0 else f"{rounded:f}"


def money(value: Decimal | None, decimals: int = 2) -> str:
    """USDC with thousands apart: `100,234.12`."""
    return NOTHING if value is None else f"{_rounded(value, decimals):,f}"


def signed_money(value: Decimal | None, decimals: int = 2) -> str:
    """USDC with thousands apart and its sign: `+1,234.12`."""
    if value is None:
        return NOTHING
    rounded = _rounded(value, decimals)
    return f"+{rounded:,f}" if rounded > 0 else f"{rounded:,f}"


def trimmed(value: Decimal) -> str:
    """Plain digits without trailing zeros: limits and minimums as an operator wrote them."""
    if not value:
        return "0"
    whole = value.normalize(_EXACT)
    return f"{whole:f}"


def spread_bps(bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    """Ask less bid, in hundredths of a percent of the middle."""
    if bid is None or ask is None or bid + ask <= 0:
        return None
    return (ask - bid) * 2 * _BPS / (bid + ask)


def seconds(duration_ns: int) -> str:
    """An age as one short word: `0s`, `59s`, `3m`, `2h`, `5d`."""
    whole = max(0, duration_ns) // SECOND_NS
    for size, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if whole >= size:
            return f"{min(whole // size, 999)}{name}"
    return f"{whole}s"


def milliseconds(value: Decimal | None) -> str:
    """A measured latency: `3.1 ms`."""
    return NOTHING if value is None else f"{_rounded(value, 1):,f} ms"


def utc(moment_us: int, today_us: int | None = None) -> str:
    """`HH:MM:SS` in UTC, with the date before it when it is not today's; nothing for a moment never set."""
    if moment_us <= 0:
        return NOTHING
    moment = datetime.fromtimestamp(moment_us // SECOND_US, UTC)
    if today_us is not None and datetime.fromtimestamp(today_us // SECOND_US, UTC).date() != moment.date():
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return moment.strftime("%H:%M:%S")


def percent_used(used: Decimal, limit: Decimal) -> int:
    """How much of a limit is used, in whole percent rounded up: 100 only when it is reached, 999 for any more."""
    if limit <= 0:
        return 100 if used > 0 else 0
    if used >= limit * _MOST_PERCENT:
        return _MOST_PERCENT
    whole, rest = _EXACT.divmod(max(used, Decimal(0)) * 100, limit)
    rounded = int(whole) + (rest > 0)
    return 99 if rounded == 100 and used < limit else rounded


def bar(used: Decimal, limit: Decimal, width: int) -> str:
    """A gauge of `width` cells; full only when the limit is reached."""
    if width <= 0:
        return ""
    if limit <= 0:
        return "█" * width if used > 0 else " " * width
    most = width * _EIGHTHS
    eighths = most if used >= limit else min(int(max(used, Decimal(0)) * most / limit), most - 1)
    full, part = divmod(eighths, _EIGHTHS)
    return ("█" * full + (_BLOCKS[part] if part else "")).ljust(width)


def _rounded(value: Decimal, decimals: int) -> Decimal:
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN, context=_EXACT)
    return rounded or abs(rounded)
