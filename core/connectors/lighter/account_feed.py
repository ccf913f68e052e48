"""The account's private stream turned into events: orders, fills, positions, money. Pure.

Only a snapshot may be read as complete. Fills that happened while the link was down are not replayed by the venue: with
each loss and each trades snapshot the feed counts a gap, and whoever reads REST closes it with every trade newer than
the last one that was seen without a gap before it. A row that cannot be read is an error that is raised last: the rows
beside it are reported first, never as complete, and an unreadable trade is a gap like any other.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from core.assets import Asset
from core.connectors.base import EventSink
from core.connectors.lighter.agreement import Figures
from core.connectors.lighter.bodies import AccountRow
from core.connectors.lighter.budget import Grade
from core.connectors.lighter.convert import account_of_stats, asset, fills, order_report, order_status, position
from core.connectors.lighter.objects import WireOrder, WireTrade
from core.connectors.lighter.session import Session
from core.connectors.lighter.silence import Witness
from core.connectors.lighter.tally import Tallies
from core.connectors.lighter.wire import (
    AssetsSnapshot,
    AssetsUpdate,
    Frame,
    OrdersSnapshot,
    OrdersUpdate,
    PositionsSnapshot,
    PositionsUpdate,
    TradesSnapshot,
    TradesUpdate,
    UserStatsSnapshot,
    UserStatsUpdate,
)
from core.errors import ProtocolViolation
from core.events import (
    AccountReported,
    AssetsReported,
    FillReported,
    Noticed,
    NoticeLevel,
    OpenOrdersListed,
    OrdersReported,
    PositionsReported,
)
from core.model import Account, Fill
from core.units import AccountIndex, TradeId

_STREAM: Final = "account"
_Row = TypeVar("_Row")
_Told = TypeVar("_Told")


def account_channels(account: int) -> tuple[str, ...]:
    """The private channels of one account."""
    names = ("account_all_orders", "account_all_trades", "account_all_positions", "account_all_assets", "user_stats")
    return tuple(f"{name}/{account}" for name in names)


class AccountFeed:
    """One account's stream."""

    def __init__(self, account: AccountIndex, session: Session, sink: EventSink, newest_trade: int) -> None:
        """`newest_trade`: the account's newest trade id at start; only later fills are news."""
        self.cancel_all_us: int | None = None
        """When the venue's own dead-man's switch fires, as REST last said; the stream does not tell."""
        self.gap = 0
        """Counts moments before which fills may have been missed."""
        self.closed_gap = 0
        """The newest gap that REST's trades have closed."""
        self.whole_until = TradeId(newest_trade)
        """Every fill up to this trade was reported."""
        self.is_recovering = False
        """Whether what is reported right now comes from REST."""
        self.witness: Final = Witness()
        """What the stream told of positions, to be compared with REST."""
        self._tallies: Final = Tallies()
        self._figures: Final = Figures()
        self._assets: dict[int, Asset] | None = None
        """None before the first list of them."""
        self._newest_ms: dict[str, int] = {}
        """The newest frame of a channel whose frames may come in the wrong order."""
        self._is_connected = False
        self._first_news: Final = newest_trade
        self._newest = newest_trade
        self._account: Final = account
        self._session: Final = session
        self._sink: Final = sink
        self._told: set[str] = set()

    def on_frame(self, frame: Frame, now_ns: int) -> str | None:
        """Turn a frame into events.

        Raises:
            ProtocolViolation: an amount in it is not a number; what could be read was reported.
        """
        match frame:
            case OrdersUpdate():
                self._report_orders(frame.orders, None)
            case OrdersSnapshot():
                self._report_orders(frame.orders, self._session.asked_ns(frame.channel) or now_ns)
            case TradesUpdate():
                self._report_news(_flat(frame.trades), now_ns)
            case TradesSnapshot():
                self._is_connected = True
                self.gap += 1
                news = (trade for trade in _flat(frame.trades) if trade.trade_id > self._first_news)
                self._report_news(news, now_ns)
            case PositionsUpdate() | PositionsSnapshot():
                time_us = frame.transaction_time or 0
                positions, error = _readable((frame.positions or {}).values(), lambda one: position(one, time_us))
                is_complete = isinstance(frame, PositionsSnapshot) and error is None
                self.witness.told((frame.positions or {}).values(), is_complete=is_complete)
                self._tallies.positions(positions, now_ns, is_complete=is_complete)
                self._sink(PositionsReported(positions=positions, is_complete=is_complete))
                if error is not None:
                    raise error
            case UserStatsUpdate() | UserStatsSnapshot():
                self._report_money(frame)
            case AssetsUpdate() | AssetsSnapshot():
                self._report_assets(frame)
            case _:
                pass
        return None

    def on_lost(self, reason: str) -> None:
        """The link is down: what follows may have a gap before it."""
        del reason
        self.witness.forget()
        self._tallies.forget()
        self._figures.forget()
        if self._is_connected:  # a failed attempt to connect again opens no further gap
            self._is_connected = False
            self.gap += 1

    def distrust(self, reason: str) -> None:
        """REST proves that the stream keeps silent: it gets a new connection."""
        self._session.distrusted = reason

    def missed(self, now_ns: int) -> str:
        """What shows that fills were missed, as a sentence, once, and it opens a gap; nothing when all is well."""
        sentence = self._tallies.missed(now_ns)
        if sentence:
            self.gap += 1
        return sentence

    def compare(self, account: Account, row: AccountRow, now_ns: int) -> tuple[str, ...]:
        """What the stream told otherwise than REST shows, as sentences; it is asked to tell that anew."""
        said: list[str] = []
        for agreement, channel, sentence in self._figures.compare(account, row, now_ns):
            if self._session.refresh(f"{channel}:{self._account}", now_ns, Grade.CHORE):
                agreement.asked()
                said.append(f"{sentence}: asking for it anew")
        return tuple(said)

    def recovered(self, trades: Iterable[WireTrade], gap: int) -> None:
        """Report trades that REST listed after `gap` was counted, oldest first.

        Raises:
            ProtocolViolation: one of them cannot be read: the others were reported, the gap is not closed.
        """
        news = [trade for trade in trades if trade.trade_id > self._first_news]
        self.is_recovering = True
        try:
            self._report(sorted(news, key=lambda trade: trade.trade_id), 0)
        finally:
            self.is_recovering = False
        self.closed_gap = gap
        self._advance()

    def fills_of(self, trades: Iterable[WireTrade]) -> tuple[Fill, ...]:
        """Our side of each trade, as they come."""
        return tuple(fill for trade in trades for fill in fills(trade, self._account))

    def _report_news(self, trades: Iterable[WireTrade], now_ns: int) -> None:
        try:
            self._report(trades, now_ns)
        except ProtocolViolation:
            self.gap += 1
            raise
        self._advance()

    def _report(self, trades: Iterable[WireTrade], now_ns: int) -> None:
        """Report what can be read, then raise for what cannot."""
        read, error = _readable(trades, lambda trade: (trade.trade_id, fills(trade, self._account)))
        for trade_id, ours in read:
            for fill in ours:
                self._tallies.filled(fill, now_ns)
                self._sink(FillReported(fill=fill))
            self._newest = max(self._newest, trade_id)
        if error is not None:
            raise error

    def _advance(self) -> None:
        if self.closed_gap == self.gap:
            self.whole_until = TradeId(self._newest)

    def _report_orders(self, orders: Mapping[str, list[WireOrder]] | None, listed_ns: int | None) -> None:
        """Report orders, as the complete list asked for at `listed_ns` if it is one and all of it can be read."""
        rows = [order for market_orders in (orders or {}).values() for order in market_orders or ()]
        self._tell_strange(rows)
        self._figures.on_orders(rows, is_complete=listed_ns is not None)
        read, error = _readable(rows, order_report)
        reports = tuple(sorted(read, key=lambda report: report.time_us))
        if listed_ns is not None and error is None:
            self._sink(OpenOrdersListed(orders=reports, asked_ns=listed_ns))
        elif reports:
            self._sink(OrdersReported(orders=reports))
        if error is not None:
            raise error

    def _report_money(self, frame: UserStatsUpdate | UserStatsSnapshot) -> None:
        account = account_of_stats(frame.stats, self._account, self.cancel_all_us)
        if self._is_news(frame.channel, frame.timestamp, is_complete=isinstance(frame, UserStatsSnapshot)):
            self._figures.on_money(account)
            self._sink(AccountReported(account=account))

    def _report_assets(self, frame: AssetsUpdate | AssetsSnapshot) -> None:
        """Report all assets, once they were listed; an update tells of some."""
        is_complete = isinstance(frame, AssetsSnapshot)
        told = {one.asset_id: asset(one) for one in (frame.assets or {}).values()}
        if not is_complete and self._assets is None:
            return
        if self._is_news(frame.channel, frame.timestamp, is_complete=is_complete):
            self._assets = told if is_complete else {**(self._assets or {}), **told}
            assets = tuple(self._assets.values())
            self._figures.on_assets(assets)
            self._sink(AssetsReported(assets=assets))

    def _is_news(self, channel: str, stamp_ms: int | None, *, is_complete: bool) -> bool:
        """Whether a frame is not older than another of its channel; a new list begins anew."""
        if is_complete:
            self._newest_ms.pop(channel, None)
        if stamp_ms is None:
            return True
        newest_ms = self._newest_ms.get(channel, 0)
        self._newest_ms[channel] = max(newest_ms, stamp_ms)
        return stamp_ms >= newest_ms

    def _tell_strange(self, orders: Iterable[WireOrder]) -> None:
        for order in orders:
            status, reason = order_status(order.status, has_fill=False)
            if status.is_open and reason and reason not in self._told:
                self._told.add(reason)
                text = f"unknown order status {reason!r} of order {order.order_index}: taken for open"
                self._sink(Noticed(level=NoticeLevel.WARN, source=_STREAM, text=text))


def _readable(
    rows: Iterable[_Row], read: Callable[[_Row], _Told]
) -> tuple[tuple[_Told, ...], ProtocolViolation | None]:
    """What the rows say, and the first error among those that say nothing."""
    told: list[_Told] = []
    first: ProtocolViolation | None = None
    for row in rows:
        try:
            told.append(read(row))
        except ProtocolViolation as error:
            first = first or error
    return tuple(told), first


def _flat(trades: Mapping[str, list[WireTrade]] | None) -> list[WireTrade]:
    return sorted((t for market in (trades or {}).values() for t in market or ()), key=lambda trade: trade.trade_id)
