"""What risk sees of everything known: exposure, totals, conduct, money; looked at again where it changed. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from core.clock import Instant
from core.engine.order_map import Tracked
from core.events import LinkStatus
from core.model import OPERATOR, Market, OrderIntent, Origin, Quote
from core.money import EquityPoint
from core.risk import QUIET, Conduct, Habits, MarketExposure, Money, RiskView, RunningTotals
from core.state import KillPhase
from core.units import ZERO, MarketId

if TYPE_CHECKING:
    from core.engine.facts import Facts

_UP: Final = frozenset({LinkStatus.LIVE, LinkStatus.DEGRADED})


class Outlook:
    """The world as `RiskManager` is shown it."""

    def __init__(self, facts: "Facts") -> None:
        self._facts = facts
        self.habits = Habits()
        self.money = Money()
        """Equity, day's loss and drawdown, as the limits ask for them."""
        self.equity_high: Decimal | None = None
        self.unexplained: Decimal | None = None
        """Collateral by the venue's figures less by ours since the first sight; None until they were compared."""
        self.equity_curve: tuple[EquityPoint, ...] = ()
        self.skew_ms: int | None = None
        """Our clock against the venue's, the worst of all streams."""
        self.clockless_ns = 0
        """For how long streams have been up without a comparison."""
        self._clockless_since: int | None = None
        self._exposures: dict[MarketId, MarketExposure] = {}
        self._totals = RunningTotals()
        self._touched: set[MarketId] = set()
        """Markets whose exposure or mark changed since it was last looked at."""

    def touch(self, market_id: MarketId) -> None:
        """Something of one market's exposure changed."""
        self._touched.add(market_id)

    def see_quote(self, quote: Quote) -> None:
        """Take in the newest quote of a market."""
        before = self._facts.quotes.get(quote.market_id)
        self._facts.quotes[quote.market_id] = quote
        if before is None or before.mark != quote.mark:
            self._touched.add(quote.market_id)

    def see_markets(self, markets: Mapping[MarketId, Market]) -> None:
        """Take in what the venue trades."""
        self._facts.markets = markets
        self._touched.update(markets)

    def see_clocks(self, skew_ms: int | None, now: Instant) -> None:
        """Take in the newest comparison of the clocks; a link that comes and goes does not begin the wait anew."""
        self.skew_ms = skew_ms
        if skew_ms is not None:
            self._clockless_since, self.clockless_ns = None, 0
            return
        if self._clockless_since is None and any(link.status in _UP for link in self._facts.links.values()):
            self._clockless_since = now.mono_ns
        if self._clockless_since is not None:
            self.clockless_ns = now.mono_ns - self._clockless_since

    def exposures(self) -> Mapping[MarketId, MarketExposure]:
        """Worst-case exposure of every market with any; looked at again only where something changed."""
        for market_id in self._touched:
            exposure = self._exposure(market_id)
            self._exposures[market_id] = exposure
            quote, market = self._facts.quotes.get(market_id), self._facts.markets.get(market_id)
            mark = None if quote is None or quote.mark is None or quote.mark <= 0 else quote.mark
            self._totals.put(market_id, exposure, mark, ZERO if market is None else market.initial_margin)
        self._touched.clear()
        return self._exposures

    def view(self, now: Instant, *, is_frozen: bool) -> RiskView:
        """What risk may know now; `is_frozen` copies what would change under a reader in another thread."""
        conduct = self.habits.conduct(self._facts.risk.limits, now.mono_ns, is_frozen=is_frozen)
        return self._view(conduct, now.mono_ns, is_frozen=is_frozen)

    def view_without(self, tracked: Tracked, now: Instant) -> RiskView:
        """What risk may know now, as if one order were not there: for judging that order, or a change of it, again."""
        conduct = self.habits.conduct(self._facts.risk.limits, now.mono_ns, is_frozen=False)
        return self._without(tracked, conduct, now.mono_ns)

    def standing_view(self, tracked: Tracked) -> RiskView:
        """The same for `RiskManager.stands` alone, which asks for no window of time."""
        return self._without(tracked, QUIET, 0)

    def _view(self, conduct: Conduct, now_ns: int, *, is_frozen: bool) -> RiskView:
        trading, detail = self._facts.trading()
        exposures = self.exposures()
        return RiskView(
            trading=trading,
            trading_detail=detail,
            is_killed=self._facts.standing.kill.phase is not KillPhase.IDLE,
            is_ready=self._facts.standing.is_ready,
            breakers=self._facts.breakers,
            markets=self._facts.markets,
            quotes=dict(self._facts.quotes) if is_frozen else self._facts.quotes,
            exposures=dict(exposures) if is_frozen else exposures,
            open_orders=self._facts.orders.may_be_live(),
            totals=self._totals.now(self._facts.orders.working.notional),
            conduct=conduct,
            money=self.money,
            skew_ms=self.skew_ms,
            clockless_ns=self.clockless_ns,
            now_ns=now_ns,
        )

    def _without(self, tracked: Tracked, conduct: Conduct, now_ns: int) -> RiskView:
        self.exposures()
        market_id = tracked.market_id
        self._facts.orders.working.lift(tracked)
        self._touched.add(market_id)
        try:
            view = self._view(conduct, now_ns, is_frozen=False)
            return replace(view, exposures={**view.exposures})
        finally:
            self._facts.orders.working.note(tracked)
            self._touched.add(market_id)

    def on_sent(self, intent: OrderIntent, origin: Origin, now: Instant) -> None:
        """An order, or a change of one, was let go: it counts from here on."""
        quote = self._facts.quotes.get(intent.market_id)
        self.habits.on_order(intent, origin, None if quote is None else quote.mark, now.mono_ns)

    def on_message(self, now: Instant, origin: Origin = OPERATOR) -> None:
        """Something else was sent: a cancel."""
        self.habits.on_message(origin, now.mono_ns)

    def _exposure(self, market_id: MarketId) -> MarketExposure:
        """Position as shown; what we believe beyond it counts as if it were still to come, on its side."""
        shown, believed = self._facts.ledger.readings(market_id)
        demand = self._facts.orders.working.demand(market_id)
        buys, sells = demand.buys, demand.sells
        if believed > shown:
            buys += believed - shown
        elif shown > believed:
            sells += shown - believed
        for size in self._facts.unbooked.sizes(market_id):
            buys, sells = buys + max(ZERO, size), sells + max(ZERO, -size)
        return MarketExposure(
            position=shown,
            open_buys=buys,
            open_sells=sells,
            open_orders=demand.orders,
            open_notional=demand.notional,
            own_bid=demand.bid,
            own_ask=demand.ask,
        )
