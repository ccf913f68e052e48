"""Flatten: positions closed by reduce-only orders once everything is cancelled, confirmed by the venue's report. Pure.

It is a wish of its own, above a latched kill but never above a newer one. Each slice goes through the risk gate as if
trading were REDUCING, is capped in price from the mark, and is sent again until the venue, asked over REST after the
last slice ended, shows no position; belief counts for nothing here.
"""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from core.clock import MILLISECOND_NS, SECOND_NS, Instant
from core.commands import SubmitOrder
from core.engine.effects import ViewAccount
from core.engine.facts import Facts, Urgency
from core.engine.order_map import Tracked
from core.engine.tasks import Tasks
from core.events import NoticeLevel, PositionsReported
from core.limits import MarketLimits
from core.model import Market, OrderIntent, OrderStatus, OrderType, Origin, OriginKind, Priority, Side, TimeInForce
from core.state import FlattenPhase, FlattenStatus
from core.units import ZERO, MarketId, floor_to, unit

ORIGIN: Final = Origin(OriginKind.OPERATOR, "flatten")
_ASK_EVERY_NS: Final = 500 * MILLISECOND_NS
_AGAIN_NS: Final = 500 * MILLISECOND_NS
"""Between two slices of one market: a book that was just emptied gets time to fill."""
_KEY: Final = "flatten"
_EVERY: Final = "all"
_BPS: Final = Decimal(10_000)


@dataclass(slots=True)
class _Leg:
    """What is being done about one market."""

    tracked: Tracked | None = None
    ended_ns: int = 0


@dataclass(slots=True, kw_only=True)
class _Run:
    """One flatten, from the wish to its end."""

    market_id: MarketId | None
    limit_ns: int
    started_ns: int
    is_clear: bool = False
    """The venue confirmed that no other order of it is open."""
    needed_ns: int = 0
    """Only positions asked for after this moment count."""
    asked_ns: int = 0
    """When positions were last asked for."""
    left: dict[MarketId, Decimal] | None = None
    """The venue's positions, signed, in base units; None until they were seen since `needed_ns`."""
    legs: dict[MarketId, _Leg] = field(default_factory=dict)
    trouble: str = ""


