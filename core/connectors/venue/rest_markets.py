"""REST answers about markets and about the venue: public, no token.

Pure; parameters, units and error bodies as `apidocs.lighter.xyz/reference` gives them.
"""

from decimal import Decimal
from typing import Final

from core.connectors.venue import market_views, views
from core.connectors.venue.accounts import INSURANCE_FUND
from core.connectors.venue.candles import RESOLUTIONS, WEEK
from core.connectors.venue.catalogue import QUOTE_DECIMALS
from core.connectors.venue.codes import Code, Refusal
from core.connectors.venue.exchange import Exchange
from core.connectors.venue.market import MarketState
from core.connectors.venue.query import NIL, Answer, BadRequest, Query, Route
from core.connectors.venue.simulation import CHAIN_ID
from core.connectors.venue.views import Json, usdc

MAX_FUNDINGS: Final = 749
"""Rows of one answer of `fundings`."""
_FILTERS: Final = frozenset({"all", "spot", "perp"})
_CANDLE_SPANS: Final = frozenset({*RESOLUTIONS, WEEK})
_FUNDING_SPANS: Final = frozenset({"1h", "1d"})
_USDC: Final = 3
_POOL_COOLDOWN_MS: Final = 300_000
_STAKING_LOCKUP_MS: Final = 259_200_000
_MAX_INTEGRATOR_FEE: Final = 1_000
_SYSTEM: Final[Json] = {
    "code": 200,
    "liquidity_pool_index": INSURANCE_FUND,
    "staking_pool_index": INSURANCE_FUND,
    "funding_fee_rebate_account_index": INSURANCE_FUND,
    "market_maker_incentive_account_index": INSURANCE_FUND,
    "fee_collector_account_index": INSURANCE_FUND,
    "liquidity_pool_cooldown_period": _POOL_COOLDOWN_MS,
    "staking_pool_lockup_period": _STAKING_LOCKUP_MS,
    "max_integrator_perps_maker_fee": _MAX_INTEGRATOR_FEE,
    "max_integrator_perps_taker_fee": _MAX_INTEGRATOR_FEE,
    "max_integrator_spot_maker_fee": _MAX_INTEGRATOR_FEE,
    "max_integrator_spot_taker_fee": _MAX_INTEGRATOR_FEE,
}


