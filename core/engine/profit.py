"""Profit and loss by average cost, per market and per strategy: exact, and kept over restarts. Pure.

What came in and went out is summed exactly, so both together never depend on the order of fills. Only where the line
between the two is drawn rests on a division, rounded at the eighteenth decimal.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from core.engine.records import SavedMeta
from core.model import Fill, Origin, OriginKind, Position
from core.money import EMPTY_RECORD, PnlRow, TrackRecord
from core.units import ZERO, MarketId

_EXACT: Final = Context(prec=100)
_PLACES: Final = Decimal(1).scaleb(-18)
_KEY: Final = "pnl:"
_SEEDED: Final = "pnl seeded"
_DAY: Final = "pnl day"


@dataclass(slots=True)
class Account:
    """One position through its life; sizes in base units, money in USDC."""

    size: Decimal = ZERO
    """Signed: positive is long."""
    cash: Decimal = ZERO
    """Paid and received for it, fees apart: negative after a buy."""
    basis: Decimal = ZERO
    """What the open size was bought or sold for, signed like it."""
    fees: Decimal = ZERO
    fills: int = 0
    losses: int = 0
    """Losing closes in a row."""
    record: TrackRecord = EMPTY_RECORD
    begun: Decimal = ZERO
    """What was settled when the open trade began."""

    @property
    def realised(self) -> Decimal:
        """Profit of what was closed, before fees."""
        return _EXACT.add(self.cash, self.basis)

    @property
    def settled(self) -> Decimal:
        """Profit of what was closed, fees paid."""
        return _EXACT.subtract(self.realised, self.fees)

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit of what is open, on the mark."""
        return _EXACT.subtract(_EXACT.multiply(self.size, mark), self.basis)

    def book(self, fill: Fill) -> None:
        """Take in one execution that was not taken in before."""
        before = self.realised
        signed = fill.size * fill.side.sign
        worth = _EXACT.multiply(signed, fill.price)
        is_closing = self.size * signed < 0
        if not is_closing:
            self.basis = _EXACT.add(self.basis, worth)
        elif abs(signed) > abs(self.size):
            self.basis = _EXACT.multiply(_EXACT.add(self.size, signed), fill.price)
        elif abs(signed) == abs(self.size):
            self.basis = ZERO
        else:
            kept = _EXACT.divide(_EXACT.multiply(self.basis, _EXACT.add(self.size, signed)), self.size)
            self.basis = kept.quantize(_PLACES, rounding=ROUND_HALF_EVEN, context=_EXACT)
        self.size = _EXACT.add(self.size, signed)
        self.cash = _EXACT.subtract(self.cash, worth)
        self.fees = _EXACT.add(self.fees, fill.fee)
        self.fills += 1
        if is_closing:
            self.losses = self.losses + 1 if self.realised < before else 0
            if not self.size or self.size * signed > 0:  # flat, or flipped: a trade is over
                self._close()

    def _close(self) -> None:
        made = self.settled - self.begun
        self.begun = self.settled
        if made > 0:
            self.record += TrackRecord(wins=1, won=made)
        elif made < 0:
            self.record += TrackRecord(losses=1, lost=-made)


_Scope = tuple[MarketId, str]
"""A market, and a strategy in it; the empty name is everything in the market."""


