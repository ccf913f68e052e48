"""Accounts, positions and balances as JSON, marked at the moment they are asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from core.connectors.venue import margin
from core.connectors.venue.accounts import (
    FRACTION,
    FundingPayment,
    Liquidated,
    ReadToken,
    VenueAccount,
    VenuePosition,
)
from core.connectors.venue.market import MarketState
from core.connectors.venue.views import Json, fixed, usdc

Markets: TypeAlias = Mapping[int, MarketState]
USDC_ASSET: Final = 3


def position_view(account: VenueAccount, market: MarketState, markets: Markets) -> Json:
    """A position; when flat its sign is 1 and its value a negative zero, as recorded from the venue."""
    spec = market.spec
    position = account.positions.get(spec.market_id) or VenuePosition(imf=spec.default_imf)
    entry = (abs(position.cost) + abs(position.size) // 2) // abs(position.size) if position.size else 0
    count, _, _ = account.open_in(spec.market_id)
    pending = account.pending(spec.market_id)
    view: Json = {
        "market_id": spec.market_id,
        "symbol": spec.symbol,
        "initial_margin_fraction": fixed(2)(position.imf),
        "open_order_count": count,
        "pending_order_count": len(pending),
        "position_tied_order_count": sum(order.reduce_only for order in pending),
        "sign": -1 if position.size < 0 else 1,
        "position": fixed(spec.size_decimals)(abs(position.size)),
        "avg_entry_price": fixed(spec.price_decimals)(entry),
        "position_value": usdc(abs(position.size) * market.mark) if position.size else "-0.000000",
        "unrealized_pnl": usdc(position.unrealised(market.mark)),
        "realized_pnl": usdc(position.realised),
        "liquidation_price": _liquidation_price(account, position, market, markets),
        "margin_mode": int(position.is_isolated),
        "margin_set_flag": 1,
        "allocated_margin": usdc(position.allocated),
    }
    if position.funding_paid:
        view["total_funding_paid_out"] = usdc(position.funding_paid)
    return view


def untouched_position_view(market: MarketState) -> Json:
    """For `account_market`, a position in a market that was never touched: sign 0, nothing where numbers would be."""
    unset = ("avg_entry_price", "position_value", "unrealized_pnl", "realized_pnl", "liquidation_price")
    return {
        "market_id": market.market_id,
        "symbol": market.spec.symbol,
        "initial_margin_fraction": "",
        "open_order_count": 0,
        "pending_order_count": 0,
        "position_tied_order_count": 0,
        "sign": 0,
        "position": fixed(market.spec.size_decimals)(0),
        **dict.fromkeys(unset, ""),
        "margin_mode": 0,
        "margin_set_flag": 0,
        "allocated_margin": "",
    }


def asset_view(account: VenueAccount) -> Json:
    """The only asset a perpetuals account needs."""
    return {
        "symbol": "USDC",
        "asset_id": USDC_ASSET,
        "balance": usdc(0),
        "locked_balance": usdc(0),
        "margin_mode": "enabled",
        "margin_balance": usdc(collateral_of(account)),
        "multiplier": "1.000000000000000000",
    }


def summary_view(account: VenueAccount) -> Json:
    """A row of `GET /api/v1/accountsByL1Address`, which gives no balance and no time."""
    pending = len(account.pending())
    isolated = {market_id for market_id, position in account.positions.items() if position.is_isolated}
    return {
        "code": 0,
        "account_type": int(account.master is not None),
        "index": account.index,
        "l1_address": account.l1_address,
        "cancel_all_time": account.cancel_all_ms,
        "total_order_count": len(account.live) - pending,
        "total_isolated_order_count": sum(
            order.market_id in isolated and not order.is_pending for order in account.live.values()
        ),
        "pending_order_count": pending,
        "available_balance": "",
        "status": 1,
        "collateral": usdc(collateral_of(account)),
        "transaction_time": 0,
        "account_trading_mode": 0,
    }


def account_view(account: VenueAccount, markets: Markets, now_us: int) -> Json:
    """`DetailedAccount` of `GET /api/v1/account`."""
    value = margin.equity(account, markets)
    return {
        **summary_view(account),
        "available_balance": usdc(margin.available(account, markets)),
        "transaction_time": now_us,
        "account_index": account.index,
        "name": "",
        "description": "",
        "can_invite": False,
        "referral_points_percentage": "",
        "can_rfq": False,
        "can_rfq_market_ids": [],
        "agent_enabled": False,
        "created_at": 0,
        "metadata": {"color": ""},
        "positions": [position_view(account, markets[key], markets) for key in position_markets(account)],
        "assets": [asset_view(account)],
        "total_asset_value": usdc(margin.total_value(account, markets)),
        "cross_asset_value": usdc(value),
        "cross_initial_margin_requirement": usdc(margin.position_requirement(account, markets)),
        "cross_maintenance_margin_requirement": usdc(margin.maintenance_requirement(account, markets)),
        "shares": [],
        "pending_unlocks": [],
        "approved_integrators": [],
    }


def collateral_of(account: VenueAccount) -> int:
    """All of it, what isolated positions hold included; with every position's profit it is the account's value."""
    return account.collateral + sum(position.allocated for position in account.positions.values())


def position_markets(account: VenueAccount) -> list[int]:
    """Markets in which an account ever had a position, or has an order."""
    return sorted(account.positions.keys() | {order.market_id for order in account.live.values()})


def user_stats_view(account: VenueAccount, markets: Markets) -> Json:
    """Balance sheet of one account, what is shared and everything; leverage and margin use with two decimals."""
    shared = {key: held for key, held in account.positions.items() if not held.is_isolated}
    alone = {key: held for key, held in account.positions.items() if held.is_isolated}
    required = margin.position_requirement(account, markets)
    free = margin.available(account, markets)
    cross = _stats(account.collateral, margin.equity(account, markets), (_notional(shared, markets), required), free)
    required += sum(abs(held.size) * markets[key].mark * held.imf // FRACTION for key, held in alone.items())
    notional = _notional(account.positions, markets)
    total = _stats(collateral_of(account), margin.total_value(account, markets), (notional, required), free)
    return {"account_trading_mode": 0, **total, "cross_stats": cross, "total_stats": total}


def _notional(held: Mapping[int, VenuePosition], markets: Markets) -> int:
    return sum(abs(position.size) * markets[key].mark for key, position in held.items())


def _stats(collateral: int, value: int, uses: tuple[int, int], free: int) -> Json:
    """`uses`: what the positions are worth, and what they require."""
    notional, required = uses
    return {
        "available_balance": usdc(free),
        "buying_power": "0",
        "collateral": usdc(collateral),
        "leverage": fixed(2)(notional * 100 // value if value > 0 else 0),
        "margin_usage": fixed(2)(required * 10_000 // value if value > 0 else 0),
        "portfolio_value": usdc(value),
    }


def limits_view(account: VenueAccount) -> Json:
    """`GET /api/v1/accountLimits`; fee ticks are 1e-6 of the notional."""
    return {
        "code": 200,
        "max_llp_percentage": 100,
        "max_llp_amount": usdc(0),
        "user_tier": account.tier,
        "can_create_public_pool": False,
        "user_tier_name": account.tier,
        "current_maker_fee_tick": account.maker_fee,
        "current_taker_fee_tick": account.taker_fee,
        "leased_lit": "0.00000000",
        "effective_lit_stakes": "0.00000000",
        "user_tier_last_update": 0,
    }


def funding_view(payment: FundingPayment, market: MarketState) -> Json:
    """A row of `GET /api/v1/positionFunding`; the rate is in percent an hour, the change positive if received."""
    return {
        "timestamp": payment.time_s,
        "market_id": payment.market_id,
        "funding_id": payment.funding_id,
        "change": usdc(payment.change),
        "rate": fixed(4)(payment.rate_ppm),
        "position_size": fixed(market.spec.size_decimals)(abs(payment.size)),
        "position_side": "long" if payment.size > 0 else "short",
        "discount": usdc(0),
    }


def token_view(token: ReadToken, account: VenueAccount) -> Json:
    """A row of `GET /api/v1/tokens`; the token itself is only shown when it is made."""
    return {
        "token_id": token.token_id,
        "name": token.name,
        "account_index": account.index,
        "expiry": token.expiry_s,
        "sub_account_access": token.covers_all,
        "revoked": token.is_revoked,
        "scopes": "{read.*}",
    }


def notice_view(notice: Liquidated, account: VenueAccount, market: MarketState) -> Json:
    """What `notification` says of a liquidation or of a takeover."""
    trade, price = notice.trade, fixed(market.spec.price_decimals)
    created = datetime.fromtimestamp(trade.time_us // 1_000_000, tz=UTC).isoformat().replace("+00:00", "Z")
    content: Json = {
        "id": str(notice.number),
        "usdc_amount": usdc(trade.quote),
        "size": fixed(market.spec.size_decimals)(trade.size),
        "market_index": trade.market_id,
        "timestamp": trade.time_us // 1_000_000,
    }
    if notice.is_takeover:
        content["settlement_price"] = price(trade.price)
    else:
        is_ask = trade.ask.account_index == account.index
        content |= {"is_ask": is_ask, "price": price(trade.price), "avg_price": price(trade.price)}
    return {
        "id": str(notice.number),
        "created_at": created,
        "updated_at": created,
        "kind": "deleverage" if notice.is_takeover else "liquidation",
        "account_index": account.index,
        "content": content,
        "ack": False,
        "acked_at": None,
    }


def _liquidation_price(account: VenueAccount, position: VenuePosition, market: MarketState, markets: Markets) -> str:
    """Where what carries it meets its maintenance margin if only this market moves; "0" when it never does."""
    if position.size == 0:
        return "0"
    own = abs(position.size) * market.spec.maintenance_mf
    if position.is_isolated:
        short = position.size * market.mark - margin.position_value(position, market)
    else:
        others = margin.maintenance_requirement(account, markets) - own * market.mark // FRACTION
        short = position.size * market.mark - margin.equity(account, markets) + others
    slope = position.size * FRACTION - own
    price = short * FRACTION // slope
    return fixed(market.spec.price_decimals)(price) if price > 0 else "0"
