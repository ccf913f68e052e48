"""From what the machine knows to the one frozen value that everybody else sees. Pure."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from core.clock import Instant
from core.engine.facts import Facts
from core.events import LinkHealth
from core.model import BookStatus, OrderMapEntry, OrderMapSide, OrderTask, Quote
from core.money import PnlRow
from core.state import AlgorithmStatus, BudgetUse, EngineState, StrategyStatus
from core.units import MarketId

_SIDES: Final = {OrderMapSide.BOTH: 0, OrderMapSide.OURS: 1, OrderMapSide.VENUE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the shell adds to what the machine knows."""

    seq: int
    profile: str
    venue: str
    links: tuple[LinkHealth, ...]
    budgets: tuple[BudgetUse, ...]
    strategies: tuple[StrategyStatus, ...]
    day_pnl: Decimal | None
    algorithms: tuple[AlgorithmStatus, ...] = ()
    journal_depth: int | None = None


def build(facts: Facts, around: Surroundings, now: Instant) -> EngineState:
    """Everything the desk may show, at this moment."""
    trading, detail = facts.trading()
    standing = facts.standing
    return EngineState(
        seq=around.seq,
        published=now,
        phase=standing.phase,
        phase_detail=standing.phase_detail,
        profile=around.profile,
        venue=around.venue,
        trading=trading,
        trading_detail=detail,
        kill=standing.kill,
        deadman=standing.deadman,
        kills=standing.kills,
        flatten=standing.flatten,
        breakers=facts.breakers.statuses(facts.markets),
        links=around.links,
        markets=tuple(facts.markets.values()),
        quotes=tuple(_quote(facts, market_id) for market_id in facts.markets),
        positions=facts.ledger.positions(),
        account=facts.account,
        assets=facts.assets,
        day_pnl=around.day_pnl,
        pnl=_pnl(facts),
        equity_high=facts.outlook.equity_high,
        unexplained=facts.outlook.unexplained,
        drawdown=facts.outlook.money.drawdown,
        equity_curve=facts.outlook.equity_curve,
        tasks=_tasks(facts),
        recent=tuple(tracked.task() for tracked in facts.orders.recent() if tracked.is_ours),
        is_listed=standing.is_listed,
        order_map=_order_map(facts),
        fills=facts.ledger.fills(),
        limits=facts.risk.uses(facts.outlook.view(now, is_frozen=False)),
        rules=facts.rules,
        budgets=around.budgets,
        timings=facts.timings.rows(),
        journal_depth=around.journal_depth,
        strategies=around.strategies,
        algorithms=around.algorithms,
        notices=facts.notices.all(),
    )


def beat(
    state: EngineState, seq: int, links: tuple[LinkHealth, ...], budgets: tuple[BudgetUse, ...], now: Instant
) -> EngineState:
    """The same state a while later, when nothing but time has changed."""
    return replace(state, seq=seq, links=links, budgets=budgets, published=now)


def _pnl(facts: Facts) -> tuple[PnlRow, ...]:
    marks = {market_id: quote.mark for market_id, quote in facts.quotes.items()}
    return facts.profit.rows(marks, {position.market_id: position for position in facts.ledger.positions()})


def _quote(facts: Facts, market_id: MarketId) -> Quote:
    return facts.quotes.get(market_id) or Quote(market_id=market_id, status=BookStatus.EMPTY)


def _tasks(facts: Facts) -> tuple[OrderTask, ...]:
    return tuple(tracked.task() for tracked in facts.orders.live() if tracked.is_ours)


def _order_map(facts: Facts) -> tuple[OrderMapEntry, ...]:
    entries = [tracked.entry() for tracked in facts.orders.live() if tracked.status.may_be_live]
    return tuple(sorted(entries, key=lambda entry: _SIDES[entry.side]))
