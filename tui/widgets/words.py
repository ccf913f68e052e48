"""How the domain's states read on a narrow screen: one glyph, one word and one tone each, in one place."""

from typing import Final

from core.decisions import TradingState
from core.events import LinkStatus, NoticeLevel
from core.model import Liquidity, OrderIntent, OrderMapSide, OrderStatus, OrderType, Side, TimeInForce
from tui.widgets.lines import Span, Tone

ORDER_STATUS: Final = {
    OrderStatus.QUEUED: Span("· queued", Tone.DIM),
    OrderStatus.DENIED: Span("⊘ denied", Tone.ARMED),
    OrderStatus.SUBMITTING: Span("↑ sending", Tone.CALM),
    OrderStatus.UNKNOWN: Span("? unknown", Tone.HALTED),
    OrderStatus.ACCEPTED: Span("● accepted", Tone.PLAIN),
    OrderStatus.PARTIALLY_FILLED: Span("◐ partial", Tone.CALM),
    OrderStatus.PENDING_CANCEL: Span("✕ canceling", Tone.ARMED),
    OrderStatus.FILLED: Span("✓ filled", Tone.GAIN),
    OrderStatus.CANCELED: Span("✕ canceled", Tone.DIM),
    OrderStatus.REJECTED: Span("⊘ rejected", Tone.HALTED),
    OrderStatus.EXPIRED: Span("✕ expired", Tone.DIM),
}
SIDE: Final = {Side.BUY: Span("buy", Tone.BID), Side.SELL: Span("sell", Tone.ASK)}
LIQUIDITY: Final = {Liquidity.MAKER: Span("maker", Tone.DIM), Liquidity.TAKER: Span("taker", Tone.ARMED)}
KNOWN_TO: Final = {
    OrderMapSide.BOTH: Span("= both", Tone.DIM),
    OrderMapSide.OURS: Span("◁ ours only", Tone.ARMED),
    OrderMapSide.VENUE: Span("▷ venue only", Tone.ARMED),
}
LINK: Final = {
    LinkStatus.CONNECTING: Span("◌ connecting", Tone.STALE),
    LinkStatus.LIVE: Span("● live", Tone.GAIN),
    LinkStatus.DEGRADED: Span("◐ degraded", Tone.ARMED),
    LinkStatus.DOWN: Span("■ DOWN", Tone.HALTED),
}
TRADING: Final = {
    TradingState.ACTIVE: Span("● ACTIVE", Tone.GAIN),
    TradingState.REDUCING: Span("◐ REDUCING", Tone.ARMED),
    TradingState.HALTED: Span("■ HALTED", Tone.HALTED),
}
LEVEL: Final = {
    NoticeLevel.INFO: Span("  info", Tone.DIM),
    NoticeLevel.WARN: Span("▲ warn", Tone.ARMED),
    NoticeLevel.ALERT: Span("■ alert", Tone.HALTED),
}
_TIF: Final = {TimeInForce.GTT: "", TimeInForce.IOC: " IOC", TimeInForce.POST_ONLY: " post"}


def order_type(intent: OrderIntent) -> str:
    """`limit`, `limit post`, `limit IOC`, `market`; with `R` when it may only reduce."""
    tif = "" if intent.type is OrderType.MARKET else _TIF[intent.tif]
    return f"{intent.type.value}{tif}{' R' if intent.reduce_only else ''}"
