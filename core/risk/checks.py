"""The checks of an order's shape, data, conduct and size, one small function each, in the order of the table below.

A check answers None to let an order pass, or `Denied` with the numbers that decided. What cannot be known is denied.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from core.clock import MILLISECOND_NS
from core.decisions import Denied, DenyReason, TradingState
from core.limits import RiskLimits
from core.model import BookStatus
from core.risk.case import Bounds, Case, because, held, plain, rests
from core.risk.ceilings import (
    capital,
    gross_notional,
    margin_headroom,
    open_notional,
    open_orders,
    order_notional,
    order_size,
    position_notional,
    position_size,
)
from core.scope import strategy_of

Check = Callable[[Case], Denied | None]

_HUNDRED: Final = Decimal(100)
_LIVE: Final = BookStatus.LIVE


def price_in_range(case: Case) -> Denied | None:
    """One tick to 2**32 - 1 ticks: what the venue's price field holds."""
    price, bounds = case.price, case.bounds
    if price.is_finite() and bounds.lowest_price <= price <= bounds.highest_price:
        return None
    return _out_of_range(case, "price", price, bounds.lowest_price, bounds.highest_price)


def size_in_range(case: Case) -> Denied | None:
    """One step to 2**48 - 1 steps: what the venue's size field holds."""
    size, bounds = case.size, case.bounds
    if size.is_finite() and bounds.lowest_size <= size <= bounds.highest_size:
        case.notional = size * case.price
        return None
    return _out_of_range(case, "size", size, bounds.lowest_size, bounds.highest_size)


def price_on_tick(case: Case) -> Denied | None:
    """A price is a whole number of ticks; rounding it is never ours to do."""
    if not case.price % case.bounds.tick:  # exact: within the range a quotient has ten digits at most
        return None
    text = f"price {plain(case.price)} is not a multiple of {case.market.symbol}'s tick {case.market.tick}"
    return Denied(DenyReason.OFF_TICK, text)


def size_on_step(case: Case) -> Denied | None:
    """A size is a whole number of steps."""
    if not case.size % case.bounds.step:
        return None
    text = f"size {plain(case.size)} is not a multiple of {case.market.symbol}'s step {case.market.step}"
    return Denied(DenyReason.OFF_STEP, text)


def above_minimum(case: Case) -> Denied | None:
    """The larger of both minimums holds, for resting orders alone (apidocs, orderBookDetails); closing is exempt."""
    market = case.bounds.market
    if case.size >= market.min_size and case.notional >= market.min_notional:
        return None
    if case.intent.reduce_only or not rests(case.intent):
        return None
    if case.size < market.min_size:
        text = f"size {plain(case.size)} is below {market.symbol}'s minimum of {plain(market.min_size)}"
        return Denied(DenyReason.BELOW_MINIMUM, text)
    minimum = plain(market.min_notional)
    text = f"{plain(case.notional)} USDC is below {market.symbol}'s minimum of {minimum} USDC"
    return Denied(DenyReason.BELOW_MINIMUM, text)


def market_is_allowed(case: Case) -> Denied | None:
    """In a market that is not on the list, or on the list of restricted ones, positions may only be closed."""
    if not case.bounds.is_restricted:
        return None
    who = f"{case.market.symbol} is not among the markets allowed (risk.allowed_markets, risk.restricted_markets)"
    return held(case.intent, case.view, TradingState.REDUCING, DenyReason.RESTRICTED_MARKET, who)


def book_is_live(case: Case) -> Denied | None:
    """No order on a book that is silent, broken, crossed or empty."""
    quote = case.quote
    if quote is None:
        return Denied(DenyReason.STALE_DATA, f"{case.market.symbol} has no book yet")
    bid, ask, symbol = quote.bid, quote.ask, case.bounds.market.symbol
    if quote.status is not _LIVE:
        return Denied(DenyReason.STALE_DATA, f"{symbol}'s book is {quote.status.value}{because(quote.reason)}")
    if bid is None or ask is None:
        is_empty = bid is None and ask is None
        return Denied(DenyReason.STALE_DATA, f"{symbol}'s book is empty on both sides") if is_empty else None
    if bid < ask:
        return None
    text = f"{symbol}'s book is crossed: bid {plain(bid)}, ask {plain(ask)}"
    return Denied(DenyReason.STALE_DATA, text)


def book_is_fresh(case: Case) -> Denied | None:
    """Where a limit says so, no order on a book whose newest frame is older."""
    limit_ms, quote = case.limits.max_book_age_ms, case.quote
    if limit_ms is None or quote is None or not quote.received_ns:
        return None
    age_ns = case.view.now_ns - quote.received_ns
    if age_ns <= limit_ms * MILLISECOND_NS:
        return None
    text = f"{case.market.symbol}'s book is {age_ns // MILLISECOND_NS:,} ms old, max_book_age_ms is {limit_ms:,}"
    return Denied(DenyReason.STALE_DATA, text)


