"""The public trades of markets that somebody looks at: subscribed to on the first look, each told once. Pure.

Every subscription replays the last fifty prints, and liquidations come in a list of their own
(apidocs.lighter.xyz/docs/websocket-reference).
"""

from typing import Final

from core.connectors.lighter.objects import WireTrade
from core.connectors.lighter.wire import PrintsSnapshot, PrintsUpdate
from core.model import BookStatus, Side
from core.tape import PublicTrade, Tape
from core.units import MarketId, TradeId

KEPT: Final = 200
_ASKED: Final = "asked for a moment ago"


class Prints:
    """The newest public trades of one market, each once, in the order of their ids."""

    def __init__(self, market_id: MarketId) -> None:
        """None yet."""
        self._market_id: Final = market_id
        self._kept: dict[int, PublicTrade] = {}
        self._floor = 0
        self._view: tuple[PublicTrade, ...] = ()
        self._status = BookStatus.SYNCING
        self._reason = _ASKED

    def take(self, frame: PrintsSnapshot | PrintsUpdate) -> int:
        """Add what is new; how many there were."""
        listed = [*(frame.trades or ()), *(frame.liquidation_trades or ())]
        if isinstance(frame, PrintsSnapshot):
            self._status, self._reason = BookStatus.LIVE, ""
            self._begin_anew_after_a_gap(listed)
        fresh = {one.trade_id: one for one in listed if one.trade_id > self._floor and one.trade_id not in self._kept}
        if fresh:
            self._kept |= {number: self._of(one) for number, one in fresh.items()}
            newest = sorted(self._kept)[-KEPT:]
            if len(newest) < len(self._kept):  # what was forgotten once is not news when it is replayed
                self._floor = newest[0] - 1
            self._kept = {number: self._kept[number] for number in newest}
            self._view = tuple(self._kept[number] for number in reversed(newest))
        return len(fresh)

    def lose(self, reason: str) -> None:
        """The link is down: what is here is old, until the next snapshot."""
        if self._status is BookStatus.LIVE:
            self._status, self._reason = BookStatus.STALE, reason

    def tape(self, doubt: str) -> Tape:
        """What is here, newest first; `doubt` (a silent link) turns a LIVE tape STALE."""
        is_doubted = bool(doubt) and self._status is BookStatus.LIVE
        return Tape(
            market_id=self._market_id,
            status=BookStatus.STALE if is_doubted else self._status,
            reason=doubt if is_doubted else self._reason,
            trades=self._view,
        )

    def _begin_anew_after_a_gap(self, replayed: list[WireTrade]) -> None:
        """A replay that does not reach back to what is here leaves a hole: what lies before it is dropped."""
        if self._kept and replayed and min(one.trade_id for one in replayed) > max(self._kept):
            self._floor = max(self._kept)
            self._kept, self._view = {}, ()

    def _of(self, trade: WireTrade) -> PublicTrade:
        return PublicTrade(
            trade_id=TradeId(trade.trade_id),
            market_id=self._market_id,
            price=trade.price,
            size=trade.size,
            taker=Side.BUY if trade.is_maker_ask else Side.SELL,
            is_liquidation=trade.type == "liquidation",
            time_us=trade.transaction_time or (trade.timestamp or 0) * 1_000,
        )
