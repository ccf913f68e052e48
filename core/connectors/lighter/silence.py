"""Whether the account stream still speaks: what it told of each market against what REST shows. Pure.

A socket that answers pings may have stopped telling. Every fill and every order that comes or goes changes the row of
its market, position or number of open orders, so the two agree but for a moment; a difference that lasts while the
stream says nothing of that market means that it is silent.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, TypeAlias

from core.clock import SECOND_NS
from core.connectors.lighter.convert import number
from core.connectors.lighter.objects import WirePosition
from core.units import ZERO

LASTING_NS: Final = 5 * SECOND_NS
"""REST and stream may differ for so long without anything being wrong."""
AGAIN_NS: Final = 300 * SECOND_NS
"""A new connection that changes nothing is not tried more often than this."""

Row: TypeAlias = tuple[Decimal, int | None]
"""Signed size, and how many orders are open; None where the venue did not say."""
_FLAT: Final[Row] = (ZERO, 0)


class Witness:
    """What the stream last told of each market."""

    def __init__(self) -> None:
        """Nothing told."""
        self._told: dict[int, Row] | None = None
        self._since_ns: dict[int, tuple[Row, int]] = {}
        self._not_before_ns = 0

    def told(self, rows: Iterable[WirePosition], *, is_complete: bool) -> None:
        """The stream told of these markets; of all of them when it `is_complete`."""
        if is_complete:
            self._told = {}
            self._since_ns.clear()
        for row in rows:
            if self._told is not None:
                self._told[row.market_id] = _row(row)
            self._since_ns.pop(row.market_id, None)

    def forget(self) -> None:
        """The stream is gone: there is nothing to compare before its next complete list."""
        self._told = None
        self._since_ns.clear()

    def compare(self, rows: Iterable[WirePosition], now_ns: int) -> str:
        """A complete list that REST gave; the difference as a sentence once it lasted, else nothing."""
        if self._told is None:
            return ""
        shown = {row.market_id: _row(row) for row in rows}
        differing = {
            market_id: row
            for market_id in {*shown, *self._told}
            if not _agree(row := shown.get(market_id, _FLAT), self._told.get(market_id, _FLAT))
        }
        before = self._since_ns
        self._since_ns = {
            market_id: before[market_id] if before.get(market_id, (None, 0))[0] == row else (row, now_ns)
            for market_id, row in differing.items()
        }
        lasting = [at for at, (_, since_ns) in self._since_ns.items() if now_ns - since_ns >= LASTING_NS]
        if not lasting or now_ns < self._not_before_ns:
            return ""
        self._not_before_ns = now_ns + AGAIN_NS
        at = min(lasting)
        told = self._told.get(at, _FLAT)
        return f"the stream is silent: it last told {_words(told)} in market {at}, REST shows {_words(differing[at])}"


def _row(wire: WirePosition) -> Row:
    return (number(wire.position) or ZERO) * wire.sign, wire.open_order_count


def _agree(one: Row, other: Row) -> bool:
    return one[0] == other[0] and (one[1] is None or other[1] is None or one[1] == other[1])


def _words(row: Row) -> str:
    return f"{row[0]} and {'?' if row[1] is None else row[1]} open orders"