def mark_is_known(case: Case) -> Denied | None:
    """Without a mark price nobody knows what the order is worth."""
    quote = case.quote
    mark = None if quote is None else quote.mark
    if mark is None or mark <= 0:
        text = f"{case.market.symbol} has no mark price: what the order is worth is unknown"
        return Denied(DenyReason.NO_MARK, text)
    size, price, exposure = case.size, case.price, case.exposure
    case.mark = mark
    case.worth = case.notional if price > mark else size * mark
    if case.is_buy:
        case.reach = exposure.position + exposure.open_buys + size
    else:
        case.reach = exposure.open_sells - exposure.position + size
    return None


def mark_is_reasonable(case: Case) -> Denied | None:
    """Book and mark must be about the same market: far apart, one of them is wrong."""
    quote, mark = case.quote, case.mark
    if quote is None or quote.bid is None or quote.ask is None:
        return None
    bounds = case.bounds
    if quote.bid >= mark * bounds.min_gap_factor and quote.ask <= mark * bounds.max_gap_factor:
        return None  # both within: their middle is
    twice = quote.bid + quote.ask
    gap = abs(twice - mark - mark) * 50
    if gap <= case.limits.max_mark_gap_percent * mark:
        return None
    text = (
        f"{case.market.symbol}'s book is around {plain(twice / 2)} and its mark {plain(mark)}: {gap / mark:.1f} % "
        f"apart, max_mark_gap_percent is {plain(case.limits.max_mark_gap_percent)}"
    )
    return Denied(DenyReason.UNREASONABLE_DATA, text)


def is_no_duplicate(case: Case) -> Denied | None:
    """The same order of the same origin just now: a key that repeats, a loop that does. Reducing twice is harmless."""
    recent = case.view.conduct.recent.get(case.intent.market_id)
    if not recent or case.intent.reduce_only:
        return None
    window_ms = case.limits.duplicate_window_ms
    for intent, origin, at_ns in recent:
        age_ns = case.view.now_ns - at_ns
        if intent == case.intent and origin == case.origin and age_ns < window_ms * MILLISECOND_NS:
            text = (
                f"the same order of {case.origin} was let go {age_ns // MILLISECOND_NS} ms ago, "
                f"duplicate_window_ms is {window_ms}"
            )
            return Denied(DenyReason.DUPLICATE, text)
    return None


def message_rate(case: Case) -> Denied | None:
    """How much we may send: the last part is for cancels, which are never denied, and for what shrinks a position."""
    sent, bounds = case.view.conduct.messages, case.bounds
    if sent < bounds.max_growing_messages or (sent < bounds.max_messages and case.reach <= 0):
        return None
    limits = case.limits
    text = (
        f"{sent} messages in {limits.message_window_s} s, max_messages is {limits.max_messages} "
        f"of which {limits.message_reserve} are kept for cancels and reducing orders"
    )
    return Denied(DenyReason.MESSAGE_RATE, text)


def strategy_rates(case: Case) -> Denied | None:
    """The same for one strategy, and how often it may be executed before a human looks at it."""
    if not (name := strategy_of(case.origin)):
        return None
    limits, conduct = case.limits, case.view.conduct
    sent = conduct.by_strategy.get(name, 0)
    if sent >= limits.max_strategy_messages:
        text = (
            f"{sent} messages of strategy {name} in {limits.message_window_s} s, "
            f"max_strategy_messages is {limits.max_strategy_messages}"
        )
        return Denied(DenyReason.MESSAGE_RATE, text)
    fills = conduct.fills.get(name, 0)
    if limits.max_strategy_fills is None or fills < limits.max_strategy_fills:
        return None
    text = (
        f"strategy {name} was executed {fills} times in {limits.strategy_fills_window_s} s, "
        f"max_strategy_fills is {limits.max_strategy_fills}"
    )
    return Denied(DenyReason.EXECUTION_RATE, text)


def no_self_trade(case: Case) -> Denied | None:
    """It must not be able to meet an order of ours that rests, may rest, or is on its way."""
    other = case.exposure.own_ask if case.is_buy else case.exposure.own_bid
    if other is None or not case.bounds.is_self_trade_denied:
        return None
    if (case.price < other) if case.is_buy else (case.price > other):
        return None
    mine, theirs = ("buy", "sell") if case.is_buy else ("sell", "buy")
    text = (
        f"a {mine} at {plain(case.price)} could meet our own {theirs} at {plain(other)}: cancel that first, "
        f"or leave it to the venue (risk.self_trade)"
    )
    return Denied(DenyReason.SELF_TRADE, text)


