"""What risk may know of the world at one moment: exposure per market, worst case, and everything around it.

Made anew for every decision: structs cost a fifth of frozen dataclasses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from msgspec import Struct

from core.decisions import TradingState
from core.model import Market, Quote, Side
from core.risk.breaker import BreakerPanel
from core.risk.conduct import QUIET, Conduct
from core.units import ZERO, MarketId

_ACTIVE: Final = TradingState.ACTIVE


class MarketExposure(Struct, frozen=True, kw_only=True):
    """Position and whatever may still change it, in base units."""

    position: Decimal = ZERO
    """Signed: positive is long."""
    open_buys: Decimal = ZERO
    """Remaining size of buys that may be live: open, in flight, unknown, or approved and queued."""
    open_sells: Decimal = ZERO
    open_orders: int = 0
    """Orders of this market that may be live."""
    open_notional: Decimal = ZERO
    """What they still want, at their own prices, in USDC; both sides together."""
    own_bid: Decimal | None = None
    """Highest price of our buys that may be resting here."""
    own_ask: Decimal | None = None

    @property
    def highest(self) -> Decimal:
        """The position if every buy fills and no sell does."""
        return self.position + self.open_buys

    @property
    def lowest(self) -> Decimal:
        """The position if every sell fills and no buy does."""
        return self.position - self.open_sells

    @property
    def worst(self) -> Decimal:
        """The largest size, on either side, that the position may reach without another order."""
        return max(abs(self.highest), abs(self.lowest))

    @property
    def is_flat(self) -> bool:
        """No position and nothing that could make one."""
        return not (self.position or self.open_buys or self.open_sells)

    def reach(self, side: Side, size: Decimal) -> Decimal:
        """How far the position may get on `side` with `size` more of it, in base units.

        Positive is exposure on that side; zero or less means that even if everything fills, it only shrinks the other.
        """
        return (self.position + self.open_buys if side is Side.BUY else self.open_sells - self.position) + size

    def adding(self, side: Side, size: Decimal) -> "MarketExposure":
        """The exposure with one more order of `size`, in base units; what rests at which price stays as it is."""
        buys, sells = (size, ZERO) if side is Side.BUY else (ZERO, size)
        return MarketExposure(
            position=self.position,
            open_buys=self.open_buys + buys,
            open_sells=self.open_sells + sells,
            open_orders=self.open_orders + 1,
            open_notional=self.open_notional,
            own_bid=self.own_bid,
            own_ask=self.own_ask,
        )


NO_EXPOSURE = MarketExposure()


class Totals(Struct, frozen=True, kw_only=True):
    """All markets together, worst case, in USDC."""

    gross: Decimal = ZERO
    """Sum of every market's worst case on its mark, of those that have a mark."""
    margin: Decimal = ZERO
    """Initial margin of the same."""
    open_notional: Decimal = ZERO
    """Unexecuted value of every order that may be live, at its own price."""
    unpriced: frozenset[MarketId] = frozenset()
    """Markets with exposure whose mark nobody knows: while there is one, the sums say too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The account's money as far as limits ask for it, in USDC."""

    equity: Decimal | None = None
    """None until the venue told it."""
    day_loss: Decimal = ZERO
    """Realised and unrealised, since the day began or a human let trading go on after a loss; negative is a gain."""
    drawdown: Decimal = ZERO
    """From the highest equity seen; zero or more."""


NO_MONEY = Money()


class RiskView(Struct, frozen=True, kw_only=True):
    """Everything a risk decision rests on, frozen at one moment."""

    trading: TradingState
    trading_detail: str
    """Why it is not ACTIVE."""
    is_killed: bool
    is_ready: bool
    """Our belief was reconciled with the venue's."""
    breakers: BreakerPanel
    markets: Mapping[MarketId, Market]
    quotes: Mapping[MarketId, Quote]
    exposures: Mapping[MarketId, MarketExposure]
    """A market that is missing has no exposure."""
    open_orders: int
    """Orders of the account that may be live."""
    totals: Totals | None = None
    """None where nobody kept them: they are added up then."""
    conduct: Conduct = QUIET
    """What was sent and filled lately."""
    money: Money = NO_MONEY
    skew_ms: int | None = None
    """How far our clock is from the venue's, the worst of all streams; None while nobody knows."""
    clockless_ns: int = 0
    """For how long streams have been up while nobody knows the above; 0 once somebody does."""
    now_ns: int = 0
    """The moment of this view, monotonic."""

    @property
    def is_calm(self) -> bool:
        """Nothing at all stands against trading: no kill, no halt, no breaker, reconciled."""
        return not self.is_killed and self.is_ready and self.trading is _ACTIVE and not self.breakers.is_any_tripped

    def exposure(self, market_id: MarketId) -> MarketExposure:
        """The exposure of one market."""
        return self.exposures.get(market_id, NO_EXPOSURE)

    def mark(self, market_id: MarketId) -> Decimal | None:
        """The mark price of one market, None while nobody knows it."""
        quote = self.quotes.get(market_id)
        mark = None if quote is None else quote.mark
        return mark if mark is not None and mark > 0 else None

    def whole(self) -> Totals:
        """All markets together: as kept, or added up."""
        return self.totals or added_up(self)


def added_up(view: RiskView) -> Totals:
    """The totals of a view, market by market."""
    gross = margin = open_notional = ZERO
    unpriced: set[MarketId] = set()
    for market_id, exposure in view.exposures.items():
        open_notional += exposure.open_notional
        if exposure.is_flat:
            continue
        mark = view.mark(market_id)
        if mark is None:
            unpriced.add(market_id)
            continue
        market = view.markets.get(market_id)
        worth = exposure.worst * mark
        gross += worth
        margin += worth * (ZERO if market is None else market.initial_margin)
    return Totals(gross=gross, margin=margin, open_notional=open_notional, unpriced=frozenset(unpriced))
