"""Every WebSocket frame the venue sends, as typed values; one that nobody knows is a value too, never swallowed.

Shapes: apidocs.lighter.xyz/docs/websocket-reference. The objects inside are in `objects`, REST bodies in `bodies`, the
way to domain values in `convert`.
"""

from typing import Final, cast

import msgspec

from core.connectors.lighter.objects import (
    Raw,
    WireAsset,
    WireBook,
    WireCandle,
    WireOrder,
    WirePosition,
    WireStats,
    WireTicker,
    WireTrade,
    WireUserStats,
)

_EXCERPT: Final = 200


class _Tagged(msgspec.Struct, tag_field="type", gc=False):
    pass


class _OnChannel(_Tagged, gc=False):
    channel: str


class Connected(_Tagged, tag="connected", gc=False):
    """The venue's greeting."""

    session_id: str = ""


class Ping(_Tagged, tag="ping", gc=False):
    """The venue asks whether we live; unanswered, it closes."""


class Pong(_Tagged, tag="pong", gc=False):
    """The answer to our ping."""


class Shutdown(_Tagged, tag="shutdown", gc=False):
    """The venue is about to close this connection."""

    close_in_ms: int | None = None


class Unsubscribed(_OnChannel, tag="unsubscribed", gc=False):
    """A channel ended as asked."""


class BookSnapshot(_OnChannel, tag="subscribed/order_book", gc=False):
    """A whole book."""

    order_book: WireBook
    timestamp: int | None = None


class BookUpdate(_OnChannel, tag="update/order_book", gc=False):
    """Changed levels of a book."""

    order_book: WireBook


class StatsSnapshot(_OnChannel, tag="subscribed/market_stats", gc=False):
    """Figures of one market, or (channel `market_stats:all`) a map of them."""

    market_stats: Raw
    timestamp: int | None = None


class StatsUpdate(_OnChannel, tag="update/market_stats", gc=False):
    """Figures that changed."""

    market_stats: Raw
    timestamp: int | None = None


class OrdersSnapshot(_OnChannel, tag="subscribed/account_all_orders", gc=False):
    """All open orders of the account, by market."""

    orders: dict[str, list[WireOrder]] | None = None


class OrdersUpdate(_OnChannel, tag="update/account_all_orders", gc=False):
    """Orders touched by one transaction, by market."""

    orders: dict[str, list[WireOrder]] | None = None


class TradesSnapshot(_OnChannel, tag="subscribed/account_all_trades", gc=False):
    """The start of the account's trades; not relied on to replay any."""

    trades: dict[str, list[WireTrade]] | None = None


class TradesUpdate(_OnChannel, tag="update/account_all_trades", gc=False):
    """New executions of the account, by market."""

    trades: dict[str, list[WireTrade]] | None = None


class PositionsSnapshot(_OnChannel, tag="subscribed/account_all_positions", gc=False):
    """All positions, by market: a missing one is flat."""

    positions: dict[str, WirePosition] | None = None
    transaction_time: int | None = None


class PositionsUpdate(_OnChannel, tag="update/account_all_positions", gc=False):
    """Positions touched by one transaction. A missing market says nothing."""

    positions: dict[str, WirePosition] | None = None
    transaction_time: int | None = None


class UserStatsSnapshot(_OnChannel, tag="subscribed/user_stats", gc=False):
    """The account's money."""

    stats: WireUserStats
    timestamp: int | None = None


class UserStatsUpdate(_OnChannel, tag="update/user_stats", gc=False):
    """The account's money, changed."""

    stats: WireUserStats
    timestamp: int | None = None


class TickerSnapshot(_OnChannel, tag="subscribed/ticker", gc=False):
    """Best prices of one market."""

    ticker: WireTicker


class TickerUpdate(_OnChannel, tag="update/ticker", gc=False):
    """Best prices, changed."""

    ticker: WireTicker


class PrintsSnapshot(_OnChannel, tag="subscribed/trade", gc=False):
    """The last public prints of one market; the two lists are disjoint."""

    trades: list[WireTrade] | None = None
    liquidation_trades: list[WireTrade] | None = None


class PrintsUpdate(_OnChannel, tag="update/trade", gc=False):
    """New public prints."""

    trades: list[WireTrade] | None = None
    liquidation_trades: list[WireTrade] | None = None


class CandleSnapshot(_OnChannel, tag="subscribed/candle", gc=False):
    """The running candle."""

    candles: list[WireCandle] | None = None


class CandleUpdate(_OnChannel, tag="update/candle", gc=False):
    """The running candle, changed; on a rollover the closed one comes first."""

    candles: list[WireCandle] | None = None


class AssetsSnapshot(_OnChannel, tag="subscribed/account_all_assets", gc=False):
    """Balances, by asset."""

    assets: dict[str, WireAsset] | None = None
    timestamp: int | None = None


class AssetsUpdate(_OnChannel, tag="update/account_all_assets", gc=False):
    """Balances that changed."""

    assets: dict[str, WireAsset] | None = None
    timestamp: int | None = None


class MarketOrdersSnapshot(_OnChannel, tag="subscribed/account_orders", gc=False):
    """Open orders of one market; the channel's label lacks the account."""

    orders: dict[str, list[WireOrder]] | None = None


