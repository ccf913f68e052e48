"""Markets and their statistics as JSON: prices as strings, the day's figures as numbers."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from core.connectors.venue.accounts import INSURANCE_FUND
from core.connectors.venue.candles import Candle
from core.connectors.venue.catalogue import QUOTE_DECIMALS, MarketSpec
from core.connectors.venue.market import FundingRound, MarketState
from core.connectors.venue.views import Json, fixed, usdc

_NO_LIMIT: Final = "72057594037927936.000000"
_RATED_HOURS: Final = 8
_DAY_S: Final = 86_400


def market_stats_view(market: MarketState) -> Json:
    """`market_stats` of one market: prices as strings, the day as numbers, funding in percent an hour."""
    spec = market.spec
    price = fixed(spec.price_decimals)
    bid, ask = market.book.bids.best(), market.book.asks.best()
    view: Json = {
        "symbol": spec.symbol,
        "market_id": spec.market_id,
        "index_price": price(market.index),
        "mark_price": price(market.mark),
        "mid_price": price((bid + ask) // 2) if bid is not None and ask is not None else "",
        "best_ask_price": price(ask) if ask is not None else "",
        "best_bid_price": price(bid) if bid is not None else "",
        "open_interest": usdc(market.open_interest * market.mark),
        "open_interest_limit": _NO_LIMIT,
        "funding_clamp_small": "0.0500",
        "funding_clamp_big": "4.0000",
        "last_trade_price": price(market.last),
        "current_funding_rate": fixed(4)(market.funding_ppm),
        "funding_rate": fixed(4)(market.last_funding_ppm),
        "funding_timestamp": market.funding_time_ms,
        "base_interest_rate": "0.0100",
        "premium": fixed(4)((market.mark - market.index) * 1_000_000 // market.index),
    }
    view.update(day_view(market))
    del view["daily_trades_count"]
    return view


def day_view(market: MarketState) -> Json:
    """The trailing day as numbers; the change in percent."""
    spec, day = market.spec, market.day
    return {
        "daily_trades_count": day.trades,
        "daily_base_token_volume": Decimal(day.base).scaleb(-spec.size_decimals),
        "daily_quote_token_volume": Decimal(day.quote).scaleb(-QUOTE_DECIMALS),
        "daily_price_low": Decimal(day.low).scaleb(-spec.price_decimals),
        "daily_price_high": Decimal(day.high).scaleb(-spec.price_decimals),
        "daily_price_change": Decimal((market.last - day.open) * 1_000_000 // day.open).scaleb(-4),
    }


def stats_row_view(market: MarketState) -> Json:
    """A row of `GET /api/v1/exchangeStats`."""
    day = day_view(market)
    del day["daily_price_low"], day["daily_price_high"]
    last = Decimal(market.last).scaleb(-market.spec.price_decimals)
    return {"symbol": market.spec.symbol, "last_trade_price": last, **day}


def candle_view(candle: Candle, spec: MarketSpec) -> Json:
    """A candle with numbers; one exists only where something traded, so none of them is ever zero."""
    down = -spec.price_decimals
    return {
        "t": candle.start_ms,
        "o": Decimal(candle.open).scaleb(down),
        "h": Decimal(candle.high).scaleb(down),
        "l": Decimal(candle.low).scaleb(down),
        "c": Decimal(candle.close).scaleb(down),
        "v": Decimal(candle.base).scaleb(-spec.size_decimals),
        "V": Decimal(candle.quote).scaleb(-QUOTE_DECIMALS),
        "i": candle.last_trade,
    }


def funding_view(row: FundingRound) -> Json:
    """A row of `GET /api/v1/fundings`: percent an hour, and who paid."""
    return {
        "timestamp": row.time_s,
        "value": fixed(8)(row.value),
        "rate": fixed(4)(abs(row.rate_ppm)),
        "direction": "long" if row.rate_ppm >= 0 else "short",
    }


def daily(rounds: Iterable[FundingRound]) -> list[FundingRound]:
    """Rounds of each day as one, dated at its beginning."""
    days: dict[int, list[FundingRound]] = {}
    for each in rounds:
        days.setdefault(each.time_s // _DAY_S * _DAY_S, []).append(each)
    return [
        FundingRound(
            time_s=day,
            rate_ppm=sum(each.rate_ppm for each in members),
            value=abs(sum(each.value if each.rate_ppm >= 0 else -each.value for each in members)),
        )
        for day, members in days.items()
    ]


def funding_rate_view(market: MarketState) -> Json:
    """A row of `GET /api/v1/funding-rates`: a fraction over eight hours, as a number."""
    return {
        "market_id": market.market_id,
        "exchange": "lighter",
        "symbol": market.spec.symbol,
        "rate": Decimal(market.funding_ppm * _RATED_HOURS).scaleb(-6),
    }


def order_book_view(spec: MarketSpec) -> Json:
    """A row of `GET /api/v1/orderBooks`."""
    return {
        "symbol": spec.symbol,
        "market_id": spec.market_id,
        "market_type": "perp",
        "base_asset_id": 0,
        "quote_asset_id": 0,
        "status": "active",
        "taker_fee": "0.0000",
        "is_taker_fee_enabled": True,
        "maker_fee": "0.0000",
        "is_maker_fee_enabled": True,
        "liquidation_fee": "1.0000",
        "min_base_amount": fixed(spec.size_decimals)(spec.min_base),
        "min_quote_amount": usdc(spec.min_quote),
        "order_quote_limit": usdc(spec.quote_limit),
        "supported_size_decimals": spec.size_decimals,
        "supported_price_decimals": spec.price_decimals,
        "supported_quote_decimals": QUOTE_DECIMALS,
        "created_at": str(spec.created_at_ms),
        "multiplier": "1.000000000000000000",
    }


def order_book_detail_view(market: MarketState) -> Json:
    """A row of `GET /api/v1/orderBookDetails`."""
    spec, price = market.spec, fixed(market.spec.price_decimals)
    return {
        **order_book_view(spec),
        "size_decimals": spec.size_decimals,
        "price_decimals": spec.price_decimals,
        "quote_multiplier": 1,
        "default_initial_margin_fraction": spec.default_imf,
        "min_initial_margin_fraction": spec.min_imf,
        "maintenance_margin_fraction": spec.maintenance_mf,
        "closeout_margin_fraction": spec.closeout_mf,
        "last_trade_price": Decimal(market.last).scaleb(-spec.price_decimals),
        **day_view(market),
        "open_interest": Decimal(market.open_interest).scaleb(-spec.size_decimals),
        "daily_chart": {},
        "mark_price": price(market.mark),
        "index_price": price(market.index),
        "funding_clamp_small": "0.0500",
        "funding_clamp_big": "4.0000",
        "base_interest_rate": "0.0100",
        "market_config": {
            "market_margin_mode": 0,
            "insurance_fund_account_index": INSURANCE_FUND,
            "liquidation_mode": 0,
            "force_reduce_only": False,
            "trading_hours": "",
            "funding_fee_discounts_enabled": False,
            "hidden": False,
            "rfq_enabled": False,
        },
        "strategy_index": 0,
        "market_flags": 0,
        "funding_premium_multiplier": 100,
    }