class Profit:
    """Every account of one world."""

    def __init__(self, world: str) -> None:
        self._world = world
        self._accounts: dict[_Scope, Account] = {}
        self._is_seeded = False
        self._day: int | None = None
        self._starts: dict[_Scope, Decimal] = {}
        """What each account had made when the day began, or when it could be valued first on that day."""

    def restore(self, meta: dict[str, str]) -> None:
        """What earlier runs in this world booked."""
        self._is_seeded = meta.get(_SEEDED) == self._world
        for key, value in meta.items():
            saved = json.loads(value) if key.startswith(_KEY) and value else {}
            if saved.get("world") != self._world:
                continue
            self._accounts[_scope(key.removeprefix(_KEY))] = Account(
                size=Decimal(saved["size"]),
                cash=Decimal(saved["cash"]),
                basis=Decimal(saved["basis"]),
                fees=Decimal(saved["fees"]),
                fills=saved["fills"],
                losses=saved["losses"],
                record=_record(saved),
                begun=Decimal(saved.get("begun", "0")),
            )
        saved_day = json.loads(meta.get(_DAY) or "{}")
        if saved_day.get("world") == self._world:
            self._day = saved_day["day"]
            self._starts = {_scope(key): Decimal(made) for key, made in saved_day["starts"].items()}

    def book(self, fill: Fill, origin: Origin) -> tuple[SavedMeta, ...]:
        """Take in one execution; what must become durable together with it."""
        names = ["", origin.name] if origin.kind is OriginKind.STRATEGY and origin.name else [""]
        saved: list[SavedMeta] = []
        for name in names:
            scope = (fill.market_id, name)
            if scope not in self._accounts:
                self._accounts[scope] = Account()
                self._starts[scope] = ZERO  # it had made nothing before
                saved.append(self._saved_day())
            account = self._accounts[scope]
            account.book(fill)
            saved.append(self._saved(scope, account))
        return tuple(saved)

    def roll(self, day: int, marks: Mapping[MarketId, Decimal | None]) -> tuple[SavedMeta, ...]:
        """Begin `day` where it has begun: what is made from here on is made on it. What must become durable."""
        if day != self._day:
            if self._day is not None:
                self._starts.clear()
            self._day = day
        elif len(self._starts) == len(self._accounts):
            return ()
        found = {}
        for scope, account in self._accounts.items():
            made = None if scope in self._starts else _made(account, marks.get(scope[0]))
            if made is not None:
                found[scope] = made
        self._starts.update(found)
        return (self._saved_day(),) if found else ()

    def of(self, market_id: MarketId, strategy: str = "") -> Account:
        """One account; a new one where nothing was booked."""
        return self._accounts.get((market_id, strategy)) or Account()

    def settled(self) -> Decimal:
        """Profit of everything that was closed, fees paid."""
        return sum((account.settled for (_, name), account in self._accounts.items() if not name), ZERO)

    def losses(self) -> dict[str, int]:
        """Losing closes in a row of each strategy, in its worst market."""
        found: dict[str, int] = {}
        for (_, name), account in self._accounts.items():
            if name:
                found[name] = max(found.get(name, 0), account.losses)
        return found

    def pardon(self, strategy: str) -> None:
        """A human lets a strategy go on: its losses count anew."""
        for (_, name), account in self._accounts.items():
            if name == strategy:
                account.losses = 0

    def seed(self, positions: Iterable[Position]) -> tuple[SavedMeta, ...]:
        """Take in what is held at the first sight of this world, at the venue's average; what must become durable.

        Later sights change nothing: from then on fills tell.
        """
        if self._is_seeded:
            return ()
        self._is_seeded = True
        saved = [SavedMeta(key=_SEEDED, value=self._world)]
        for position in positions:
            scope = (position.market_id, "")
            if position.size and position.entry_price > 0 and scope not in self._accounts:
                basis = _EXACT.multiply(position.size, position.entry_price)
                account = Account(size=position.size, basis=basis, cash=-basis)
                self._accounts[scope] = account
                saved.append(self._saved(scope, account))
        return tuple(saved)

    def rows(self, marks: Mapping[MarketId, Decimal | None], venue: Mapping[MarketId, Position]) -> tuple[PnlRow, ...]:
        """One row an account, markets first; `venue` holds the positions as the venue states them."""
        ordered = sorted(self._accounts.items(), key=lambda item: (item[0][1], item[0][0]))
        return tuple(
            _row(scope, account, marks.get(scope[0]), venue.get(scope[0]), self._starts.get(scope))
            for scope, account in ordered
        )

    def _saved_day(self) -> SavedMeta:
        starts = {f"{market_id}:{name}": str(made) for (market_id, name), made in self._starts.items()}
        return SavedMeta(key=_DAY, value=json.dumps({"world": self._world, "day": self._day, "starts": starts}))

    def _saved(self, scope: _Scope, account: Account) -> SavedMeta:
        saved = {
            "world": self._world,
            "size": str(account.size),
            "cash": str(account.cash),
            "basis": str(account.basis),
            "fees": str(account.fees),
            "fills": account.fills,
            "losses": account.losses,
            "begun": str(account.begun),
            "record": [account.record.wins, account.record.losses, str(account.record.won), str(account.record.lost)],
        }
        return SavedMeta(key=f"{_KEY}{scope[0]}:{scope[1]}", value=json.dumps(saved))


def _scope(key: str) -> _Scope:
    market_id, _, name = key.partition(":")
    return MarketId(int(market_id)), name


def _record(saved: Mapping[str, list[int | str]]) -> TrackRecord:
    """Journals of earlier versions have none: their trades were not counted."""
    wins, losses, won, lost = saved.get("record", (0, 0, "0", "0"))
    return TrackRecord(wins=int(wins), losses=int(losses), won=Decimal(won), lost=Decimal(lost))


def _made(account: Account, mark: Decimal | None) -> Decimal | None:
    """All it made so far, on the mark; None where that has to be known and is not."""
    if not account.size:
        return account.settled
    return None if mark is None else _EXACT.add(account.settled, account.unrealised(mark))


def _row(
    scope: _Scope, account: Account, mark: Decimal | None, stated: Position | None, start: Decimal | None
) -> PnlRow:
    """Where the venue's position is the one that our fills add up to, its profit is put beside ours."""
    unrealised = None if mark is None else account.unrealised(mark)
    venue = None if scope[1] else stated  # the venue knows nothing of strategies
    is_same = venue is not None and venue.size == account.size
    made = _made(account, mark)
    return PnlRow(
        market_id=scope[0],
        strategy=scope[1],
        size=account.size,
        average_price=account.basis / account.size if account.size else None,
        realised=account.realised,
        unrealised=unrealised,
        fees=account.fees,
        fills=account.fills,
        day=None if made is None or start is None else _EXACT.subtract(made, start),
        record=account.record,
        venue_difference=unrealised - venue.unrealized_pnl if venue and is_same and unrealised is not None else None,
        funding=None if venue is None else venue.funding_paid,
        venue_realised=None if venue is None else venue.realized_pnl,
    )
