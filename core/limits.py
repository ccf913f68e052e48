"""The hard limits an operator sets, as the values that risk decides by: frozen, and valid only as a whole.

Part of the language: `core.config` reads them from the file, `core.risk` obeys them, the engine may replace them while
it runs. Money is USDC, sizes are base units, percentages are of the price they are measured from.
"""

from decimal import Decimal
from enum import Enum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.decisions import TradingState

Usdc = Annotated[Decimal, Field(gt=0, le=Decimal("1e12"), allow_inf_nan=False)]
Size = Annotated[Decimal, Field(gt=0, le=Decimal("1e12"), allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(gt=0, le=100, allow_inf_nan=False)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9/_.-]{0,31}$")]
Count = Annotated[int, Field(ge=1, le=100_000)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]


class Frozen(BaseModel):
    """A table of the configuration: nothing unknown in it, and no value echoed in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SelfTrade(Enum):
    """What is done about an order that could meet a resting one of the same account."""

    DENY = "deny"
    """It never leaves."""
    VENUE = "venue"
    """Left to the venue, which cancels the resting order (its default mode, docs, self-trade prevention)."""


class MarketLimits(Frozen):
    """Limits of one market. Sizes exist only here; the others stand in place of the limit of the same name for all."""

    max_order_size: Size | None = None
    max_position_size: Size | None = None
    max_order_notional: Usdc | None = None
    max_position_notional: Usdc | None = None
    max_open_orders: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """In this market; the venue's own ceiling is 1,000 (apidocs, data structures and errors)."""
    max_open_notional: Usdc | None = None
    """Unexecuted value in this market."""
    max_mark_deviation_percent: Percent | None = None
    max_touch_deviation_percent: Percent | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _in_order("max_order_size", self.max_order_size, "max_position_size", self.max_position_size)
        _in_order("max_order_notional", self.max_order_notional, "max_position_notional", self.max_position_notional)
        return self


class BreakerSettings(Frozen):
    """When breakers trip by themselves, and whether one may close by itself again. A threshold that is left out is off.

    Daily loss, drawdown, repeated executions and clock skew trip at the limits of these names.
    """

    rearm_after_s: Seconds | None = None
    """Close an automatic trip after so long if its cause is gone; never one by a human, for losses or executions."""
    loss_streak: Count | None = None
    """Losing closes in a row of one strategy."""
    reject_percent: Percent | None = Decimal(50)
    """Share of orders refused by the venue, of at least `reject_min_orders` in `reject_window_s`."""
    reject_min_orders: Count = 20
    reject_window_s: Seconds = 60
    max_strategy_denials: Count | None = 200
    """Orders of one strategy that risk denied in a message window: it floods, or does not understand why."""
    bad_data_s: Seconds | None = None
    """A market with money at stake whose book is stale, crossed or unreasonable for so long."""
    link_lost_s: Seconds | None = None
    """A stream that has been down for so long."""
    mismatch_s: Seconds | None = 60
    """Orders or positions that differ from the venue's for so long."""
    price_gap_percent: Percent | None = Decimal(15)
    """The mark price moved so far within `price_gap_window_s`, in a market with money at stake."""
    price_gap_window_s: Seconds = 10


class RiskLimits(Frozen):
    """Hard limits, checked for every order; worst case: position + open + in flight."""

    max_order_notional: Usdc = Decimal(25_000)
    max_position_notional: Usdc = Decimal(50_000)
    """Per market."""
    max_gross_notional: Usdc = Decimal(200_000)
    """Over all markets."""
    max_open_orders: Annotated[int, Field(ge=1, le=1_500)] = 60
    """Of the account; the venue's own ceiling is 1,500 (apidocs, data structures and errors)."""
    max_open_notional: Usdc = Decimal(400_000)
    """Unexecuted value of the account: what open orders and those in flight still want, both sides together."""
    max_mark_deviation_percent: Percent = Decimal(10)
    """How far a buy may be priced above the mark, a sell below it."""
    max_touch_deviation_percent: Percent = Decimal(10)
    """The same from the best price of the other side."""
    max_resting_percent: Percent | None = None
    """How far from the mark an order may rest on the patient side: a buy below it, a sell above it."""
    max_walk_percent: Percent = Decimal(15)
    """The same from the mark's best value at our orders of the last `walk_window_s`: no walking the price up."""
    walk_window_s: Seconds = 60
    max_messages: Count = 600
    """Orders, changes and cancels in `message_window_s`; cancels are counted and never denied."""
    message_reserve: Annotated[int, Field(ge=0, le=100_000)] = 100
    """The last part of `max_messages`, which only cancels and orders that shrink a position may use."""
    message_window_s: Seconds = 60
    max_strategy_messages: Count = 400
    """Of one strategy, in the same window."""
    max_strategy_fills: Count | None = 300
    """Executions of one strategy in `strategy_fills_window_s`; then it is stopped until a human lets it go on."""
    strategy_fills_window_s: Seconds = 60
    max_margin_usage_percent: Percent = Decimal(90)
    """Initial margin of the worst case, of equity."""
    max_capital: Usdc | None = None
    """The most that may ever stand as initial margin, whatever the equity; never derived from a sizing."""
    max_daily_loss: Usdc | None = Decimal(5_000)
    max_drawdown: Usdc | None = Decimal(10_000)
    """From the highest equity seen."""
    day_starts_at_minute: Annotated[int, Field(ge=0, lt=1_440)] = 0
    """Minutes after midnight UTC at which the day of PnL begins."""
    max_book_age_ms: Annotated[int, Field(ge=250, le=3_600_000)] | None = None
    """No order on a book whose newest frame is older; the connector's own limits of silence hold beside it."""
    max_mark_gap_percent: Percent = Decimal(10)
    """How far the book's middle may be from the mark: beyond it, one of the two is wrong."""
    duplicate_window_ms: Annotated[int, Field(ge=0, le=60_000)] = 500
    """The same order of the same origin again within this time is denied; 0 lets it pass."""
    self_trade: SelfTrade = SelfTrade.DENY
    max_clock_skew_ms: Annotated[int, Field(ge=100, le=300_000)] = 30_000
    """Orders are signed with an expiry: a clock that is wrong by more sends what is dead, or lives too long."""
    allowed_markets: tuple[Symbol, ...] = ()
    """Markets in which positions may be opened; empty for all of the profile's."""
    restricted_markets: tuple[Symbol, ...] = ()
    """Markets in which positions may only be closed."""
    markets: dict[Symbol, MarketLimits] = {}
    breaker_trips_to: TradingState = TradingState.REDUCING
    breaker: BreakerSettings = BreakerSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.max_order_notional <= self.max_position_notional <= self.max_gross_notional:
            raise ValueError(
                "limits contradict each other: expected "
                "max_order_notional <= max_position_notional <= max_gross_notional, "
                f"got {self.max_order_notional}, {self.max_position_notional}, {self.max_gross_notional}"
            )
        _in_order("message_reserve", self.message_reserve + 1, "max_messages", self.max_messages)
        _in_order("max_daily_loss", self.max_daily_loss, "max_drawdown", self.max_drawdown)
        both = sorted({*self.allowed_markets} & {*self.restricted_markets})
        if both:
            raise ValueError(
                f"limits contradict each other: expected a market to be either in allowed_markets or in "
                f"restricted_markets, got {', '.join(both)} in both"
            )
        for symbol, own in self.markets.items():
            self._check_market(symbol, own)
        if self.breaker_trips_to is TradingState.ACTIVE:
            raise ValueError("breaker_trips_to: expected 'reducing' or 'halted', got 'active'")
        return self

    def _check_market(self, symbol: str, own: MarketLimits) -> None:
        """What holds for a market must fit what holds for all."""
        position = own.max_position_notional or self.max_position_notional
        _in_order(
            f"markets.{symbol}.max_order_notional",
            own.max_order_notional or min(self.max_order_notional, position),
            f"markets.{symbol}.max_position_notional",
            position,
        )
        _in_order(f"markets.{symbol}.max_position_notional", position, "max_gross_notional", self.max_gross_notional)
        _in_order(f"markets.{symbol}.max_open_orders", own.max_open_orders, "max_open_orders", self.max_open_orders)
        _in_order(
            f"markets.{symbol}.max_open_notional", own.max_open_notional, "max_open_notional", self.max_open_notional
        )


def _in_order(small_name: str, small: Decimal | int | None, large_name: str, large: Decimal | int | None) -> None:
    """Refuse a pair of limits of which the first could never be reached."""
    if small is not None and large is not None and small > large:
        raise ValueError(
            f"limits contradict each other: expected {small_name} <= {large_name}, got {small} and {large}"
        )