class MarketAnswers:
    """Endpoints that everybody may read."""

    def __init__(self, exchange: Exchange) -> None:
        """Answer for these markets."""
        self._exchange: Final = exchange

    def routes(self) -> dict[str, Route]:
        """What can be asked."""
        return {
            "/": lambda query: {"status": 200, "network_id": CHAIN_ID, "timestamp": query.now_us // 1_000_000},
            "/info": lambda _: {"contract_address": f"0x{0:040x}"},
            "/api/v1/currentHeight": lambda query: {"code": 200, "height": views.block_height(query.now_us)},
            "/api/v1/systemConfig": lambda _: _SYSTEM,
            "/api/v1/announcement": lambda _: {"code": 200, "announcements": []},
            "/api/v1/orderBooks": self._order_books,
            "/api/v1/orderBookDetails": self._order_book_details,
            "/api/v1/orderBookOrders": self._order_book_orders,
            "/api/v1/recentTrades": self._recent_trades,
            "/api/v1/candles": self._candles,
            "/api/v1/fundings": self._fundings,
            "/api/v1/funding-rates": self._funding_rates,
            "/api/v1/exchangeStats": self._exchange_stats,
            "/api/v1/assetDetails": self._assets,
        }

    def _order_books(self, query: Query) -> Answer:
        rows = [market_views.order_book_view(market.spec) for market in self._chosen(query)]
        return {"code": 200, "order_books": rows}

    def _order_book_details(self, query: Query) -> Answer:
        rows = [market_views.order_book_detail_view(market) for market in self._chosen(query)]
        return {"code": 200, "order_book_details": rows, "spot_order_book_details": []}

    def _order_book_orders(self, query: Query) -> Answer:
        market, limit = self._market(query), query.limit(250)
        sides: Json = {"code": 200}
        for name, side in (("asks", market.book.asks), ("bids", market.book.bids)):
            rows = [views.book_order_view(order, market.spec) for order, _ in zip(side.orders(), range(limit))]  # noqa: B905 - the shorter ends it
            sides[f"total_{name}"] = len(rows)
            sides[name] = rows
        return sides

    def _recent_trades(self, query: Query) -> Answer:
        market, limit = self._market(query), query.limit(100)
        newest = list(market.prints)[-limit:]
        return {"code": 200, "trades": [views.trade_view(trade, market.spec) for trade in reversed(newest)]}

    def _candles(self, query: Query) -> Answer:
        """The end is exclusive; a range in which no candle opens is refused, not empty."""
        market = self._market(query)
        resolution = query.choice("resolution", _CANDLE_SPANS)
        (start_ms, end_ms), back = query.period(is_open=False), query.number("count_back")
        found = market.candles.between(resolution, start_ms, end_ms, back)
        if not found:
            return Refusal(Code.INVALID_TIMESTAMPS, "invalid timestamps")
        return {"code": 200, "r": resolution, "c": [market_views.candle_view(each, market.spec) for each in found]}

    def _fundings(self, query: Query) -> Answer:
        """Oldest first; the start is exclusive. A day's row is the sum of its hours, and begins the day."""
        market = self._market(query)
        resolution = query.choice("resolution", _FUNDING_SPANS)
        (start_ms, end_ms), back = query.period(is_open=False), query.number("count_back")
        rounds = market_views.daily(market.fundings) if resolution == "1d" else list(market.fundings)
        before = [each for each in rounds if each.time_s * 1_000 < end_ms]
        inside = sum(each.time_s * 1_000 > start_ms for each in before)
        wanted = min(MAX_FUNDINGS, max(inside, back))
        rows = [market_views.funding_view(each) for each in (before[-wanted:] if wanted > 0 else [])]
        return {"code": 200, "resolution": resolution, "fundings": rows}

    def _funding_rates(self, _: Query) -> Answer:
        rows = [market_views.funding_rate_view(market) for market in self._exchange.markets.values()]
        return {"code": 200, "funding_rates": rows}

    def _exchange_stats(self, _: Query) -> Answer:
        markets = self._exchange.markets.values()
        return {
            "code": 200,
            "total": len(markets),
            "order_book_stats": [market_views.stats_row_view(market) for market in markets],
            "daily_usd_volume": Decimal(sum(market.day.quote for market in markets)).scaleb(-QUOTE_DECIMALS),
            "daily_trades_count": sum(market.day.trades for market in markets),
        }

    def _assets(self, query: Query) -> Answer:
        """The dollar, and nothing else: this venue has no spot."""
        row: Json = {
            "asset_id": _USDC,
            "symbol": "USDC",
            "l1_decimals": QUOTE_DECIMALS,
            "decimals": QUOTE_DECIMALS,
            "min_transfer_amount": usdc(1_000_000),
            "min_withdrawal_amount": usdc(1_000_000),
            "margin_mode": "enabled",
            "index_price": usdc(1_000_000),
            "price_decimals": QUOTE_DECIMALS,
            "l1_address": f"0x{0:040x}",
            **dict.fromkeys(("loan_to_value", "liquidation_threshold", "liquidation_factor"), "1.000000"),
            "liquidation_fee": "0.000000",
            **dict.fromkeys(("global_supply_cap", "user_supply_cap", "total_supplied"), "0"),
            "multiplier": "1.000000000000000000",
        }
        wanted = query.number("asset_id", 0)
        return {"code": 200, "asset_details": [row] if wanted in {0, _USDC} else []}

    def _chosen(self, query: Query) -> list[MarketState]:
        """Markets asked for; this venue has no spot."""
        if query.choice("filter", _FILTERS, "all") == "spot":
            return []
        if query.number("market_id", NIL) == NIL:
            return list(self._exchange.markets.values())
        return [self._market(query)]

    def _market(self, query: Query) -> MarketState:
        market = self._exchange.markets.get(query.number("market_id"))
        if market is None:
            raise BadRequest("market_id")
        return market