def within_mark_collar(case: Case) -> Denied | None:
    """A buy too far above the mark, or a sell too far below it, is a slip of the finger."""
    bounds, mark = case.bounds, case.mark
    if case.is_buy:
        if case.price <= mark * bounds.max_mark_factor:
            return None
    elif case.price >= mark * bounds.min_mark_factor:
        return None
    return _collared(case, "the mark", mark, bounds.max_mark_factor, "max_mark_deviation_percent")


def within_touch_collar(case: Case) -> Denied | None:
    """The same from the price at which the other side of the book begins."""
    quote = case.quote
    if quote is None:
        return None
    touch = quote.ask if case.is_buy else quote.bid
    if touch is None:
        return None
    bounds = case.bounds
    if case.is_buy:
        if case.price <= touch * bounds.max_touch_factor:
            return None
    elif case.price >= touch * bounds.min_touch_factor:
        return None
    which = "the best ask" if case.is_buy else "the best bid"
    return _collared(case, which, touch, bounds.max_touch_factor, "max_touch_deviation_percent")


def within_resting_collar(case: Case) -> Denied | None:
    """Where a limit says so, nothing rests far away on the patient side: a digit too few, or a price long forgotten."""
    factor, mark = case.bounds.max_resting_factor, case.mark
    if factor is None or not rests(case.intent):
        return None
    if case.price >= mark * (2 - factor) if case.is_buy else case.price <= mark * factor:
        return None
    return _collared(case, "the mark", mark, factor, "max_resting_percent")


def is_not_walking(case: Case) -> Denied | None:
    """Orders of ours that push the price and follow it: the collar also holds from where the mark was before them."""
    marks = case.view.conduct.marks.get(case.intent.market_id)
    if marks is None:
        return None
    anchor = marks[0] if case.is_buy else marks[1]
    bounds, limits = case.bounds, case.limits
    if case.is_buy:
        if case.price <= anchor * bounds.max_walk_factor:
            return None
    elif case.price >= anchor * bounds.min_walk_factor:
        return None
    text = (
        f"price {plain(case.price)} is {_percent_off(case.price, anchor)} % from {plain(anchor)}, where the mark was "
        f"at our orders of the last {limits.walk_window_s} s; max_walk_percent is {plain(limits.max_walk_percent)}"
    )
    return Denied(DenyReason.PRICE_WALK, text)


def _collared(case: Case, what: str, reference: Decimal, factor: Decimal, name: str) -> Denied:
    side = "buy" if case.is_buy else "sell"
    text = (
        f"a {side} at {plain(case.price)} is {_percent_off(case.price, reference)} % from {what} {plain(reference)}, "
        f"{name} is {plain((factor - 1) * _HUNDRED)}"
    )
    return Denied(DenyReason.PRICE_COLLAR, text)


def _percent_off(price: Decimal, reference: Decimal) -> str:
    return f"{abs(price - reference) / reference * _HUNDRED:.1f}"


def _out_of_range(case: Case, what: str, value: Decimal, low: Decimal, high: Decimal) -> Denied:
    text = f"{what} {value} is outside of what {case.market.symbol} takes: {plain(low)} to {plain(high)}"
    return Denied(DenyReason.OUT_OF_RANGE, text)


GATE: Final[tuple[Check, ...]] = (
    price_in_range,
    size_in_range,
    price_on_tick,
    size_on_step,
    above_minimum,
    market_is_allowed,
    book_is_live,
    book_is_fresh,
    mark_is_known,
    mark_is_reasonable,
    is_no_duplicate,
    message_rate,
    strategy_rates,
    no_self_trade,
    order_size,
    order_notional,
    position_size,
    position_notional,
    gross_notional,
    capital,
    margin_headroom,
    open_orders,
    open_notional,
    within_mark_collar,
    within_touch_collar,
    within_resting_collar,
    is_not_walking,
)
"""From `size_in_range` on `case.notional` is known, from `mark_is_known` on `mark`, `reach` and `worth`."""


def gate_of(bounds: Bounds, limits: RiskLimits) -> tuple[Check, ...]:
    """The table without the checks of limits that are not set for this market: they could not object."""
    idle: dict[Check, bool] = {
        market_is_allowed: not bounds.is_restricted,
        book_is_fresh: limits.max_book_age_ms is None,
        order_size: bounds.max_order_size is None,
        position_size: bounds.max_position_size is None,
        capital: bounds.max_capital is None,
        within_resting_collar: bounds.max_resting_factor is None,
        no_self_trade: not bounds.is_self_trade_denied,
    }
    return tuple(check for check in GATE if not idle.get(check, False))
