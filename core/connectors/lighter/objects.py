"""The venue's objects as they stand inside frames and bodies alike: levels, orders, trades, positions, figures.

Tolerant where the venue is: fields it adds are ignored, integers may come as text, money comes as text or as a number
and is a `Decimal` either way. `Raw` members may be empty texts or missing: `convert.number` reads them.
"""

from decimal import Decimal
from typing import Final

import msgspec

Raw = msgspec.Raw
ZERO: Final = Decimal(0)


class WireLevel(msgspec.Struct, gc=False):
    """One price level; a size of zero deletes it."""

    price: str
    size: str


class WireBook(msgspec.Struct, gc=False):
    """A book or the change of one. It continues the frame whose `nonce` equals this `begin_nonce`."""

    nonce: int
    begin_nonce: int = 0
    asks: list[WireLevel] | None = None
    bids: list[WireLevel] | None = None


class WireOrder(msgspec.Struct, gc=False):
    """An order, alike in streams and REST bodies.

    Fills are read from the `filled_*` amounts: a cancelled order reports nothing remaining although nothing filled.
    """

    order_index: int
    market_index: int
    initial_base_amount: Decimal
    price: Decimal
    is_ask: bool
    status: str
    client_order_index: int | None = None
    filled_base_amount: Decimal = ZERO
    filled_quote_amount: Decimal = ZERO
    type: str = "limit"
    time_in_force: str = ""
    reduce_only: bool = False
    transaction_time: int | None = None
    """Microseconds; the only field that orders the events of one order (`updated_at` lags by seconds)."""


class WireTrade(msgspec.Struct, gc=False):
    """One execution, as both sides see it. Fees are rates in 1e-6 of notional and are omitted when zero."""

    trade_id: int
    market_id: int
    size: Decimal
    price: Decimal
    ask_id: int
    bid_id: int
    ask_account_id: int
    bid_account_id: int
    is_maker_ask: bool
    ask_client_id: int | None = None
    bid_client_id: int | None = None
    taker_fee: int | None = None
    maker_fee: int | None = None
    type: str = "trade"
    timestamp: int | None = None
    """Milliseconds."""
    transaction_time: int | None = None
    """Microseconds."""


class WirePosition(msgspec.Struct, gc=False):
    """Net exposure in one market; `position` is unsigned, `sign` says which way."""

    market_id: int
    sign: int
    position: Raw
    open_order_count: int | None = None
    avg_entry_price: Raw = Raw()
    position_value: Raw = Raw()
    unrealized_pnl: Raw = Raw()
    realized_pnl: Raw = Raw()
    liquidation_price: Raw = Raw()
    total_funding_paid_out: Raw = Raw()
    """Left out while it is zero."""


class WireStats(msgspec.Struct, gc=False):
    """A market's figures; a partial update leaves fields out, an absent price may be an empty text."""

    market_id: int
    mark_price: Raw = Raw()
    index_price: Raw = Raw()
    last_trade_price: Raw = Raw()
    current_funding_rate: Raw = Raw()
    daily_price_change: Raw = Raw()


class WireUserStats(msgspec.Struct, gc=False):
    """The account's money in USDC; `margin_usage` in percent."""

    collateral: Decimal
    portfolio_value: Decimal
    available_balance: Decimal
    leverage: Raw = Raw()
    margin_usage: Raw = Raw()


class WireTop(msgspec.Struct, gc=False):
    """Best price of one side; both texts empty when the side is."""

    price: str
    size: str


class WireTicker(msgspec.Struct, gc=False):
    """Best bid and ask."""

    s: str
    a: WireTop
    b: WireTop


class WireCandle(msgspec.Struct, gc=False):
    """A candle; members that are zero are omitted. `t` in milliseconds, `v` base and `V` quote volume."""

    t: int
    o: Decimal = ZERO
    h: Decimal = ZERO
    l: Decimal = ZERO  # noqa: E741  the venue's name
    c: Decimal = ZERO
    v: Decimal = ZERO
    V: Decimal = ZERO


class WireAsset(msgspec.Struct, gc=False):
    """One asset's balance on the spot side, and as margin for positions."""

    asset_id: int
    symbol: str
    balance: Decimal
    locked_balance: Decimal = ZERO
    margin_balance: Decimal = ZERO
