"""What each code of a denial means, in one sentence: for the documentation and whoever asks. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.decisions import DenyReason

REASONS: Final[Mapping[DenyReason, str]] = MappingProxyType({
    DenyReason.HALTED: "Trading is halted; the detail says by what.",
    DenyReason.KILLED: "The kill switch is on, for all or for this part.",
    DenyReason.REDUCING: "Only orders that shrink a position may pass.",
    DenyReason.BREAKER_OPEN: "A circuit breaker of everything, the market or the strategy is tripped.",
    DenyReason.NOT_READY: "Orders and positions were not compared with the venue's yet.",
    DenyReason.NOTHING_TO_REDUCE: "Reduce-only on a side with nothing to reduce: the venue drops it silently.",
    DenyReason.UNKNOWN_MARKET: "The venue does not trade this market, or the profile leaves it out.",
    DenyReason.MARKET_CLOSED: "The venue has the market inactive, or reduce-only.",
    DenyReason.STALE_DATA: "The book is silent, broken, empty, crossed or too old.",
    DenyReason.NO_MARK: "A mark price that the decision needs is not known.",
    DenyReason.OFF_TICK: "The price is not a multiple of the tick.",
    DenyReason.OFF_STEP: "The size is not a multiple of the step.",
    DenyReason.OUT_OF_RANGE: "Price or size does not fit the venue's fields, or is no number.",
    DenyReason.BELOW_MINIMUM: "A resting order below the market's minimum.",
    DenyReason.MAX_ORDER_SIZE: "Above `max_order_size`.",
    DenyReason.MAX_ORDER_NOTIONAL: "Above `max_order_notional`.",
    DenyReason.MAX_POSITION: "The position could grow above `max_position_size` or `max_position_notional`.",
    DenyReason.MAX_GROSS: "All markets together could grow above `max_gross_notional`.",
    DenyReason.MAX_OPEN_ORDERS: "As many orders as `max_open_orders` may be live already.",
    DenyReason.QUEUE_FULL: "Too many tasks wait already.",
    DenyReason.RESTRICTED_MARKET: "By `allowed_markets` or `restricted_markets` positions may only be closed here.",
    DenyReason.CLOCK_SKEW: "This clock is further off the venue's than `max_clock_skew_ms`, or nothing tells.",
    DenyReason.UNREASONABLE_DATA: "Book and mark are further apart than `max_mark_gap_percent`.",
    DenyReason.DUPLICATE: "The same order of the same origin within `duplicate_window_ms`.",
    DenyReason.SELF_TRADE: "It could meet an order of ours.",
    DenyReason.MESSAGE_RATE: "Above `max_messages` less its reserve, or `max_strategy_messages`.",
    DenyReason.EXECUTION_RATE: "The strategy was executed `max_strategy_fills` times within the window.",
    DenyReason.PRICE_COLLAR: "Further from mark or book than `max_mark_deviation_percent` or its like allows.",
    DenyReason.PRICE_WALK: "Further from where the mark was at our orders of the window than `max_walk_percent`.",
    DenyReason.MAX_OPEN_NOTIONAL: "Open orders together would want more than `max_open_notional`.",
    DenyReason.NO_ACCOUNT: "The venue has not told the account's equity yet.",
    DenyReason.MARGIN: "Initial margin could grow above `max_margin_usage_percent` of equity, or `max_capital`.",
    DenyReason.DAILY_LOSS: "The day's loss reached `max_daily_loss`: only shrinking orders pass.",
    DenyReason.DRAWDOWN: "Equity is `max_drawdown` below its highest: only shrinking orders pass.",
})  # fmt: skip