class MarketOrdersUpdate(_OnChannel, tag="update/account_orders", gc=False):
    """Orders of one market that one transaction touched."""

    orders: dict[str, list[WireOrder]] | None = None


class HeightSnapshot(_OnChannel, tag="subscribed/height", gc=False):
    """The chain's height."""

    height: int


class HeightUpdate(_OnChannel, tag="update/height", gc=False):
    """The chain's height."""

    height: int


class TxReply(_Tagged, tag="jsonapi/sendtx", gc=False):
    """The answer to a transaction sent here; `id` is the one it was sent with."""

    code: int = 0
    message: str = ""
    id: str | int = ""
    volume_quota_remaining: int | None = None


class TxBatchReply(_Tagged, tag="jsonapi/sendtxbatch", gc=False):
    """The one answer to several transactions sent together."""

    code: int = 0
    message: str = ""
    id: str | int = ""
    volume_quota_remaining: int | None = None


class OtherFrame(msgspec.Struct, gc=False):
    """A frame of a documented channel that this connector never subscribes to: known, and of no use here."""

    type: str
    channel: str


class ErrorFrame(msgspec.Struct, gc=False):
    """The venue refused one of our messages; it says which only of transactions."""

    code: int
    message: str
    id: str | int = ""


class BrokenFrame(msgspec.Struct, gc=False):
    """A frame of a known type whose body is not what the protocol says."""

    type: str
    channel: str
    why: str


class UnknownFrame(msgspec.Struct, gc=False):
    """A frame nobody knows."""

    type: str
    """Its `type`, or empty when it has none."""
    text: str
    """At most 200 characters of it."""


TypedFrame = (
    Connected | Ping | Pong | Shutdown | Unsubscribed | BookSnapshot | BookUpdate | StatsSnapshot | StatsUpdate
    | OrdersSnapshot | OrdersUpdate | TradesSnapshot | TradesUpdate | PositionsSnapshot | PositionsUpdate
    | UserStatsSnapshot | UserStatsUpdate | TickerSnapshot | TickerUpdate | PrintsSnapshot | PrintsUpdate
    | CandleSnapshot | CandleUpdate | AssetsSnapshot | AssetsUpdate | MarketOrdersSnapshot | MarketOrdersUpdate
    | HeightSnapshot | HeightUpdate | TxReply | TxBatchReply
)  # fmt: skip
Frame = TypedFrame | OtherFrame | ErrorFrame | BrokenFrame | UnknownFrame

STAMPED: Final = (BookSnapshot, StatsSnapshot, StatsUpdate, UserStatsSnapshot, UserStatsUpdate)
"""Frames whose `timestamp`, in milliseconds, is read: often enough to compare clocks, and none of the busiest."""
_OTHERS: Final = frozenset(
    {
        "spot_market_stats", "mark_price_candle", "account_all", "account_market", "account_tx", "notification",
        "pool_data", "pool_info", "account_spot_avg_entry_prices", "rfq",
    }
)  # fmt: skip


class _WireError(msgspec.Struct, gc=False):
    code: int = 0
    message: str = ""


class _Envelope(msgspec.Struct, gc=False):
    type: str | None = None
    channel: str | None = None
    error: _WireError | None = None
    id: str | int = ""


_frames: Final = msgspec.json.Decoder(cast("type[TypedFrame]", TypedFrame), strict=False)
_updates: Final = msgspec.json.Decoder(BookUpdate, strict=False)
_UPDATE_END: Final = b'"type":"update/order_book"}'
"""How nearly every frame ends; knowing the type beforehand halves the decoding."""
_envelopes: Final = msgspec.json.Decoder(_Envelope, strict=False)
_stats: Final = msgspec.json.Decoder(WireStats, strict=False)
_stats_map: Final = msgspec.json.Decoder(dict[str, WireStats] | None, strict=False)


def decode_frame(data: bytes) -> Frame:
    """One frame as a typed value. Total: whatever the bytes, a value comes back."""
    try:
        if data.endswith(_UPDATE_END):
            return _updates.decode(data)
        return _frames.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _not_typed(data, str(error))


def decode_stats(frame: StatsSnapshot | StatsUpdate) -> tuple[WireStats, ...] | BrokenFrame:
    """The figures in a frame of one market or of all."""
    try:
        if frame.channel.endswith("all"):
            return tuple((_stats_map.decode(frame.market_stats) or {}).values())
        return (_stats.decode(frame.market_stats),)
    except msgspec.DecodeError as error:
        return BrokenFrame(type="market_stats", channel=frame.channel, why=str(error))


def _not_typed(data: bytes, why: str) -> ErrorFrame | OtherFrame | BrokenFrame | UnknownFrame:
    text = data.decode("utf-8", "replace")
    excerpt = text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
    try:
        envelope = _envelopes.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return UnknownFrame(type="", text=excerpt)
    if envelope.error is not None:
        return ErrorFrame(code=envelope.error.code, message=envelope.error.message, id=envelope.id)
    kind, channel = envelope.type or "", envelope.channel or ""
    verb, _, name = kind.partition("/")
    if verb in {"subscribed", "update"} and name in _OTHERS:
        return OtherFrame(type=kind, channel=channel)
    if kind and why.endswith("at `$.type`"):
        return UnknownFrame(type=kind, text=excerpt)
    return BrokenFrame(type=kind, channel=channel, why=why) if kind else UnknownFrame(type="", text=excerpt)