class Flatten:
    """At most one at a time."""

    def __init__(self, facts: Facts, tasks: Tasks) -> None:
        self._facts = facts
        self._tasks = tasks
        self._run: _Run | None = None

    @property
    def is_on(self) -> bool:
        """Whether one is under way."""
        return self._run is not None

    def begin(self, market_id: MarketId | None, by: str, now: Instant, limit_s: int) -> None:
        """Begin with one market, or with all; its orders are being cancelled already."""
        facts = self._facts
        self._run = _Run(market_id=market_id, limit_ns=limit_s * SECOND_NS, started_ns=now.mono_ns)
        facts.standing.flatten = FlattenStatus(
            phase=FlattenPhase.CANCELLING,
            market_id=market_id,
            by=by,
            at_us=now.utc_us,
            started_ns=now.mono_ns,
            detail="waiting until the venue lists no open order",
        )
        facts.store(_KEY, f"{now.utc_us} {_EVERY if market_id is None else market_id} {by}")
        facts.audit("flatten", f"{self._name(market_id)} by {by}", now)
        facts.tell(NoticeLevel.ALERT, f"flatten of {self._name(market_id)} by {by}", now)
        facts.changed(Urgency.NOW)

    def restore(self, now: Instant) -> None:
        """Say that the last run ended in the midst of one: nothing is closed any further without a new wish."""
        left = self._facts.meta.get(_KEY, "")
        if not left:
            return
        at_us, market, by = left.split(maxsplit=2)
        market_id = None if market == _EVERY else MarketId(int(market))
        detail = "the engine ended before it was done: positions may be left, flatten again to close them"
        self._facts.standing.flatten = FlattenStatus(
            phase=FlattenPhase.FAILED,
            market_id=market_id,
            by=by,
            at_us=int(at_us),
            started_ns=now.mono_ns,
            ended_ns=now.mono_ns,
            detail=detail,
        )
        self._facts.store(_KEY, "")
        text = f"flatten of {self._name(market_id)} by {by} was cut off: {detail}"
        self._facts.audit("flatten", text, now)
        self._facts.tell(NoticeLevel.ALERT, text, now)

    def stop(self, why: str, now: Instant) -> None:
        """Give up; what is left stays as it is."""
        if self._run is not None:
            self._end(FlattenPhase.FAILED, why, now)

    def covers(self, market_id: MarketId | None) -> bool:
        """Whether one is under way that a kill of this market (None for all) is about."""
        return self._run is not None and (market_id is None or self._run.market_id in {None, market_id})

    def on_positions(self, event: PositionsReported) -> None:
        """Only a complete answer over REST says what is left, and only one asked for late enough."""
        run = self._run
        if run is None or not run.is_clear or event.asked_ns is None or not event.is_complete:
            return
        if event.asked_ns >= run.needed_ns:
            held = {one.market_id: one.size for one in event.positions if one.size}
            run.left = {key: size for key, size in held.items() if run.market_id in {None, key}}

    def tick(self, now: Instant, *, is_clear: bool) -> None:
        """Go on; `is_clear` says that the venue confirmed no other open order of it."""
        run = self._run
        if run is None:
            return
        if is_clear and not run.is_clear:
            run.is_clear, run.needed_ns = True, now.mono_ns
        if run.is_clear:
            self._settle_legs(run, now)
            busy = any(leg.tracked is not None for leg in run.legs.values())
            if run.left is not None and not run.left and not busy:
                self._end(FlattenPhase.CONFIRMED, "the venue shows no position", now)
                return
            self._work(run, now)
        if now.mono_ns - run.started_ns > run.limit_ns:
            self._end(FlattenPhase.FAILED, run.trouble or "not done within its time", now)
            return
        self._show(run)

    def _settle_legs(self, run: _Run, now: Instant) -> None:
        for leg in run.legs.values():
            tracked = leg.tracked
            if tracked is None or not tracked.status.is_closed:
                continue
            if tracked.status in {OrderStatus.DENIED, OrderStatus.REJECTED}:
                run.trouble = tracked.order.reason
            elif not tracked.order.filled:
                run.trouble = f"nobody trades at {tracked.order.intent.price} or better"
            leg.tracked, leg.ended_ns = None, now.mono_ns
            # Only the venue says what it left, and only when asked after it ended.
            run.left, run.needed_ns = None, now.mono_ns

    def _work(self, run: _Run, now: Instant) -> None:
        if run.left is None:
            if now.mono_ns - run.asked_ns >= _ASK_EVERY_NS:
                run.asked_ns = now.mono_ns
                self._facts.emit(ViewAccount())
            return
        for market_id, size in run.left.items():
            leg = run.legs.setdefault(market_id, _Leg())
            if leg.tracked is None and now.mono_ns - leg.ended_ns >= _AGAIN_NS:
                self._slice(run, leg, market_id, size, now)

    def _slice(self, run: _Run, leg: _Leg, market_id: MarketId, size: Decimal, now: Instant) -> None:
        market, quote = self._facts.markets.get(market_id), self._facts.quotes.get(market_id)
        mark = None if quote is None else quote.mark
        if market is None or mark is None:
            run.trouble = f"market {market_id} has no mark price here: close it by hand"
            leg.ended_ns = now.mono_ns
            return
        intent = self._intent(market, mark, size)
        command = SubmitOrder(intent=intent, origin=ORIGIN, priority=Priority.REDUCE)
        leg.tracked = self._tasks.submit(command, now)
        client_id = leg.tracked.order.client_id
        if client_id is not None:
            self._facts.standing.flattening.add(client_id)
        text = f"{intent.side.value} {intent.size} {market.symbol} at {intent.price} or better, reduce-only"
        self._facts.audit("flatten", text, now)

    def _intent(self, market: Market, mark: Decimal, size: Decimal) -> OrderIntent:
        """The next slice: no larger than the setting and the hard limits let it be, capped in price from the mark."""
        tuning, limits = self._facts.tuning, self._facts.risk.limits
        side = Side.SELL if size > ZERO else Side.BUY
        capped = mark * (1 + side.sign * tuning.flatten_slippage_bps / _BPS)
        rounding = ROUND_CEILING if side is Side.SELL else ROUND_FLOOR
        price = max(market.tick, capped.quantize(market.tick, rounding=rounding))
        own = limits.markets.get(market.symbol, MarketLimits())
        notional = min(tuning.flatten_slice, own.max_order_notional or limits.max_order_notional)
        most = max(unit(market.size_decimals), floor_to(notional / max(price, mark), market.size_decimals))
        if own.max_order_size is not None:
            most = min(most, own.max_order_size)
        return OrderIntent(
            market_id=market.id,
            side=side,
            type=OrderType.LIMIT,
            size=min(abs(size), most),
            price=price,
            tif=TimeInForce.IOC,
            reduce_only=True,
        )

    def _end(self, phase: FlattenPhase, detail: str, now: Instant) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        standing = self._facts.standing
        standing.flattening.clear()
        self._facts.store(_KEY, "")
        self._show(run, phase, detail, now.mono_ns)
        level = NoticeLevel.WARN if phase is FlattenPhase.CONFIRMED else NoticeLevel.ALERT
        text = f"flatten of {self._name(run.market_id)} {phase.value}: {detail}"
        self._facts.tell(level, text, now)
        self._facts.audit("flatten", text, now)

    def _show(
        self, run: _Run, phase: FlattenPhase | None = None, detail: str = "", ended_ns: int | None = None
    ) -> None:
        before = self._facts.standing.flatten
        if before is None:
            return
        going = FlattenPhase.REDUCING if run.is_clear else FlattenPhase.CANCELLING
        doing = run.trouble or ("asking what is left" if run.left is None else "closing")
        newer = FlattenStatus(
            phase=phase or going,
            market_id=before.market_id,
            by=before.by,
            at_us=before.at_us,
            started_ns=before.started_ns,
            ended_ns=ended_ns,
            left=before.left if run.left is None else tuple(sorted(run.left.items())),
            detail=detail or (doing if run.is_clear else before.detail),
        )
        if newer != before:
            self._facts.standing.flatten = newer
            self._facts.changed(Urgency.NOW)

    def _name(self, market_id: MarketId | None) -> str:
        market = None if market_id is None else self._facts.markets.get(market_id)
        return "every position" if market_id is None else market.symbol if market else f"market {market_id}"
