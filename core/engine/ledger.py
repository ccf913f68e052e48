"""The ledger: every fill booked once, and positions as the venue reports them beside what our fills add up to. Pure.

Two readings of one truth are kept on purpose: the venue's newest report plus the fills newer than it (what is shown),
and a baseline plus every fill since (what we believe). They may differ while frames are on their way; risk counts the
worse of both, and a difference that stays is settled in the venue's favour once its answer over REST confirms it.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from core.clock import SECOND_NS, Instant
from core.model import Fill, Position, TradeKey
from core.units import ZERO, MarketId, TradeId

_TRADES_KEPT: Final = 8_192
_FILLS_SHOWN: Final = 200
_NEWER_KEPT: Final = 512
"""Fills of one market that no position report contains yet and that are kept one by one; older ones as a sum."""
_PATIENCE_NS: Final = 2 * SECOND_NS
"""How long the two readings may differ: order and position frames of one transaction come apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A difference between both readings that stayed; sizes signed, in base units."""

    market_id: MarketId
    believed: Decimal
    venue: Decimal


@dataclass(slots=True)
class _Holding:
    """One market."""

    reported: Position
    as_of_us: int = 0
    """The venue's time up to which `reported` speaks; never our clock's, which may be wrong by minutes."""
    newer: list[Fill] = field(default_factory=list)
    """Fills that `reported` does not contain yet."""
    ahead: Decimal = ZERO
    """Their sum, signed: kept, because positions are read for every order and a venue may report them seldom."""
    folded: Decimal = ZERO
    """The part of `ahead` that left the list, because the venue reported no position for hundreds of fills."""
    folded_us: int = 0
    """The venue's time of the newest of these; a report from before it is passed over: who knows which it contains?"""
    folded_size: Decimal = ZERO
    """Their size without a sign, for an average price."""
    folded_quote: Decimal = ZERO
    baseline_us: int = 0
    """Fills up to here were part of the first report."""
    believed: Decimal = ZERO
    differs_since_ns: int | None = None

    @property
    def shown(self) -> Decimal:
        return self.reported.size + self.ahead

    def add(self, fill: Fill, *, may_fold: bool) -> None:
        """One more that `reported` does not contain."""
        self.newer.append(fill)
        self.ahead += _signed(fill)
        if may_fold and len(self.newer) > _NEWER_KEPT:
            self._fold()

    def _fold(self) -> None:
        """Keep the older half as a sum."""
        self.newer.sort(key=lambda fill: fill.time_us)
        older, self.newer = self.newer[: _NEWER_KEPT // 2], self.newer[_NEWER_KEPT // 2 :]
        self.folded += sum((_signed(fill) for fill in older), ZERO)
        self.folded_size += sum((fill.size for fill in older), ZERO)
        self.folded_quote += sum((fill.size * fill.price for fill in older), ZERO)
        self.folded_us = max(self.folded_us, older[-1].time_us)

    def keep_after(self, time_us: int | None) -> None:
        """Let go of fills up to the venue's `time_us`, or of all: `reported` contains them."""
        self.newer = [] if time_us is None else [fill for fill in self.newer if fill.time_us > time_us]
        if time_us is None or time_us >= self.folded_us:
            self.folded = self.folded_size = self.folded_quote = ZERO
            self.folded_us = 0
        self.ahead = sum((_signed(fill) for fill in self.newer), self.folded)


class Ledger:
    """Fills and positions of the account."""

    def __init__(self, recent_trades: Iterable[TradeKey]) -> None:
        """Begin with the trades that the journal holds, newest first."""
        known = sorted(recent_trades, key=lambda trade: trade[0])
        self._trades: OrderedDict[TradeKey, None] = OrderedDict.fromkeys(known)
        self._forgotten = known[-1][0] if known else TradeId(0)
        self._newest = self._forgotten
        self._fills: deque[Fill] = deque(maxlen=_FILLS_SHOWN)
        self._holdings: dict[MarketId, _Holding] = {}
        self._has_baseline = False
        self._baseline_us = 0

    @property
    def has_baseline(self) -> bool:
        """Whether a complete list of positions was seen."""
        return self._has_baseline

    @property
    def trades_kept(self) -> int:
        """Trades in memory; bounded."""
        return len(self._trades)

    @property
    def fills_ahead(self) -> int:
        """Fills kept one by one because no position report contains them yet; bounded in every market."""
        return sum(len(holding.newer) for holding in self._holdings.values())

    @property
    def newest_trade(self) -> TradeId:
        """The highest trade id ever booked here."""
        return self._newest

    def is_booked(self, trade: TradeKey) -> bool:
        """Whether memory knows this trade as booked."""
        return trade in self._trades

    def may_be_forgotten(self, trade_id: TradeId) -> bool:
        """Whether a trade that memory does not know may still have been booked: only the journal can tell."""
        return trade_id <= self._forgotten

    def remember(self, trade: TradeKey) -> None:
        """Note a trade as booked; the oldest note leaves memory when there are too many."""
        self._trades[trade] = None
        self._newest = max(self._newest, trade[0])
        while len(self._trades) > _TRADES_KEPT:
            (evicted, _), _ = self._trades.popitem(last=False)
            self._forgotten = max(self._forgotten, evicted)

    def book(self, fill: Fill) -> None:
        """Book one fill that is not booked yet: trade id, list of fills and position change together."""
        self.remember(fill.key)
        self._fills.appendleft(fill)
        holding = self._holding(fill.market_id)
        if fill.time_us > holding.baseline_us:
            holding.believed += _signed(fill)
        if fill.time_us > max(holding.as_of_us, holding.baseline_us):
            holding.add(fill, may_fold=self._has_baseline)  # the first report may lie anywhere among them

    def report(self, positions: Iterable[Position], *, is_complete: bool, now: Instant) -> None:
        """Take in what the venue reports; only a complete list makes a missing market flat."""
        listed = {position.market_id: position for position in positions}
        is_first = is_complete and not self._has_baseline
        if is_first:
            self._has_baseline = True
            # For a market without a time of the venue's, ours: a fill replayed from before must not count twice. Should
            # our clock be ahead, the venue's next position report heals what is shown.
            self._baseline_us = max(now.utc_us, *(position.time_us for position in listed.values()), 0)
        missing = [market_id for market_id in self._holdings if market_id not in listed] if is_complete else []
        for market_id in missing:
            listed[market_id] = Position(market_id=market_id)
        for market_id, position in listed.items():
            self._take(self._holding(market_id), position, is_first=is_first)

    def is_in_doubt(self, now: Instant) -> bool:
        """Whether both readings of any market have differed for too long: the venue should be asked over REST."""
        is_found = False
        for holding in self._holdings.values():
            if holding.believed == holding.shown or not self._has_baseline:
                holding.differs_since_ns = None
            elif holding.differs_since_ns is None:
                holding.differs_since_ns = now.mono_ns
            else:
                is_found |= now.mono_ns - holding.differs_since_ns > _PATIENCE_NS
        return is_found

    def lasting(self, now: Instant) -> Iterator[Disagreement]:
        """Markets whose readings have differed for longer than frames may be apart."""
        for market_id, holding in self._holdings.items():
            since_ns = holding.differs_since_ns
            if since_ns is not None and now.mono_ns - since_ns > _PATIENCE_NS and holding.believed != holding.shown:
                yield Disagreement(market_id=market_id, believed=holding.believed, venue=holding.shown)

    def settle(self, answer: Iterable[Position], asked_ns: int) -> tuple[Disagreement, ...]:
        """Adopt what the venue's complete answer over REST confirms, where both readings had differed for too long.

        `report` took the answer in before. One frame of a stream, an empty list above all, is never proof enough.
        """
        sizes = {position.market_id: position.size for position in answer}
        found: list[Disagreement] = []
        for market_id, holding in self._holdings.items():
            since_ns, shown = holding.differs_since_ns, holding.shown
            is_old = since_ns is not None and asked_ns - since_ns > _PATIENCE_NS
            if not is_old or holding.believed == shown or holding.reported.size != sizes.get(market_id, ZERO):
                continue
            found.append(Disagreement(market_id=market_id, believed=holding.believed, venue=shown))
            holding.believed = shown
            holding.baseline_us = holding.as_of_us or holding.baseline_us
            holding.differs_since_ns = None
        return tuple(found)

    def readings(self, market_id: MarketId) -> tuple[Decimal, Decimal]:
        """The position as shown and as believed, signed, in base units."""
        holding = self._holdings.get(market_id)
        return (ZERO, ZERO) if holding is None else (holding.shown, holding.believed)

    def as_of_us(self, market_id: MarketId) -> int:
        """The venue's time up to which its newest position report of this market speaks; 0 when it gave none."""
        holding = self._holdings.get(market_id)
        return 0 if holding is None else holding.as_of_us

    def markets(self) -> Iterator[MarketId]:
        """Every market with any history here."""
        return iter(self._holdings)

    def positions(self) -> tuple[Position, ...]:
        """What is not flat, as the venue reports it with our newer fills applied; by market id."""
        held = (_shown_position(self._holdings[market_id]) for market_id in sorted(self._holdings))
        return tuple(position for position in held if position.size)

    def fills(self) -> tuple[Fill, ...]:
        """The newest fills, newest first."""
        return tuple(self._fills)

    def _holding(self, market_id: MarketId) -> _Holding:
        holding = self._holdings.get(market_id)
        if holding is None:
            # A market missing from the first complete list was flat at that moment.
            holding = _Holding(Position(market_id=market_id), baseline_us=self._baseline_us)
            self._holdings[market_id] = holding
        return holding

    def _take(self, holding: _Holding, position: Position, *, is_first: bool) -> None:
        if position.time_us and position.time_us < max(holding.as_of_us, holding.folded_us) and not is_first:
            return  # older than what we know
        if position.time_us:
            holding.as_of_us = position.time_us
            holding.keep_after(position.time_us)
        elif position.size != holding.reported.size or is_first:
            # A report without a time that repeats the last size is older than our newer fills; one that moved
            # contains them.
            holding.keep_after(None)
        holding.reported = position
        if is_first:
            holding.baseline_us = position.time_us or self._baseline_us
            holding.keep_after(holding.baseline_us)
            holding.believed = holding.shown


def _signed(fill: Fill) -> Decimal:
    return fill.size * fill.side.sign


def _shown_position(holding: _Holding) -> Position:
    reported = holding.reported
    if not holding.newer and not holding.folded_us:
        return reported
    entry = reported.entry_price
    if not reported.size:  # opened by fills alone: until the venue says its entry price, theirs is the best there is
        size = sum((fill.size for fill in holding.newer), holding.folded_size)
        entry = sum((fill.size * fill.price for fill in holding.newer), holding.folded_quote) / size
    return replace(reported, size=holding.shown, entry_price=entry)
