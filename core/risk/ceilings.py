"""How large, how many, how much: the ceilings of an order, one small function each, and each at its worst case. Pure.

A ceiling answers None to let an order pass, or `Denied` with the numbers that decided.
"""

from decimal import Decimal

from core.decisions import Denied, DenyReason
from core.risk.case import Case, plain, rests, symbol_of, usdc
from core.units import ZERO


def order_size(case: Case) -> Denied | None:
    """The largest single order of this market, in base units."""
    limit = case.bounds.max_order_size
    if limit is None or case.size <= limit:
        return None
    text = f"size {plain(case.size)} {case.market.symbol} is above max_order_size {plain(limit)}"
    return Denied(DenyReason.MAX_ORDER_SIZE, text)


def order_notional(case: Case) -> Denied | None:
    """The largest single order in USDC, at mark or limit price, whichever is worse."""
    limit = case.bounds.max_order_notional
    if case.worth <= limit:
        return None
    price = max(case.mark, case.price)
    text = f"{plain(case.size)} at {plain(price)} is {usdc(case.worth)}, above max_order_notional {usdc(limit)}"
    return Denied(DenyReason.MAX_ORDER_NOTIONAL, text)


def position_size(case: Case) -> Denied | None:
    """The largest position of this market, in base units, if everything on this side fills."""
    limit = case.bounds.max_position_size
    if limit is None or case.reach <= limit:
        return None
    reach = f"{plain(case.reach)} {case.market.symbol}"
    text = f"the {_side(case)} could reach {reach}, above max_position_size {plain(limit)}"
    return Denied(DenyReason.MAX_POSITION, text)


def position_notional(case: Case) -> Denied | None:
    """The largest position of one market in USDC on the mark, if everything on this side fills."""
    limit = case.bounds.max_position_notional
    if case.reach * case.mark <= limit:
        return None
    who = f"the {case.market.symbol} {_side(case)}"
    text = f"{who} could reach {usdc(case.reach * case.mark)}, above max_position_notional {usdc(limit)}"
    return Denied(DenyReason.MAX_POSITION, text)


def gross_notional(case: Case) -> Denied | None:
    """All markets together in USDC on their marks, each at its worst; an order that adds nothing to it passes."""
    totals = case.view.totals or case.view.whole()
    limit = case.bounds.max_gross_notional
    if totals.gross + case.worth <= limit and not totals.unpriced:
        return None  # it adds no more than it is worth
    added = _added(case)
    if not added:
        return None
    if totals.unpriced:
        symbols = ", ".join(symbol_of(case.view, market_id) for market_id in sorted(totals.unpriced))
        return Denied(DenyReason.NO_MARK, f"gross exposure cannot be known: {symbols} has no mark price")
    gross = totals.gross + added
    if gross <= limit:
        return None
    text = f"all markets together could reach {usdc(gross)}, above max_gross_notional {usdc(limit)}"
    return Denied(DenyReason.MAX_GROSS, text)


def capital(case: Case) -> Denied | None:
    """The initial margin of the worst case, against what was set aside for it; what adds nothing passes."""
    limit = case.bounds.max_capital
    if limit is None:
        return None
    added = _added(case)
    margin = (case.view.totals or case.view.whole()).margin + added * case.market.initial_margin
    if not added or margin <= limit:
        return None
    text = f"initial margin could reach {usdc(margin)}, above max_capital {usdc(limit)}"
    return Denied(DenyReason.MARGIN, text)


def margin_headroom(case: Case) -> Denied | None:
    """The same against equity, which must be known."""
    totals, equity = case.view.totals or case.view.whole(), case.view.money.equity
    if equity is not None and totals.margin + case.worth <= equity * case.bounds.margin_factor:
        return None  # margin is never more than what it is held for
    added = _added(case)
    if not added:
        return None
    if equity is None:
        text = "the venue has not told our equity yet: whether margin suffices is unknown"
        return Denied(DenyReason.NO_ACCOUNT, text)
    margin = totals.margin + added * case.market.initial_margin
    if margin <= equity * case.bounds.margin_factor:
        return None
    text = (
        f"initial margin could reach {usdc(margin)} of {usdc(equity)} equity, "
        f"max_margin_usage_percent is {plain(case.limits.max_margin_usage_percent)}"
    )
    return Denied(DenyReason.MARGIN, text)


def open_orders(case: Case) -> Denied | None:
    """How many orders may be live at once, in all and in this market; one that cannot rest takes no place."""
    limit, live = case.bounds.max_open_orders, case.view.open_orders
    own_limit, own_live = case.bounds.own.max_open_orders, case.exposure.open_orders
    if live < limit and (own_limit is None or own_live < own_limit):
        return None
    if not rests(case.intent):
        return None
    if live >= limit:
        return Denied(DenyReason.MAX_OPEN_ORDERS, f"{live} orders may be live, max_open_orders is {limit}")
    text = f"{own_live} orders may be live in {case.market.symbol}, max_open_orders is {own_limit}"
    return Denied(DenyReason.MAX_OPEN_ORDERS, text)


def open_notional(case: Case) -> Denied | None:
    """Unexecuted value: what every order that may be live still wants, this one included; what shrinks passes."""
    totals = case.view.totals or case.view.whole()
    total, limit = totals.open_notional + case.notional, case.bounds.max_open_notional
    if total > limit and case.reach > 0:
        text = f"orders could still trade {usdc(total)}, above max_open_notional {usdc(limit)}"
        return Denied(DenyReason.MAX_OPEN_NOTIONAL, text)
    own_limit = case.bounds.own.max_open_notional
    if own_limit is None or case.reach <= 0 or case.exposure.open_notional + case.notional <= own_limit:
        return None
    own = usdc(case.exposure.open_notional + case.notional)
    text = f"orders of {case.market.symbol} could still trade {own}, above max_open_notional {usdc(own_limit)}"
    return Denied(DenyReason.MAX_OPEN_NOTIONAL, text)


def _added(case: Case) -> Decimal:
    """What this order adds to the worst case of its market, in USDC on the mark; zero or more."""
    before = case.exposure.worst
    return (case.reach - before) * case.mark if case.reach > before else ZERO


def _side(case: Case) -> str:
    return "long side" if case.is_buy else "short side"
